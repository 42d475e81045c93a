// SPDX-License-Identifier: BSD-3-Clause
// Latencies counted in HdrHistogram's geometry: 1 ns to 60 s, three significant digits.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_LOWEST_NS INT64_C(1)
#define HISTOGRAM_HIGHEST_NS INT64_C(60000000000)

enum {
    HISTOGRAM_SIGNIFICANT_DIGITS = 3,
    HISTOGRAM_HALF_MAGNITUDE = 10, // three digits need 2000 steps; 2048 is the next power of two
    HISTOGRAM_HALF = 1024,         // 2 to the power of HISTOGRAM_HALF_MAGNITUDE
    HISTOGRAM_SUB_BUCKETS = 2 * HISTOGRAM_HALF,
    HISTOGRAM_BUCKETS = 26, // the first k with 2048 << (k - 1) above the highest value
    HISTOGRAM_COUNTS = (HISTOGRAM_BUCKETS + 1) * HISTOGRAM_HALF,
};

struct histogram {
    uint64_t total;
    uint64_t sum_ns;
    int64_t min_ns; // 0 while empty
    int64_t max_ns;
    uint64_t out_of_range; // values that were not recorded: an error, never clamped
    uint64_t counts[HISTOGRAM_COUNTS];
};

// Where a value from 0 to the highest is counted.
static inline size_t histogram_index(int64_t value_ns)
{
    uint64_t value = (uint64_t)value_ns;
    unsigned magnitude = 64 - (unsigned)__builtin_clzll(value | (HISTOGRAM_SUB_BUCKETS - 1U));
    unsigned bucket = magnitude - (HISTOGRAM_HALF_MAGNITUDE + 1);

    // Each bucket above the first uses only its upper half: the lower one is the bucket before it.
    return (size_t)bucket * HISTOGRAM_HALF + (size_t)(value >> bucket);
}

// The smallest and the largest value that are counted at an index.
int64_t histogram_lowest_at(size_t index);
int64_t histogram_highest_at(size_t index);

void histogram_record(struct histogram *histogram, int64_t value_ns);

void histogram_add(struct histogram *sum, const struct histogram *part);

// The value that `percent` of the values do not exceed, as HdrHistogram gives it: the largest value
// equivalent to the one found. 0 when the histogram is empty.
int64_t histogram_percentile(const struct histogram *histogram, double percent);

// The extremes to the histogram's resolution; 0 when it is empty.
int64_t histogram_min(const struct histogram *histogram);
int64_t histogram_max(const struct histogram *histogram);

uint64_t histogram_mean(const struct histogram *histogram);
