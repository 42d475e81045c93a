// SPDX-License-Identifier: BSD-3-Clause
// Latencies counted in HdrHistogram's geometry: 1 ns to 60 s, three significant digits.
#include "load/count/histogram.h"

#include <assert.h>

static_assert(HISTOGRAM_HALF == UINT64_C(1) << (unsigned)HISTOGRAM_HALF_MAGNITUDE,
              "a bucket is half a power of two");
static_assert(((uint64_t)HISTOGRAM_SUB_BUCKETS << (HISTOGRAM_BUCKETS - 1U)) > HISTOGRAM_HIGHEST_NS,
              "the last bucket must hold the highest value");
static_assert(((uint64_t)HISTOGRAM_SUB_BUCKETS << (HISTOGRAM_BUCKETS - 2U)) <= HISTOGRAM_HIGHEST_NS,
              "and it must be needed");

// How far values at an index were shifted right.
static unsigned shift_at(size_t index)
{
    return index < HISTOGRAM_SUB_BUCKETS ? 0 : (unsigned)(index / HISTOGRAM_HALF) - 1;
}

int64_t histogram_lowest_at(size_t index)
{
    unsigned shift = shift_at(index);

    return (int64_t)((index - (size_t)shift * HISTOGRAM_HALF) << shift);
}

int64_t histogram_highest_at(size_t index)
{
    return histogram_lowest_at(index) + (INT64_C(1) << shift_at(index)) - 1;
}

void histogram_record(struct histogram *histogram, int64_t value_ns)
{
    if (value_ns < HISTOGRAM_LOWEST_NS || value_ns > HISTOGRAM_HIGHEST_NS) {
        histogram->out_of_range++;
        return;
    }
    if (histogram->total == 0 || value_ns < histogram->min_ns)
        histogram->min_ns = value_ns;
    if (value_ns > histogram->max_ns)
        histogram->max_ns = value_ns;
    histogram->total++;
    histogram->sum_ns += (uint64_t)value_ns;
    histogram->counts[histogram_index(value_ns)]++;
}

void histogram_add(struct histogram *sum, const struct histogram *part)
{
    if (part->total > 0 && (sum->total == 0 || part->min_ns < sum->min_ns))
        sum->min_ns = part->min_ns;
    if (part->max_ns > sum->max_ns)
        sum->max_ns = part->max_ns;
    sum->total += part->total;
    sum->sum_ns += part->sum_ns;
    sum->out_of_range += part->out_of_range;
    for (size_t i = 0; i < HISTOGRAM_COUNTS; i++)
        sum->counts[i] += part->counts[i];
}

int64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    uint64_t wanted = (uint64_t)(percent / 100 * (double)histogram->total + 0.5);
    uint64_t seen = 0;

    if (wanted == 0)
        wanted = 1;
    for (size_t i = 0; i < HISTOGRAM_COUNTS; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted)
            return histogram_highest_at(i);
    }
    return 0;
}

int64_t histogram_min(const struct histogram *histogram)
{
    return histogram_lowest_at(histogram_index(histogram->min_ns));
}

int64_t histogram_max(const struct histogram *histogram)
{
    return histogram->total == 0 ? 0 : histogram_highest_at(histogram_index(histogram->max_ns));
}

uint64_t histogram_mean(const struct histogram *histogram)
{
    return histogram->total == 0 ? 0 : histogram->sum_ns / histogram->total;
}
