// SPDX-License-Identifier: BSD-3-Clause
// When the requests of an open loop are due: known ahead, whatever becomes of them. Pure.
#include "load/ask/schedule.h"

#include <math.h>

__extension__ typedef unsigned __int128 wide;

static const uint64_t BILLION = 1000000000;

// splitmix64 (Steele, Lea and Flood 2014): one number from each state, and the next state.
static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30U)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27U)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31U);
}

static uint64_t rotate(uint64_t x, unsigned by) { return (x << by) | (x >> (64 - by)); }

// xoshiro256** 1.0 (Blackman and Vigna 2018).
static uint64_t draw(uint64_t s[static 4])
{
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17U;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

struct schedule schedule_make(enum arrivals arrivals, uint64_t rate_billionths, uint64_t seed,
                              uint64_t group, uint64_t thread, uint64_t threads)
{
    struct schedule schedule = {
        .arrivals = arrivals,
        .rate_billionths = rate_billionths,
        .stride = threads,
        .index = thread,
        .mean_gap_ns = 1e18 / (double)rate_billionths * (double)threads,
    };
    uint64_t state = seed;

    state = split_mix(&state) ^ group;
    state = split_mix(&state) ^ thread;
    for (int i = 0; i < 4; i++)
        schedule.random[i] = split_mix(&state);
    return schedule;
}

// i / rate to the nanosecond, rounded down. No error adds up, since it is not a sum.
static int64_t next_uniform(struct schedule *schedule)
{
    wide at_ns = (wide)schedule->index * BILLION * BILLION / schedule->rate_billionths;

    schedule->index += schedule->stride;
    return at_ns < INT64_MAX ? (int64_t)at_ns : INT64_MAX;
}

// The part of a nanosecond is carried over, so that rounding does not bend the rate.
static int64_t next_poisson(struct schedule *schedule)
{
    double uniform = (double)(draw(schedule->random) >> 11U) * 0x1p-53; // 0 up to, not including, 1
    double gap_ns = schedule->last_part_ns - log1p(-uniform) * schedule->mean_gap_ns;
    double whole_ns = floor(gap_ns);

    if (whole_ns >= (double)(INT64_MAX - schedule->last_ns))
        return schedule->last_ns = INT64_MAX;
    schedule->last_part_ns = gap_ns - whole_ns;
    schedule->last_ns += (int64_t)whole_ns;
    return schedule->last_ns;
}

int64_t schedule_next(struct schedule *schedule)
{
    return schedule->arrivals == ARRIVALS_UNIFORM ? next_uniform(schedule) : next_poisson(schedule);
}
