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

static void test_a_closed_loop_has_no_ages_at_the_begin(void)
{
    static struct tally tally;

    tally_reply(&tally, BEGIN_NS, 100, 3000);
    CHECK_NUMBER(tally.entered.total, 0);
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
    test_a_request_given_up_before_the_window_is_not_censored_in_it();
    test_a_request_from_before_the_window_enters_with_its_age();
    test_a_request_due_in_the_window_enters_with_nothing();
    test_a_closed_loop_has_no_ages_at_the_begin();
    test_parts_add_up();
    test_what_does_not_add_up_is_named();
    return test_result();
}
