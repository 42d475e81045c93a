// SPDX-License-Identifier: BSD-3-Clause
// How many requests a closed loop had answered in its window, wherever the window's edges fall: a
// request counts by the part of its length that lies in the window. Pure.
#include "load/count/throughput.h"

#include <stddef.h>

// A length or an age for all those that are counted at an index.
static double middle_at(size_t index)
{
    return ((double)histogram_lowest_at(index) + (double)histogram_highest_at(index)) / 2;
}

// The part in the window of a request of this age, of which so much passes in a nanosecond.
static double part_of(const struct served *served, double age_ns, double per_ns)
{
    double window_ns = (double)served->window_ns;
    double inside_ns = age_ns < window_ns ? age_ns : window_ns;
    double part = inside_ns * per_ns;

    return part < 1 ? part : 1;
}

// The parts of requests that are older than every reply was.
static double parts_beyond(const struct served *served, size_t slowest)
{
    double mean_ns = (double)histogram_mean(served->answered);
    double limit_ns = 2 * (double)histogram_highest_at(slowest);
    double sum = 0;

    for (size_t i = slowest + 1; i < HISTOGRAM_COUNTS; i++) {
        double age_ns = middle_at(i);
        if (served->resumed->counts[i] > 0 && age_ns <= limit_ns)
            sum += (double)served->resumed->counts[i] *
                   part_of(served, age_ns, 1 / (age_ns + mean_ns));
    }
    return sum;
}

double served_requests(const struct served *served)
{
    const struct histogram *answered = served->answered;
    double sum = (double)(answered->total + answered->out_of_range) - served->before;
    uint64_t slower = 0;
    double per_ns = 0; // sum of 1 / length over those

    if (answered->total == 0)
        return sum;
    size_t slowest = histogram_index(answered->max_ns);
    sum += parts_beyond(served, slowest);
    for (size_t i = slowest + 1; i-- > 0;) {
        if (answered->counts[i] > 0) {
            slower += answered->counts[i];
            per_ns += (double)answered->counts[i] / middle_at(i);
        }
        if (served->censored->counts[i] > 0)
            sum += (double)served->censored->counts[i] *
                   part_of(served, middle_at(i), per_ns / (double)slower);
    }
    return sum;
}
