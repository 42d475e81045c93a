// SPDX-License-Identifier: BSD-3-Clause
// The span of time that is measured, as all threads see it.
#pragma once

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { CACHE_LINE = 64 };

// Replies received from `begin_ns` up to, not including, `end_ns` are in the window. Both are
// INT64_MAX until they are known. An edge that is planned is published before it comes; an end that
// is not is made in two steps, so that every thread sees the same edges.
struct window {
    _Atomic int64_t begin_ns;
    _Atomic int64_t end_ns;
    uint64_t requests;                            // ends with this many replies; 0: ends at a time
    _Atomic int64_t cooldown_ns;                  // how long the load goes on after a planned end
    int finished;                                 // eventfd: they have come, or `aborted`
    atomic_bool aborted;                          // the backlog of an open loop grew too long
    alignas(CACHE_LINE) _Atomic uint64_t replies; // counted only if `requests` are
};

// The window is over, and who ends it has not yet said when.
static const int64_t WINDOW_ENDING = INT64_MIN;

enum window_side { WINDOW_BEFORE, WINDOW_INSIDE, WINDOW_OVER };

// False when there is no descriptor for it.
bool window_init(struct window *window, uint64_t requests, int64_t cooldown_ns);

// How far ahead the begin is set, for every CPU to see it before it comes: it cannot be moved when
// it turns out to have been set too late.
static const int64_t WINDOW_BEGIN_AHEAD_NS = 1000000;

// Opens the window at `begin_ns`. A `duration_ns` of 0 leaves the end open. One that was aborted
// has its end already, and it stays.
void window_open(struct window *window, int64_t begin_ns, int64_t duration_ns);

// Ends the window now, unless it has ended already. Returns the end: whatever a thread was let
// count lies before it, however long ago that thread has read the clock.
int64_t window_end_now(struct window *window);

// Ends the window now: an open loop has failed.
void window_abort(struct window *window);

// Counts one of the wanted replies; ends the window with the last of them.
enum window_side window_count_reply(struct window *window);

// Whether this moment, which is not ahead, belongs to the end or to what comes after it. If it does
// not, then it lies in the window or before it for good.
static inline bool window_is_over(struct window *window, int64_t now_ns)
{
    return now_ns >= atomic_load_explicit(&window->end_ns, memory_order_acquire);
}

// Where a reply received just now belongs. After WINDOW_OVER it must not be looked at.
static inline enum window_side window_admit(struct window *window, int64_t now_ns)
{
    if (window_is_over(window, now_ns))
        return WINDOW_OVER;
    if (now_ns < atomic_load_explicit(&window->begin_ns, memory_order_acquire))
        return WINDOW_BEFORE;
    return window->requests == 0 ? WINDOW_INSIDE : window_count_reply(window);
}
