// SPDX-License-Identifier: BSD-3-Clause
// The first round of a closed loop: all its requests are sent at once, so that those of a server
// with a queue take longer and longer, and what holds of requests whose lengths do not drift does
// not hold of them. When it is over, and what was served meanwhile. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/count/timeline.h"
#include "load/count/warm_up.h"

// How far the first round has come, batch by batch of the warm-up.
struct first_round {
    uint64_t asked; // requests that it has
    size_t count;
    uint64_t answered[WARM_UP_BATCHES_MAX]; // of them, at the end of each batch
    uint64_t replies[WARM_UP_BATCHES_MAX];  // all that there were by then
};

// Of as many requests as the closed loops keep in flight; 0: there are none.
struct first_round first_round_begin(uint64_t asked);

// Ends a batch: of so many replies since the start, so many were to requests of the first round.
void first_round_look(struct first_round *first_round, uint64_t answered, uint64_t replies);

// Whether all of it was answered, or what is left no longer matters: of the replies in the second
// half of the time next to none were of it. So nobody waits for a client that is never answered.
bool first_round_is_over(const struct first_round *first_round);

// Whether so many of these replies are so much that the lengths of requests must have drifted.
static inline bool first_round_matters(uint64_t answered, uint64_t replies)
{
    return answered * 50 > replies;
}

// How many requests were served in a window in which the first round mattered, from the times of
// the replies alone: their number in a shorter window, by the length of a request, on average of
// all places that it can have in this one. Of a steady rate that is unbiased whatever the lengths
// do, and exact for clients that are in step with that length. A window which is no longer than a
// request has the replies that came.
double first_round_served(const struct timeline *timeline, int64_t window_ns, int64_t length_ns);
