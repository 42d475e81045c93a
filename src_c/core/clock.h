// SPDX-License-Identifier: BSD-3-Clause
// The one clock of deadlines: CLOCK_MONOTONIC as nanoseconds in an int64_t.
#pragma once

#include <stdint.h>
#include <time.h>

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

// clock_gettime(2) does not fail for this clock, and costs no system call (vdso(7)).
static inline int64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static inline struct timespec clock_timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

// How long until the deadline, as ppoll(2) wants it: never negative.
static inline struct timespec clock_until(int64_t deadline_ns)
{
    int64_t left_ns = deadline_ns - clock_now_ns();
    return clock_timespec(left_ns > 0 ? left_ns : 0);
}
