// SPDX-License-Identifier: BSD-3-Clause
// The span of time that is measured, as all threads see it.
#include "load/drive/window.h"

#include <sys/eventfd.h>

#include "core/clock.h"

bool window_init(struct window *window, uint64_t requests)
{
    atomic_init(&window->begin_ns, INT64_MAX);
    atomic_init(&window->end_ns, INT64_MAX);
    atomic_init(&window->replies, 0);
    atomic_init(&window->aborted, false);
    window->requests = requests;
    window->finished = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return window->finished != -1;
}

// Moves the end to an earlier time; it never moves back. Returns the end that holds.
static int64_t end_at(struct window *window, int64_t end_ns)
{
    int64_t known = atomic_load_explicit(&window->end_ns, memory_order_acquire);

    while (end_ns < known) {
        if (atomic_compare_exchange_weak_explicit(&window->end_ns, &known, end_ns,
                                                  memory_order_acq_rel, memory_order_acquire))
            return end_ns;
    }
    return known;
}

void window_open(struct window *window, int64_t begin_ns, int64_t duration_ns)
{
    // The end first: who sees the begin must see the end as well.
    if (duration_ns > 0)
        end_at(window, begin_ns + duration_ns);
    atomic_store_explicit(&window->begin_ns, begin_ns, memory_order_release);
}

int64_t window_end_now(struct window *window)
{
    return end_at(window, clock_now_ns() + WINDOW_AHEAD_NS);
}

void window_abort(struct window *window)
{
    atomic_store_explicit(&window->aborted, true, memory_order_release);
    end_at(window, clock_now_ns() + 1);
    eventfd_write(window->finished, 1);
}

enum window_side window_count_reply(struct window *window)
{
    uint64_t before = atomic_fetch_add_explicit(&window->replies, 1, memory_order_acq_rel);

    if (before >= window->requests)
        return WINDOW_OVER;
    if (before + 1 == window->requests) {
        // Every reply counted before was received before this moment, on whichever CPU.
        end_at(window, clock_now_ns() + 1);
        eventfd_write(window->finished, 1);
    }
    return WINDOW_INSIDE;
}
