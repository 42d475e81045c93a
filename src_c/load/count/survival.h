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

// What is taken to become of requests that were cut off.
enum cut_off {
    CUT_OFF_IS_TYPICAL, // what becomes of others of that age: the product-limit estimator
    CUT_OFF_ENDS_NOW,   // a reply the moment after they were last seen: the least there can be
    CUT_OFF_NEVER_ENDS, // none: the most
};

// The age by which `percent` of the requests are answered: the largest that is equivalent to the
// one found, as from histogram_percentile(), which it equals when nothing is censored or has
// entered late. False, and `value_ns` as it was, when the requests without a reply hide it.
bool survival_percentile(const struct lifetimes *lifetimes, double percent, int64_t *value_ns);

// The same, with another belief about those that were cut off.
bool survival_percentile_if(const struct lifetimes *lifetimes, enum cut_off cut_off, double percent,
                            int64_t *value_ns);

// The age that all but `percent` of the requests exceeded when they were last seen, answered or
// not, wherever they began: what they take in the end is no less. False if there was none.
bool survival_last_seen(const struct lifetimes *lifetimes, double percent, int64_t *value_ns);
