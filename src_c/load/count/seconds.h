// SPDX-License-Identifier: BSD-3-Clause
// Latencies second by second: the second that passes as a histogram, those that have passed
// sparsely, so that memory is bounded by what was seen. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/count/histogram.h"

struct bin {
    uint32_t index; // in the histogram
    uint64_t count;
};

// A second in which a latency was recorded.
struct second {
    int64_t number; // the k-th of the window, from 0
    uint64_t total;
    uint64_t sum_ns;
    int64_t min_ns;
    int64_t max_ns;
    uint64_t out_of_range;
    struct bin *bins; // by index
    size_t bin_count;
};

struct seconds {
    int64_t now_end_ns; // of the second that passes, since the window's begin
    struct histogram now;
    struct second *kept; // by number
    size_t kept_count;
    size_t kept_room;
};

// Keeps the second that passes and begins the one of `since_begin_ns`. Ends the process when there
// is no memory.
void seconds_roll(struct seconds *seconds, int64_t since_begin_ns);

// Records a latency seen `since_begin_ns` after the window's begin, which never runs backwards.
static inline void seconds_record(struct seconds *seconds, int64_t since_begin_ns,
                                  int64_t latency_ns)
{
    if (since_begin_ns >= seconds->now_end_ns)
        seconds_roll(seconds, since_begin_ns);
    histogram_record(&seconds->now, latency_ns);
}

// Keeps the last second. Nothing is recorded after it.
void seconds_close(struct seconds *seconds);

// Adds the kept seconds of a part, second by second.
void seconds_add(struct seconds *sum, const struct seconds *part);

// Adds all the kept seconds to one histogram.
void seconds_total(const struct seconds *seconds, struct histogram *sum);

// Whether the kept seconds add up to this histogram, value by value.
bool seconds_add_up_to(const struct seconds *seconds, const struct histogram *histogram);

void seconds_free(struct seconds *seconds);
