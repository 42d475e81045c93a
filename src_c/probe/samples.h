// SPDX-License-Identifier: BSD-3-Clause
// What one CPU's probe has measured: when, and how long. The newest are kept.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SAMPLES_KEPT = 1 << 14 }; // five and a half minutes of one every 20 ms

struct sample {
    int64_t begin_ns; // CLOCK_MONOTONIC
    int64_t end_ns;
    int64_t cpu_ns; // the thread's own CPU time in between
};

struct samples {
    struct sample *ring; // SAMPLES_KEPT of them
    uint64_t taken;      // in all: the newest is at (taken - 1) % SAMPLES_KEPT
};

struct samples_median {
    size_t count;   // of the samples that lie in the window as a whole
    int64_t cpu_ns; // of an even number the lower of the two in the middle; 0 of none
};

// False where there is no memory.
bool samples_begin(struct samples *samples);
void samples_add(struct samples *samples, struct sample sample);
void samples_end(struct samples *samples);

// The median of those that began and ended within [begin_ns, end_ns]. `room` has SAMPLES_KEPT
// places to sort them in.
struct samples_median samples_between(const struct samples *samples, int64_t begin_ns,
                                      int64_t end_ns, int64_t room[static SAMPLES_KEPT]);
