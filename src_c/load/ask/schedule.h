// SPDX-License-Identifier: BSD-3-Clause
// When the requests of an open loop are due: known ahead, whatever becomes of them. Pure.
#pragma once

#include <stdint.h>

enum arrivals {
    ARRIVALS_POISSON, // independent of each other, as of users who do not know of each other
    ARRIVALS_UNIFORM, // evenly spaced
};

// One thread's part of a group's schedule, and where in it the reader is. A copy is a second reader
// of the same times.
struct schedule {
    enum arrivals arrivals;
    uint64_t rate_billionths; // of a request per second: of the whole group
    uint64_t stride;          // threads that share the group
    uint64_t index;           // uniform: of the next request in the group
    double mean_gap_ns;       // Poisson: of this thread
    int64_t last_ns;          // Poisson: the last time given
    double last_part_ns;      // and the part of a nanosecond that it lacks
    uint64_t random[4];
};

// The schedule of thread `thread` of `threads` in a group. `rate_billionths` is not 0.
struct schedule schedule_make(enum arrivals arrivals, uint64_t rate_billionths, uint64_t seed,
                              uint64_t group, uint64_t thread, uint64_t threads);

// The next time, in nanoseconds since time zero; never earlier than the one before. INT64_MAX:
// later than there is time for.
int64_t schedule_next(struct schedule *schedule);
