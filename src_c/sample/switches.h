// SPDX-License-Identifier: BSD-3-Clause
// Every change of threads on every CPU, as the kernel tells it: PERF_RECORD_SWITCH.
//
// That sees what no sample does: children that live for a quarter of a millisecond. It is of all
// processes of the machine, so that it may be had by root, with CAP_PERFMON, or where
// /proc/sys/kernel/perf_event_paranoid is 0 or less: perf_event_open(2).
#pragma once

#include <stdint.h>
#include <sys/types.h>

enum switched_what {
    SWITCHED_IN,   // it has a CPU from now on
    SWITCHED_OUT,  // it waits from now on
    SWITCHED_AWAY, // it has none, and would go on
    SWITCHED_BEGAN,
    SWITCHED_ENDED,
};

struct switched {
    enum switched_what what;
    int64_t at_ns; // CLOCK_MONOTONIC
    pid_t pid;
    pid_t tid;
    pid_t parent_tid; // of one that began: the thread that made it
};

struct switches;

// Opens it. Returns NULL where it cannot be had: errno.
struct switches *switches_begin(void);
void switches_end(struct switches *switches);

// Hands on what has happened since, in the order of its time. Returns how many records were lost,
// since nobody came for them in time.
uint64_t switches_take(struct switches *switches,
                       void (*take)(void *context, const struct switched *one), void *context);
