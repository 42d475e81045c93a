// SPDX-License-Identifier: BSD-3-Clause
// When a server is warm: MSER-5 (Spratt 1998; White, Cobb and Spratt 2000), asked anew after each
// batch until it says that the transient is over. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"

// A batch is five observations of 20 ms.
static const int64_t WARM_UP_BATCH_NS = INT64_C(100) * NS_PER_MS;

enum { WARM_UP_BATCHES_MAX = 100 }; // 10 s

struct warm_up {
    double batches[WARM_UP_BATCHES_MAX]; // mean rates
    size_t count;
    double last;     // the amount at the end of the last
    int64_t last_ns; // and when that was
};

struct warm_up warm_up_begin(int64_t now_ns);

// Ends a batch: so much, of what a steady server does at a steady rate, was done up to now.
void warm_up_look(struct warm_up *warm_up, double amount, int64_t now_ns);

// Whether what was to be cut off from the begin, so that the mean of the rest has the least
// standard error, lies in the first half: else there is too little of the rest to say that it is
// steady. False as well while nothing was done.
bool warm_up_is_steady(const struct warm_up *warm_up);

static inline bool warm_up_is_full(const struct warm_up *warm_up)
{
    return warm_up->count == WARM_UP_BATCHES_MAX;
}
