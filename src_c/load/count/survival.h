// SPDX-License-Identifier: BSD-3-Clause
// How long requests take when some of them have not ended yet: the product-limit estimator (Kaplan
// and Meier 1958) with delayed entry. Pure.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load/count/histogram.h"

// What was seen in the window. All are ages in nanoseconds: since the intended time in an open
// loop, since the start in a closed one.
struct lifetimes {
    const struct histogram *answered; // when the reply came
    const struct histogram *censored; // of those without a reply, when they were seen last
    const struct histogram
        *entered; // of either, those from before the window: their age at its begin
};

// The age by which `percent` of the requests are answered: the largest that is equivalent to the
// one found, as from histogram_percentile(), which it equals when nothing is censored or has
// entered late. False, and `value_ns` as it was, when the requests without a reply hide it.
bool survival_percentile(const struct lifetimes *lifetimes, double percent, int64_t *value_ns);
