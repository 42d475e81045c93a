// SPDX-License-Identifier: BSD-3-Clause
// What is counted of a group: censored ages, sums of parts, and what must add up.
#include "core/test.h"
#include "load/count/tally.h"

static const int64_t BEGIN_NS = 1000;

static void test_a_request_given_up_before_the_window_is_not_censored_in_it(void)
{
    static struct tally tally = {.open = true};

    tally_censor(&tally, BEGIN_NS, 100, BEGIN_NS - 1);
    CHECK_NUMBER(tally.censored.total, 0);
    CHECK_NUMBER(tally.entered.total, 0);
}

static void test_a_request_from_before_the_window_enters_with_its_age(void)
{
    static struct tally tally = {.open = true};

    tally_censor(&tally, BEGIN_NS, 100, 3000);
    tally_reply(&tally, BEGIN_NS, 900, 3000);
    CHECK_NUMBER(tally.censored.max_ns, 2900);
    CHECK_NUMBER(tally.seconds.now.max_ns, 2100);
    CHECK_NUMBER(tally.entered.total, 2);
    CHECK_NUMBER(tally.entered.max_ns, 900);
    CHECK_NUMBER(tally.entered.min_ns, 100);
    seconds_free(&tally.seconds);
}

static void test_a_request_due_in_the_window_enters_with_nothing(void)
{
    static struct tally tally = {.open = true};

    tally_censor(&tally, BEGIN_NS, BEGIN_NS, 3000);
    tally_reply(&tally, BEGIN_NS, BEGIN_NS, 3000);
    CHECK_NUMBER(tally.entered.total, 0);
}

static void test_a_closed_loop_has_ages_at_both_edges_as_an_open_one(void)
{
    static struct tally parts[2];
    static struct tally sum;

    for (int i = 0; i < 2; i++) {
        tally_reply(&parts[i], BEGIN_NS, 100, 3000);
        tally_censor(&parts[i], BEGIN_NS, 3000, 3700);
        tally_close(&parts[i]);
        tally_add(&sum, &parts[i]);
        seconds_free(&parts[i].seconds);
    }
    CHECK(!sum.open);
    CHECK_NUMBER(sum.entered.total, 2);
    CHECK_NUMBER(sum.entered.max_ns, 900);
    CHECK_NUMBER(sum.censored.total, 2);
    CHECK_NUMBER(sum.censored.max_ns, 700);
    seconds_free(&sum.seconds);
}

static void test_what_was_started_after_it_was_last_looked_at_was_not_seen(void)
{
    static struct tally tally;

    tally_censor(&tally, BEGIN_NS, 3000, 3000);
    tally_censor(&tally, BEGIN_NS, 3001, 3000);
    CHECK_NUMBER(tally.censored.total + tally.censored.out_of_range, 0);
}

static void test_an_age_beyond_the_histogram_is_one_of_at_least_its_highest(void)
{
    static struct tally tally;
    const int64_t begin_ns = HISTOGRAM_HIGHEST_NS;

    tally_censor(&tally, begin_ns, 100, HISTOGRAM_HIGHEST_NS + 200);
    tally_censor(&tally, begin_ns + 200, 100, HISTOGRAM_HIGHEST_NS + 300); // never at risk
    CHECK_NUMBER(tally.censored.total, 1);
    CHECK_NUMBER(tally.censored.max_ns, HISTOGRAM_HIGHEST_NS);
    CHECK_NUMBER(tally.entered.total, 1);
    CHECK_NUMBER(tally.censored.out_of_range + tally.entered.out_of_range, 0);
}

static void test_what_waits_at_the_begin_is_counted_however_it_ends(void)
{
    static struct tally tally = {.open = true};

    tally_reply(&tally, BEGIN_NS, 100, BEGIN_NS + 1);  // answered in the window
    tally_censor(&tally, BEGIN_NS, 100, BEGIN_NS + 1); // given up in it, or there at its end
    tally_fail(&tally, BEGIN_NS, 100, BEGIN_NS + 1);   // refused, closed or reset in it
    CHECK_NUMBER(tally.waiting_at_begin, 3);
    tally_fail(&tally, BEGIN_NS, 100, BEGIN_NS - 1); // all of these before it
    tally_fail(&tally, INT64_MAX, 100, 200);         // when nobody knew when it begins
    tally_censor(&tally, BEGIN_NS, 100, BEGIN_NS - 1);
    tally_reply(&tally, BEGIN_NS, BEGIN_NS, BEGIN_NS + 1); // and these began in it
    tally_censor(&tally, BEGIN_NS, BEGIN_NS, BEGIN_NS + 1);
    tally_fail(&tally, BEGIN_NS, BEGIN_NS, BEGIN_NS + 1);
    CHECK_NUMBER(tally.waiting_at_begin, 3);
    seconds_free(&tally.seconds);
}

static void test_a_late_reply_is_no_reply_of_the_window(void)
{
    static struct tally tally = {.open = true};

    tally_answer_late(&tally, BEGIN_NS, 100, 5000);
    tally_answer_late(&tally, BEGIN_NS, 3000, 5000);
    tally_leave(&tally, BEGIN_NS, 3000, 6000);
    tally_answer_late(&tally, BEGIN_NS, 3000, 3001 + HISTOGRAM_HIGHEST_NS); // as good as none
    CHECK_NUMBER(tally_ok(&tally), 0);
    CHECK_NUMBER(tally.late.total, 2);
    CHECK_NUMBER(tally.late.max_ns, 4900);
    CHECK_NUMBER(tally.entered.total, 1);
    CHECK_NUMBER(tally.waiting_at_begin, 1);
    CHECK_NUMBER(tally.unanswered, 2);
    CHECK_NUMBER(tally.censored.total, 2);
    CHECK_NUMBER(tally.censored.min_ns, 3000);
    CHECK_NUMBER(tally.censored.max_ns, HISTOGRAM_HIGHEST_NS);
    CHECK_NUMBER(tally.late.out_of_range + tally.censored.out_of_range, 0);
}

static void test_what_was_unfinished_must_become_something(void)
{
    static struct tally tally = {.open = true, .waiting_at_end = 2};

    tally.accounting.started = tally.accounting.by_outcome[OUTCOME_UNFINISHED] = 2;
    tally.cooldown.started = 3;
    tally.cooldown.by_outcome[OUTCOME_OK] = 2;
    tally.cooldown.by_outcome[OUTCOME_UNFINISHED] = 1;
    tally_answer_late(&tally, BEGIN_NS, 3000, 5000);
    CHECK(tally_fault(&tally) != NULL); // of one of them nothing is known
    tally_leave(&tally, BEGIN_NS, 3000, 5000);
    CHECK(tally_fault(&tally) == NULL);
    tally.cooldown.by_outcome[OUTCOME_UNFINISHED] = 0;
    CHECK(tally_fault(&tally) != NULL); // one of the later ones has no outcome
    tally.cooldown.started = tally.cooldown.by_outcome[OUTCOME_OK] = 1;
    CHECK(tally_fault(&tally) != NULL); // not both were carried over
}

static void test_open_loops_add_up_beside_closed_ones(void)
{
    static struct tally parts[3] = {{.open = true, .waiting_at_begin = 1, .waiting_at_end = 5},
                                    {.open = true, .waiting_at_begin = 2, .waiting_at_end = 7},
                                    {.waiting_at_begin = 100, .waiting_at_end = 100}};
    static struct tally sum;

    tally_serve(&parts[1], 300);
    tally_serve(&parts[1], 200);
    tally_serve(&parts[1], 250);
    for (int i = 0; i < 3; i++) {
        tally_close(&parts[i]);
        tally_add(&sum, &parts[i]);
        seconds_free(&parts[i].seconds);
    }
    CHECK_NUMBER(sum.waiting_at_begin, 3);
    CHECK_NUMBER(sum.waiting_at_end, 12);
    CHECK_NUMBER(sum.fastest_ns, 200);
    seconds_free(&sum.seconds);
}

// Little's law is a sum of these, and must not exceed what there can be.
static void test_each_request_is_in_flight_for_as_long_as_it_was_in_the_window(void)
{
    static struct tally parts[2];
    static struct tally sum;
    const int64_t begin_ns = HISTOGRAM_HIGHEST_NS;
    const int64_t starts_ns[] = {-5, 0, 1, begin_ns - 1, begin_ns, begin_ns + 1};
    const int64_t ends_ns[] = {begin_ns + 1, begin_ns + 2, 2 * begin_ns, 2 * begin_ns + 5};
    int64_t wanted_ns = 0;

    for (size_t i = 0; i < sizeof starts_ns / sizeof *starts_ns; i++) {
        for (size_t j = 0; j < sizeof ends_ns / sizeof *ends_ns; j++) {
            struct tally *tally = &parts[(i + j) % 2];
            tally_fail(tally, begin_ns, starts_ns[i], ends_ns[j]);
            tally_censor(tally, begin_ns, starts_ns[i], ends_ns[j]);
            tally_resume(tally, begin_ns, starts_ns[i], ends_ns[j]);
            // Not in the window: these ended before it, or began after it.
            tally_fail(tally, begin_ns, starts_ns[i], begin_ns);
            tally_censor(tally, begin_ns, starts_ns[i], begin_ns - 1);
            tally_resume(tally, begin_ns, ends_ns[j], starts_ns[i]);
            wanted_ns += 3 * (ends_ns[j] - (starts_ns[i] > begin_ns ? starts_ns[i] : begin_ns));
        }
        tally_reply(&parts[i % 2], begin_ns, starts_ns[i], begin_ns + 7 + (int64_t)i);
        wanted_ns += starts_ns[i] > begin_ns ? 6 + (int64_t)i : 7 + (int64_t)i;
    }
    for (int i = 0; i < 2; i++) {
        tally_close(&parts[i]);
        tally_add(&sum, &parts[i]);
        seconds_free(&parts[i].seconds);
    }
    CHECK_NUMBER(sum.in_flight_ns, wanted_ns);
    CHECK(sum.histogram.out_of_range > 0);
    seconds_free(&sum.seconds);
}

// Counts one right reply, and all that belongs to it.
static void count_reply(struct tally *tally)
{
    tally->accounting.started++;
    tally->accounting.by_outcome[OUTCOME_OK]++;
    tally_reply(tally, BEGIN_NS, BEGIN_NS, BEGIN_NS + 500);
}

static void test_parts_add_up(void)
{
    static struct tally parts[2] = {{.open = true, .asked = 3, .due = 5}, {.asked = 4, .lost = 1}};
    static struct tally sum;

    count_reply(&parts[0]);
    count_reply(&parts[1]);
    for (int i = 0; i < 2; i++) {
        tally_close(&parts[i]);
        CHECK(tally_fault(&parts[i]) == NULL);
        tally_add(&sum, &parts[i]);
        seconds_free(&parts[i].seconds);
    }
    CHECK(tally_fault(&sum) == NULL);
    CHECK(sum.open);
    CHECK_NUMBER(tally_ok(&sum), 2);
    CHECK_NUMBER(sum.asked, 7);
    CHECK_NUMBER(sum.due, 5);
    CHECK_NUMBER(sum.lost, 1);
    seconds_free(&sum.seconds);
}

static void test_what_does_not_add_up_is_named(void)
{
    static struct tally tally;

    count_reply(&tally);
    tally_close(&tally);
    tally.accounting.started++;
    CHECK_TEXT(tally_fault(&tally), "requests started and outcomes do not balance");
    tally.accounting.started--;
    timeline_count(&tally.timeline, 0);
    CHECK_TEXT(tally_fault(&tally), "replies counted and latencies recorded differ");
    tally.histogram.total++;
    CHECK_TEXT(tally_fault(&tally), "the seconds do not add up to the window");
    seconds_free(&tally.seconds);
}

int main(void)
{
    test_what_waits_at_the_begin_is_counted_however_it_ends();
    test_a_late_reply_is_no_reply_of_the_window();
    test_what_was_unfinished_must_become_something();
    test_open_loops_add_up_beside_closed_ones();
    test_a_request_given_up_before_the_window_is_not_censored_in_it();
    test_a_request_from_before_the_window_enters_with_its_age();
    test_a_request_due_in_the_window_enters_with_nothing();
    test_a_closed_loop_has_ages_at_both_edges_as_an_open_one();
    test_what_was_started_after_it_was_last_looked_at_was_not_seen();
    test_an_age_beyond_the_histogram_is_one_of_at_least_its_highest();
    test_each_request_is_in_flight_for_as_long_as_it_was_in_the_window();
    test_parts_add_up();
    test_what_does_not_add_up_is_named();
    return test_result();
}
