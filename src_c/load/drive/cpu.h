// SPDX-License-Identifier: BSD-3-Clause
// How much CPU time fibload itself has used.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "load/drive/state.h"

struct cpu_sample {
    int64_t total_ns;  // exact, also of threads that are running
    int64_t user_ns;   // as the kernel divides it: exact to a clock tick
    int64_t system_ns; // likewise
    int64_t delay_ns;  // in which threads were ready to run and had no CPU; -1: not known
};

struct cpu_use {
    int64_t user_ns;
    int64_t system_ns;
    int64_t delay_ns; // -1: not known
};

// What the whole process has had, from its start.
struct cpu_extent {
    int64_t rss_peak_bytes;
    int64_t switches_voluntary;
    int64_t switches_involuntary;
};

struct cpu_extent cpu_extent(void);

// Reads the time used so far by the calling thread and the workers' threads, which must exist.
struct cpu_sample cpu_sample(struct worker *const workers[], size_t count);

// What was used from one sample to another; its sum is exact.
struct cpu_use cpu_between(struct cpu_sample from, struct cpu_sample to);
