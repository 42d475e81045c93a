// SPDX-License-Identifier: BSD-3-Clause
// Latencies second by second: none lost, none moved.
#include <stdlib.h>

#include "core/test.h"
#include "load/count/seconds.h"

static const int64_t S = 1000000000;

static void test_a_second_ends_where_the_next_begins(void)
{
    static struct seconds seconds;

    seconds_record(&seconds, 0, 5);
    seconds_record(&seconds, S - 1, 7);
    seconds_record(&seconds, S, 5);
    seconds_close(&seconds);
    CHECK_NUMBER(seconds.kept_count, 2);
    CHECK_NUMBER(seconds.kept[0].number, 0);
    CHECK_NUMBER(seconds.kept[0].total, 2);
    CHECK_NUMBER(seconds.kept[0].bin_count, 2);
    CHECK_NUMBER(seconds.kept[0].bins[0].index, 5);
    CHECK_NUMBER(seconds.kept[0].bins[1].index, 7);
    CHECK_NUMBER(seconds.kept[1].number, 1);
    CHECK_NUMBER(seconds.kept[1].total, 1);
    seconds_free(&seconds);
}

static void test_a_second_without_replies_takes_no_memory(void)
{
    static struct seconds seconds;

    seconds_record(&seconds, S / 2, 5);
    seconds_record(&seconds, 1000000 * S, 5);
    seconds_close(&seconds);
    CHECK_NUMBER(seconds.kept_count, 2);
    CHECK_NUMBER(seconds.kept[1].number, 1000000);
    seconds_free(&seconds);
}

static void test_nothing_recorded_is_nothing_kept(void)
{
    static struct seconds seconds;
    static struct histogram nothing;

    seconds_close(&seconds);
    CHECK_NUMBER(seconds.kept_count, 0);
    CHECK(seconds_add_up_to(&seconds, &nothing));
}

static void test_latencies_out_of_range_are_kept_as_such(void)
{
    static struct seconds seconds;
    static struct histogram total;

    seconds_record(&seconds, 0, HISTOGRAM_HIGHEST_NS + 1);
    seconds_close(&seconds);
    CHECK_NUMBER(seconds.kept_count, 1);
    CHECK_NUMBER(seconds.kept[0].out_of_range, 1);
    CHECK_NUMBER(seconds.kept[0].bin_count, 0);
    seconds_total(&seconds, &total);
    CHECK_NUMBER(total.out_of_range, 1);
    seconds_free(&seconds);
}

// Records at random into two parts and into one histogram, which their sum must equal.
static void test_the_seconds_of_all_threads_add_up(void)
{
    static struct seconds parts[2];
    static struct seconds sum;
    static struct histogram all;
    int64_t now_ns[2] = {0, 3 * S};
    uint64_t x = 1;

    for (int i = 0; i < 20000; i++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
        int part = (int)(x >> 63U);
        int64_t latency_ns = 1 + (int64_t)(x >> (20 + (x >> 40U) % 35));
        now_ns[part] += (int64_t)((x >> 20U) % 2000000);
        seconds_record(&parts[part], now_ns[part], latency_ns);
        histogram_record(&all, latency_ns);
    }
    for (int i = 0; i < 2; i++) {
        seconds_close(&parts[i]);
        seconds_add(&sum, &parts[i]);
    }
    for (size_t i = 1; i < sum.kept_count; i++)
        CHECK(sum.kept[i - 1].number < sum.kept[i].number);
    CHECK(seconds_add_up_to(&sum, &all));
    all.counts[100]++;
    CHECK(!seconds_add_up_to(&sum, &all));
    seconds_free(&parts[0]);
    seconds_free(&parts[1]);
    seconds_free(&sum);
}

int main(void)
{
    test_a_second_ends_where_the_next_begins();
    test_a_second_without_replies_takes_no_memory();
    test_nothing_recorded_is_nothing_kept();
    test_latencies_out_of_range_are_kept_as_such();
    test_the_seconds_of_all_threads_add_up();
    return test_result();
}
