// SPDX-License-Identifier: BSD-3-Clause
// The first round of a closed loop: when it is over, and what was served meanwhile. Pure.
#include "load/count/first_round.h"

struct first_round first_round_begin(uint64_t asked)
{
    return (struct first_round){.asked = asked};
}

void first_round_look(struct first_round *first_round, uint64_t answered, uint64_t replies)
{
    if (first_round->count == WARM_UP_BATCHES_MAX)
        return;
    first_round->answered[first_round->count] = answered;
    first_round->replies[first_round->count] = replies;
    first_round->count++;
}

bool first_round_is_over(const struct first_round *first_round)
{
    size_t count = first_round->count;

    if (first_round->asked == 0)
        return true;
    if (count == 0 || first_round->replies[count - 1] == 0)
        return false;
    uint64_t answered = first_round->answered[count - 1];
    uint64_t replies = first_round->replies[count - 1];
    if (answered >= first_round->asked)
        return true;
    if (count / 2 > 0) { // what was there when the first half ended
        answered -= first_round->answered[count / 2 - 1];
        replies -= first_round->replies[count / 2 - 1];
    }
    return !first_round_matters(answered, replies);
}

static double least_of(double a, double b) { return a < b ? a : b; }

double first_round_served(const struct timeline *timeline, int64_t window_ns, int64_t length_ns)
{
    double window = (double)window_ns;
    double shift = (double)length_ns; // by which the shorter window can be moved
    double rest = window - shift;     // its length
    double slot = (double)(UINT64_C(1) << timeline->shift);
    bool is_whole = length_ns <= 0 || length_ns >= window_ns;
    double sum = 0;

    for (int i = 0; i < TIMELINE_SLOTS; i++) {
        double from = i * slot;
        double at = (from + least_of(from + slot, window)) / 2;
        // The share of the places at which the shorter window has this moment in it, times `shift`.
        double held = least_of(least_of(at, window - at), least_of(shift, rest));
        sum += (double)timeline->slots[i] * (is_whole ? 1 : held * window / (shift * rest));
    }
    return sum;
}
