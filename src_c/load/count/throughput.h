// SPDX-License-Identifier: BSD-3-Clause
// How many requests a closed loop had answered in its window, wherever the window's edges fall: a
// request counts by the part of its length that lies in the window. Pure.
#pragma once

#include <stdint.h>

#include "load/count/histogram.h"

// What was seen in the window of a closed loop, of one length for all requests of a group.
struct served {
    int64_t window_ns;
    const struct histogram *answered; // lengths of the requests with a reply in the window
    double before; // of these, the parts that lie before the window: a sum of 0 to 1 for each
    const struct histogram *censored; // ages at the end of those without a reply
    const struct histogram *resumed;  // of these, those whose client had been answered before
};

// The sum over all requests of the part of each that lies in the window. Divided by the window it
// is the mean over time of 1 / (length of the request in flight), for each in flight, which is the
// rate of replies whatever their order and wherever the edges are: exactly for clients in step, on
// average for independent ones. The length of what is in flight at the end is not known: the mean
// of 1 / length over the replies that took longer than its age stands for it. No reply was that
// slow: then an age up to twice the slowest is one of a request that the server is at; an older
// one, or that of a client which was never answered, counts nothing. Lengths must not drift: see
// first_round.h.
double served_requests(const struct served *served);
