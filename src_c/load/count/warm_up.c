// SPDX-License-Identifier: BSD-3-Clause
// When a server is warm: MSER-5.
#include "load/count/warm_up.h"

enum {
    LEAST_BATCHES = 5, // with fewer the rule could only say yes
    LEAST_REST = 2,    // that has a standard error; and of many batches, which may be alike by
    REST_SHARE = 10,   // chance where they are two, a tenth more
};

static const double ROUNDING = 1e-9; // two errors that are so close are one

struct warm_up warm_up_begin(int64_t now_ns) { return (struct warm_up){.last_ns = now_ns}; }

void warm_up_look(struct warm_up *warm_up, double amount, int64_t now_ns)
{
    if (warm_up_is_full(warm_up) || now_ns <= warm_up->last_ns)
        return;
    warm_up->batches[warm_up->count++] =
        (amount - warm_up->last) / (double)(now_ns - warm_up->last_ns);
    warm_up->last = amount;
    warm_up->last_ns = now_ns;
}

// The square of the standard error of the mean of the batches from one on: their sum of squares
// about it over the square of their number.
static double error_from(const struct warm_up *warm_up, size_t from)
{
    double rest = (double)(warm_up->count - from);
    double mean = 0;
    double squares = 0;

    for (size_t i = from; i < warm_up->count; i++)
        mean += warm_up->batches[i] / rest;
    for (size_t i = from; i < warm_up->count; i++)
        squares += (warm_up->batches[i] - mean) * (warm_up->batches[i] - mean);
    return squares / (rest * rest);
}

bool warm_up_is_steady(const struct warm_up *warm_up)
{
    size_t least_rest = LEAST_REST + warm_up->count / REST_SHARE;
    size_t cut = 0;

    if (warm_up->count < LEAST_BATCHES || warm_up->last <= 0)
        return false;
    double least = error_from(warm_up, 0);
    for (size_t from = 1; from + least_rest <= warm_up->count; from++) {
        double error = error_from(warm_up, from);
        if (error < least * (1 - ROUNDING)) {
            least = error;
            cut = from;
        }
    }
    return cut <= warm_up->count / 2;
}
