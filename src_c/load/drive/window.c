// SPDX-License-Identifier: BSD-3-Clause
// The span of time that is measured, as all threads see it.
#include "load/drive/window.h"

#include <sched.h>
#include <sys/eventfd.h>

#include "core/clock.h"

bool window_init(struct window *window, uint64_t requests, int64_t cooldown_ns)
{
    atomic_init(&window->begin_ns, INT64_MAX);
    atomic_init(&window->end_ns, INT64_MAX);
    atomic_init(&window->replies, 0);
    atomic_init(&window->aborted, false);
    atomic_init(&window->cooldown_ns, cooldown_ns);
    window->requests = requests;
    window->finished = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return window->finished != -1;
}

// Ends the window, unless it has ended. From the first step on nobody counts; who was let count has
// read the clock before it, and therefore before the second. Returns the end, or WINDOW_ENDING
// while another thread is at it.
static int64_t end_now(struct window *window)
{
    int64_t planned_ns =
        atomic_exchange_explicit(&window->end_ns, WINDOW_ENDING, memory_order_seq_cst);

    if (planned_ns == WINDOW_ENDING)
        return WINDOW_ENDING;
    int64_t end_ns = clock_now_ns() + 1;
    if (planned_ns < end_ns)
        end_ns = planned_ns;
    else // who sees this end must see that nothing comes after it
        atomic_store_explicit(&window->cooldown_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&window->end_ns, end_ns, memory_order_release);
    return end_ns;
}

void window_open(struct window *window, int64_t begin_ns, int64_t duration_ns)
{
    int64_t never_ns = INT64_MAX;

    // The end first: who sees the begin must see the end as well.
    if (duration_ns > 0)
        atomic_compare_exchange_strong_explicit(&window->end_ns, &never_ns, begin_ns + duration_ns,
                                                memory_order_acq_rel, memory_order_relaxed);
    atomic_store_explicit(&window->begin_ns, begin_ns, memory_order_release);
}

int64_t window_end_now(struct window *window)
{
    int64_t end_ns = atomic_load_explicit(&window->end_ns, memory_order_acquire);

    // An end that has come is the same for all: who goes on after it must not see it in the making.
    if (end_ns != WINDOW_ENDING && end_ns <= clock_now_ns())
        return end_ns;
    end_ns = end_now(window);
    while (end_ns == WINDOW_ENDING) {
        sched_yield();
        end_ns = atomic_load_explicit(&window->end_ns, memory_order_acquire);
    }
    return end_ns;
}

void window_abort(struct window *window)
{
    atomic_store_explicit(&window->aborted, true, memory_order_release);
    end_now(window);
    eventfd_write(window->finished, 1);
}

enum window_side window_count_reply(struct window *window)
{
    uint64_t before = atomic_fetch_add_explicit(&window->replies, 1, memory_order_acq_rel);

    if (before >= window->requests)
        return WINDOW_OVER;
    if (before + 1 == window->requests) {
        end_now(window);
        eventfd_write(window->finished, 1);
    }
    return WINDOW_INSIDE;
}
