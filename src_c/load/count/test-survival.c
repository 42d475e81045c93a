// SPDX-License-Identifier: BSD-3-Clause
// The product-limit estimator against cases worked out by hand.
#include <stdlib.h>

#include "core/test.h"
#include "load/count/survival.h"

static struct histogram answered;
static struct histogram censored;
static struct histogram entered;

static const struct lifetimes LIFETIMES = {&answered, &censored, &entered};

static void forget(void)
{
    memset(&answered, 0, sizeof answered);
    memset(&censored, 0, sizeof censored);
    memset(&entered, 0, sizeof entered);
}

static int64_t percentile(double percent)
{
    int64_t value_ns = -1;

    CHECK(survival_percentile(&LIFETIMES, percent, &value_ns));
    return value_ns;
}

static bool hidden(double percent)
{
    int64_t value_ns = -1;

    return !survival_percentile(&LIFETIMES, percent, &value_ns) && value_ns == -1;
}

static void test_nothing_seen_has_no_percentiles(void)
{
    forget();
    CHECK(hidden(50));
}

static void test_without_censoring_it_is_the_percentile_of_the_histogram(void)
{
    static const double percents[] = {0, 1, 10, 33.3, 50, 66.7, 90, 99, 99.9, 100};
    uint64_t x = 1;

    for (int size = 1; size < 3000; size = size * 3 + 1) {
        forget();
        for (int i = 0; i < size; i++) {
            x = x * UINT64_C(6364136223846793005) + 1;
            histogram_record(&answered, 1 + (int64_t)(x >> (24 + x % 30)));
        }
        for (size_t i = 0; i < sizeof percents / sizeof *percents; i++)
            CHECK_NUMBER(percentile(percents[i]), histogram_percentile(&answered, percents[i]));
    }
}

// Ages 1, 2, 3+, 4, 5+, 6 (a + had no reply). S falls to 5/6, 4/6, then to 4/6 * 2/3 = 4/9 at 4,
// and to 0 at 6.
static void test_censored_requests_move_their_weight_to_later_ages(void)
{
    forget();
    histogram_record(&answered, 1);
    histogram_record(&answered, 2);
    histogram_record(&censored, 3);
    histogram_record(&answered, 4);
    histogram_record(&censored, 5);
    histogram_record(&answered, 6);
    CHECK_NUMBER(percentile(16), 1);
    CHECK_NUMBER(percentile(33), 2);
    CHECK_NUMBER(percentile(50), 4); // 3 of 6, and F(4) * 6 is 3.33
    CHECK_NUMBER(percentile(60), 6); // 4 of 6
    CHECK_NUMBER(percentile(100), 6);
}

static void test_what_censoring_hides_is_not_told(void)
{
    forget();
    for (int i = 0; i < 95; i++)
        histogram_record(&answered, 10);
    for (int i = 0; i < 5; i++)
        histogram_record(&censored, 1000);
    CHECK_NUMBER(percentile(95), 10);
    CHECK(hidden(96));
    CHECK(hidden(99));
}

static void test_requests_censored_at_the_age_of_a_reply_were_at_risk_of_it(void)
{
    forget();
    histogram_record(&answered, 7);
    histogram_record(&censored, 7);
    CHECK_NUMBER(percentile(50), 7);
    CHECK(hidden(100));
}

// Four were due in the window and had their replies at 1, 2, 8, 9. One was 5 old when the window
// began and had its reply at 8. S: 3/4 at 1, 2/4 at 2; then three are at risk at 8, two go: 1/6.
// Without delayed entry the fifth would count at 1 and 2, where nobody could have seen it end.
static void test_a_request_from_before_the_window_counts_from_the_age_at_which_it_entered(void)
{
    forget();
    histogram_record(&answered, 1);
    histogram_record(&answered, 2);
    histogram_record(&answered, 8);
    histogram_record(&answered, 8);
    histogram_record(&answered, 9);
    histogram_record(&entered, 5);
    CHECK_NUMBER(percentile(25), 1); // 1 of 5, and F(1) * 5 is 1.25
    CHECK_NUMBER(percentile(40), 2); // 2 of 5, and F(2) * 5 is 2.5
    CHECK_NUMBER(percentile(60), 8);
    CHECK_NUMBER(percentile(80), 8); // 4 of 5, and F(8) * 5 is 4.17
    CHECK_NUMBER(percentile(100), 9);
}

static void test_a_request_may_enter_and_be_answered_at_one_age(void)
{
    forget();
    histogram_record(&answered, 20);
    histogram_record(&answered, 30);
    histogram_record(&entered, 20);
    CHECK_NUMBER(percentile(50), 20);
    CHECK_NUMBER(percentile(100), 30);
}

// The one watched from the beginning ended at 1. What came before 50 of the other is unknown: to
// say that every request takes 1 would be wrong.
static void test_a_gap_in_which_nobody_was_watched_hides_what_follows(void)
{
    forget();
    histogram_record(&answered, 1);
    histogram_record(&answered, 60);
    histogram_record(&entered, 50);
    CHECK(hidden(50));
    CHECK(hidden(100));
}

// Five were cut off at 1; nobody was watched from there until ten entered at 50.
static void test_a_gap_that_censoring_makes_hides_what_follows(void)
{
    forget();
    for (int i = 0; i < 5; i++)
        histogram_record(&censored, 1);
    for (int i = 0; i < 10; i++) {
        histogram_record(&answered, 60);
        histogram_record(&entered, 50);
    }
    CHECK(hidden(50));
}

static void test_if_nobody_was_watched_from_the_beginning_nothing_is_known(void)
{
    forget();
    histogram_record(&answered, 60);
    histogram_record(&entered, 50);
    CHECK(hidden(50));
}

static int64_t percentile_if(enum cut_off cut_off, double percent)
{
    int64_t value_ns = -1;

    return survival_percentile_if(&LIFETIMES, cut_off, percent, &value_ns) ? value_ns : -1;
}

static int64_t last_seen(double percent)
{
    int64_t value_ns = -1;

    return survival_last_seen(&LIFETIMES, percent, &value_ns) ? value_ns : -1;
}

// Ages 1, 2, 3+, 4, 5+, 6, as above: if those cut off end now, there are six replies; if they never
// end, four of six come at 1, 2, 4 and 6.
static void test_what_is_cut_off_may_end_now_or_never(void)
{
    forget();
    histogram_record(&answered, 1);
    histogram_record(&answered, 2);
    histogram_record(&censored, 3);
    histogram_record(&answered, 4);
    histogram_record(&censored, 5);
    histogram_record(&answered, 6);
    CHECK_NUMBER(percentile_if(CUT_OFF_ENDS_NOW, 50), 3);
    CHECK_NUMBER(percentile_if(CUT_OFF_ENDS_NOW, 66), 4);
    CHECK_NUMBER(percentile_if(CUT_OFF_ENDS_NOW, 83), 5);
    CHECK_NUMBER(percentile_if(CUT_OFF_ENDS_NOW, 100), 6);
    CHECK_NUMBER(percentile_if(CUT_OFF_IS_TYPICAL, 50), 4);
    CHECK_NUMBER(percentile_if(CUT_OFF_NEVER_ENDS, 33), 2);
    CHECK_NUMBER(percentile_if(CUT_OFF_NEVER_ENDS, 50), 4);
    CHECK_NUMBER(percentile_if(CUT_OFF_NEVER_ENDS, 66), 6);
    CHECK_NUMBER(percentile_if(CUT_OFF_NEVER_ENDS, 83), -1);
    CHECK_NUMBER(last_seen(50), 3);
}

// Whatever becomes of them, the estimate lies between the two, and nothing lies below what was seen
// but for those who entered late.
static void test_the_estimate_lies_between_the_two_ends(void)
{
    static const double percents[] = {1, 10, 25, 50, 75, 90, 99};
    uint64_t x = 7;

    for (int round = 0; round < 20; round++) {
        forget();
        for (int i = 0; i < 50 * (round + 1); i++) {
            x = x * UINT64_C(6364136223846793005) + 1442695040888963407U;
            int64_t age = 1 + (int64_t)(x >> 50);
            histogram_record((x >> 20) % 5 < (unsigned)round % 5 ? &censored : &answered, age);
        }
        for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
            int64_t least = percentile_if(CUT_OFF_ENDS_NOW, percents[i]);
            int64_t typical = percentile_if(CUT_OFF_IS_TYPICAL, percents[i]);
            int64_t most = percentile_if(CUT_OFF_NEVER_ENDS, percents[i]);
            CHECK(least > 0);
            CHECK(typical == -1 || typical >= least);
            CHECK(most == -1 || most >= typical);
            CHECK(typical != -1 || most == -1);
            CHECK_NUMBER(last_seen(percents[i]), least);
        }
    }
}

// A queue of 5 to 6 when the window begins: of those who became due in it nobody has had a reply,
// and what those from before had waited is known nevertheless.
static void test_what_was_seen_is_known_where_the_estimate_has_a_gap(void)
{
    forget();
    for (int64_t i = 1; i <= 10; i++) {
        histogram_record(&entered, 500 + 10 * i);
        histogram_record(&answered, 600 + 10 * i);
        histogram_record(&censored, 10 * i);
    }
    CHECK_NUMBER(percentile_if(CUT_OFF_ENDS_NOW, 90), 90);
    CHECK_NUMBER(percentile_if(CUT_OFF_ENDS_NOW, 99), -1);
    CHECK_NUMBER(last_seen(50), 100);
    CHECK_NUMBER(last_seen(90), 680);
}

int main(void)
{
    test_what_is_cut_off_may_end_now_or_never();
    test_the_estimate_lies_between_the_two_ends();
    test_what_was_seen_is_known_where_the_estimate_has_a_gap();
    test_nothing_seen_has_no_percentiles();
    test_without_censoring_it_is_the_percentile_of_the_histogram();
    test_censored_requests_move_their_weight_to_later_ages();
    test_what_censoring_hides_is_not_told();
    test_requests_censored_at_the_age_of_a_reply_were_at_risk_of_it();
    test_a_request_from_before_the_window_counts_from_the_age_at_which_it_entered();
    test_a_request_may_enter_and_be_answered_at_one_age();
    test_a_gap_in_which_nobody_was_watched_hides_what_follows();
    test_a_gap_that_censoring_makes_hides_what_follows();
    test_if_nobody_was_watched_from_the_beginning_nothing_is_known();
    return test_result();
}
