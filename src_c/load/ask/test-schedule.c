// SPDX-License-Identifier: BSD-3-Clause
// Schedules: the same from the same seed, exact where they are even, exponential where they are
// not.
#include <math.h>
#include <stdlib.h>

#include "core/test.h"
#include "load/ask/schedule.h"

enum { GAPS = 5000, STREAMS = 100 };

static const uint64_t ONE_PER_S = 1000000000;   // as billionths
static const double CRITICAL_1_PERCENT = 3.857; // Anderson-Darling, all parameters known

static void test_even_times_are_exact(void)
{
    struct schedule thirds = schedule_make(ARRIVALS_UNIFORM, 3 * ONE_PER_S, 1, 0, 0, 1);
    struct schedule fast = schedule_make(ARRIVALS_UNIFORM, 50000 * ONE_PER_S, 1, 0, 0, 1);
    struct schedule slow = schedule_make(ARRIVALS_UNIFORM, ONE_PER_S / 2, 1, 0, 0, 1);

    CHECK_NUMBER(schedule_next(&thirds), 0);
    CHECK_NUMBER(schedule_next(&thirds), 333333333);
    CHECK_NUMBER(schedule_next(&thirds), 666666666);
    CHECK_NUMBER(schedule_next(&thirds), 1000000000);
    for (int64_t i = 0; i < 1000000; i++) {
        int64_t due_ns = schedule_next(&fast);
        if (due_ns != i * 20000) { // said once, not a million times
            CHECK_NUMBER(due_ns, i * 20000);
            break;
        }
    }
    schedule_next(&slow);
    CHECK_NUMBER(schedule_next(&slow), 2000000000);
}

static void test_even_times_have_no_error_after_a_billion(void)
{
    struct schedule schedule = schedule_make(ARRIVALS_UNIFORM, 7 * ONE_PER_S, 1, 0, 0, 1);

    schedule.index = UINT64_C(7000000001);
    CHECK_NUMBER(schedule_next(&schedule), INT64_C(1000000000142857142));
}

static void test_threads_share_the_even_times(void)
{
    struct schedule parts[3];
    struct schedule whole = schedule_make(ARRIVALS_UNIFORM, 1234567891011, 1, 0, 0, 1);

    for (uint64_t k = 0; k < 3; k++)
        parts[k] = schedule_make(ARRIVALS_UNIFORM, 1234567891011, 1, 0, k, 3);
    for (int i = 0; i < 3000; i++)
        CHECK_NUMBER(schedule_next(&parts[i % 3]), schedule_next(&whole));
}

static void test_times_later_than_time_are_never(void)
{
    struct schedule even = schedule_make(ARRIVALS_UNIFORM, 1, 1, 0, 0, 1);
    struct schedule random = schedule_make(ARRIVALS_POISSON, 1, 1, 0, 0, 1);

    even.index = 100;
    CHECK_NUMBER(schedule_next(&even), INT64_MAX);
    for (int i = 0; i < 100; i++)
        schedule_next(&random);
    CHECK_NUMBER(schedule_next(&random), INT64_MAX);
    CHECK_NUMBER(schedule_next(&random), INT64_MAX);
}

static bool same(struct schedule a, struct schedule b)
{
    for (int i = 0; i < 100; i++) {
        if (schedule_next(&a) != schedule_next(&b))
            return false;
    }
    return true;
}

static void test_seed_group_and_thread_alone_decide(void)
{
    const enum arrivals poisson = ARRIVALS_POISSON;
    struct schedule one = schedule_make(poisson, ONE_PER_S, 7, 1, 1, 4);

    CHECK(same(one, schedule_make(poisson, ONE_PER_S, 7, 1, 1, 4)));
    CHECK(!same(one, schedule_make(poisson, ONE_PER_S, 8, 1, 1, 4)));
    CHECK(!same(one, schedule_make(poisson, ONE_PER_S, 7, 2, 1, 4)));
    CHECK(!same(one, schedule_make(poisson, ONE_PER_S, 7, 1, 2, 4)));
}

static void test_a_copy_reads_the_same_times(void)
{
    struct schedule ahead = schedule_make(ARRIVALS_POISSON, 500 * ONE_PER_S, 3, 0, 0, 1);
    struct schedule behind = ahead;
    int64_t times[50];

    for (int i = 0; i < 50; i++)
        times[i] = schedule_next(&ahead);
    for (int i = 0; i < 50; i++)
        CHECK_NUMBER(schedule_next(&behind), times[i]);
}

// The times that this seed has always given: results of one version compare with those of another.
static void test_known_times(void)
{
    struct schedule schedule = schedule_make(ARRIVALS_POISSON, 1000 * ONE_PER_S, 1, 0, 0, 1);

    CHECK_NUMBER(schedule_next(&schedule), 473204);
    CHECK_NUMBER(schedule_next(&schedule), 2912666);
    CHECK_NUMBER(schedule_next(&schedule), 2936366);
}

// Reads gaps in units of their expected mean.
static void read_gaps(struct schedule *schedule, double mean_ns, double gaps[static GAPS])
{
    int64_t before_ns = 0;

    for (int i = 0; i < GAPS; i++) {
        int64_t at_ns = schedule_next(schedule);
        CHECK(at_ns >= before_ns);
        gaps[i] = ((double)(at_ns - before_ns) + 0.5) / mean_ns;
        before_ns = at_ns;
    }
}

static void test_gaps_have_the_mean_and_the_variance_of_their_rate(void)
{
    static double gaps[GAPS];
    double sum = 0;
    double squares = 0;

    for (uint64_t stream = 0; stream < STREAMS; stream++) {
        struct schedule schedule =
            schedule_make(ARRIVALS_POISSON, 2000 * ONE_PER_S, 5, 0, stream, 2);
        read_gaps(&schedule, 1e6, gaps);
        for (int i = 0; i < GAPS; i++) {
            sum += gaps[i];
            squares += gaps[i] * gaps[i];
        }
    }
    double count = (double)GAPS * (double)STREAMS;
    double mean = sum / count;
    double variance = squares / count - mean * mean;
    CHECK(fabs(mean - 1) < 4 / sqrt(count));
    CHECK(fabs(variance - 1) < 4 * sqrt(8 / count));
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

// The statistic of Anderson and Darling (1954) against the exponential distribution of mean 1.
static double anderson_darling(double gaps[static GAPS])
{
    double sum = 0;

    qsort(gaps, GAPS, sizeof *gaps, compare);
    for (int i = 0; i < GAPS; i++) {
        double below = log(-expm1(-gaps[i])); // ln F of the i-th
        double above = -gaps[GAPS - 1 - i];   // ln (1 - F) of the i-th from the end
        sum += (2 * i + 1) * (below + above);
    }
    return -(double)GAPS - sum / (double)GAPS;
}

// At 1 % one stream in a hundred fails by chance; six or more would, once in two thousand seeds.
static void test_gaps_are_exponential(void)
{
    static double gaps[GAPS];
    int rejected = 0;

    for (uint64_t stream = 0; stream < STREAMS; stream++) {
        struct schedule schedule =
            schedule_make(ARRIVALS_POISSON, 4000 * ONE_PER_S, 11, 0, stream, 4);
        read_gaps(&schedule, 1e6, gaps);
        rejected += anderson_darling(gaps) > CRITICAL_1_PERCENT;
    }
    CHECK(rejected <= 5);
}

// What the server sees is all threads together, and that must be a Poisson stream as well.
static void test_the_streams_of_threads_are_one_poisson_stream(void)
{
    static double gaps[GAPS];
    struct schedule parts[4];
    int64_t next_ns[4];
    int64_t before_ns = 0;

    for (uint64_t k = 0; k < 4; k++) {
        parts[k] = schedule_make(ARRIVALS_POISSON, 1000 * ONE_PER_S, 1, 0, k, 4);
        next_ns[k] = schedule_next(&parts[k]);
    }
    for (int i = 0; i < GAPS; i++) {
        int first = 0;
        for (int k = 1; k < 4; k++)
            first = next_ns[k] < next_ns[first] ? k : first;
        gaps[i] = ((double)(next_ns[first] - before_ns) + 0.5) / 1e6;
        before_ns = next_ns[first];
        next_ns[first] = schedule_next(&parts[first]);
    }
    CHECK(anderson_darling(gaps) < CRITICAL_1_PERCENT);
}

// That the test above can fail: evenly spaced requests are not a Poisson stream.
static void test_even_gaps_are_not_exponential(void)
{
    static double gaps[GAPS];
    struct schedule schedule = schedule_make(ARRIVALS_UNIFORM, 1000 * ONE_PER_S, 1, 0, 0, 1);

    read_gaps(&schedule, 1e6, gaps);
    CHECK(anderson_darling(gaps) > 100 * CRITICAL_1_PERCENT);
}

int main(void)
{
    test_even_times_are_exact();
    test_even_times_have_no_error_after_a_billion();
    test_threads_share_the_even_times();
    test_times_later_than_time_are_never();
    test_seed_group_and_thread_alone_decide();
    test_a_copy_reads_the_same_times();
    test_known_times();
    test_gaps_have_the_mean_and_the_variance_of_their_rate();
    test_gaps_are_exponential();
    test_the_streams_of_threads_are_one_poisson_stream();
    test_even_gaps_are_not_exponential();
    return test_result();
}
