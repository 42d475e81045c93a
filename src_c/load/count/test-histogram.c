// SPDX-License-Identifier: BSD-3-Clause
// The geometry of HdrHistogram, with numbers from its formulas, and its percentiles.
#include "core/test.h"
#include "load/count/histogram.h"

static struct histogram histogram;
static struct histogram other;

static void empty_both(void)
{
    memset(&histogram, 0, sizeof histogram);
    memset(&other, 0, sizeof other);
}

static void values_below_2048_have_an_index_of_their_own(void)
{
    for (int64_t value = 0; value < 2048; value++) {
        CHECK_NUMBER(histogram_index(value), value);
        CHECK_NUMBER(histogram_highest_at((size_t)value), value);
    }
}

static void indexes_are_those_of_hdrhistogram(void)
{
    static const struct {
        int64_t value_ns;
        size_t index;
    } known[] = {{2048, 2048},     {2049, 2048},        {4095, 3071},         {4096, 3072},
                 {1000000, 11169}, {1000000000, 21363}, {59999999999, 27388}, {60000000000, 27388}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        CHECK_NUMBER(histogram_index(known[i].value_ns), known[i].index);
    CHECK_NUMBER(HISTOGRAM_COUNTS, 27648);
}

static void every_index_holds_what_lies_between_its_edges(void)
{
    int64_t expected = 0;

    for (size_t i = 0; i < HISTOGRAM_COUNTS; i++) {
        int64_t lowest = histogram_lowest_at(i);
        int64_t highest = histogram_highest_at(i);
        CHECK_NUMBER(lowest, expected);
        CHECK_NUMBER(histogram_index(lowest), i);
        CHECK_NUMBER(histogram_index(highest), i);
        CHECK((highest - lowest) * 1000 <= lowest); // three significant digits
        expected = highest + 1;
    }
    CHECK(expected > HISTOGRAM_HIGHEST_NS);
}

static void values_out_of_range_are_counted_apart(void)
{
    empty_both();
    histogram_record(&histogram, 0);
    histogram_record(&histogram, -5);
    histogram_record(&histogram, HISTOGRAM_HIGHEST_NS + 1);
    CHECK_NUMBER(histogram.out_of_range, 3);
    CHECK_NUMBER(histogram.total, 0);
    histogram_record(&histogram, HISTOGRAM_LOWEST_NS);
    histogram_record(&histogram, HISTOGRAM_HIGHEST_NS);
    CHECK_NUMBER(histogram.out_of_range, 3);
    CHECK_NUMBER(histogram.total, 2);
}

static void percentiles_are_the_largest_equivalent_values(void)
{
    empty_both();
    for (int64_t ms = 1; ms <= 1000; ms++)
        histogram_record(&histogram, ms * 1000000);
    CHECK_NUMBER(histogram_percentile(&histogram, 0), 1000447);
    CHECK_NUMBER(histogram_percentile(&histogram, 50), 500170751);
    CHECK_NUMBER(histogram_percentile(&histogram, 99), 990380031);
    CHECK_NUMBER(histogram_percentile(&histogram, 99.9), 999292927);
    CHECK_NUMBER(histogram_percentile(&histogram, 100), 1000341503);
    CHECK_NUMBER(histogram_max(&histogram), 1000341503);
    CHECK_NUMBER(histogram_min(&histogram), 999936);
    CHECK_NUMBER(histogram_mean(&histogram), 500500000);
}

static void an_empty_histogram_has_no_values(void)
{
    empty_both();
    CHECK_NUMBER(histogram_percentile(&histogram, 50), 0);
    CHECK_NUMBER(histogram_min(&histogram), 0);
    CHECK_NUMBER(histogram_max(&histogram), 0);
    CHECK_NUMBER(histogram_mean(&histogram), 0);
}

static void adding_is_as_if_one_had_recorded_all(void)
{
    empty_both();
    histogram_record(&histogram, 5000);
    histogram_record(&other, 70);
    histogram_record(&other, 5000);
    histogram_record(&other, 0);
    histogram_add(&histogram, &other);
    CHECK_NUMBER(histogram.total, 3);
    CHECK_NUMBER(histogram.sum_ns, 10070);
    CHECK_NUMBER(histogram.min_ns, 70);
    CHECK_NUMBER(histogram.max_ns, 5000);
    CHECK_NUMBER(histogram.out_of_range, 1);
    CHECK_NUMBER(histogram.counts[70], 1);
    CHECK_NUMBER(histogram.counts[histogram_index(5000)], 2);
}

int main(void)
{
    values_below_2048_have_an_index_of_their_own();
    indexes_are_those_of_hdrhistogram();
    every_index_holds_what_lies_between_its_edges();
    values_out_of_range_are_counted_apart();
    percentiles_are_the_largest_equivalent_values();
    an_empty_histogram_has_no_values();
    adding_is_as_if_one_had_recorded_all();
    return test_result();
}
