// SPDX-License-Identifier: BSD-3-Clause
// After the window the load goes on, and what was due before its end is watched: from times that
// are given. What was counted up to the end stays as it was.
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/test.h"
#include "load/drive/client.h"
#include "load/drive/cooldown.h"
#include "load/drive/failure.h"
#include "load/drive/flight.h"
#include "load/drive/open_loop.h"

enum { PIPELINE = 4 };

static const int64_t BEGIN_NS = 1000000;
static const int64_t END_NS = 3000000;
static const int64_t COOLDOWN_NS = 200000;

static struct settings settings = {.pipeline = PIPELINE, .framing = FRAMING_LINE};
static const struct group group = {.ask = {.expected = {"1", 1}}};
static const struct exchange exchange = {.request_size = 1};

static struct run run;
static struct worker worker;
static struct share share;
static struct client client;
static int64_t started_ns[PIPELINE];
static int64_t sent_ns[PIPELINE];

// A thread with one client and three requests: from before the window, from in it, and its last.
static void begin_anew(bool is_open)
{
    const int64_t starts_ns[] = {BEGIN_NS - 500, BEGIN_NS + 500, END_NS - 100};

    memset(&worker, 0, sizeof worker);
    memset(&share, 0, sizeof share);
    CHECK(window_init(&run.window, 0, COOLDOWN_NS));
    window_open(&run.window, BEGIN_NS, END_NS - BEGIN_NS);
    atomic_init(&run.waiting, 1);
    worker.settings = &settings;
    worker.run = &run;
    worker.window = &run.window;
    worker.shares = &share;
    worker.share_count = 1;
    share.group = &group;
    share.exchange = &exchange;
    share.accounting = &share.tally.accounting;
    share.is_open = is_open;
    share.tally.open = is_open;
    share.open.next_due_ns = INT64_MAX;
    client = (struct client){.share = &share,
                             .fd = -1,
                             .was_answered = true,
                             .started_ns = started_ns,
                             .sent_ns = sent_ns,
                             .state = CLIENT_OPEN};
    for (size_t i = 0; i < sizeof starts_ns / sizeof *starts_ns; i++) {
        share.accounting->started++;
        start_request(&worker, &client, starts_ns[i], starts_ns[i]);
    }
}

// One more, which is no part of the window.
static void ask_after_the_end(void)
{
    share.accounting->started++;
    start_request(&worker, &client, END_NS + 10, END_NS + 10);
}

static void reply(int64_t now_ns) { end_with_reply(&worker, &client, REPLY_RIGHT, now_ns); }

static bool is_finished(void)
{
    eventfd_t value;

    return eventfd_read(run.window.finished, &value) == 0;
}

static void check_settled(int64_t watched_ns)
{
    if (!worker.is_cooling)
        cooldown_begin(&worker, END_NS);
    client_settle(&worker, &client, watched_ns);
    tally_close(&share.tally);
    const char *fault = tally_fault(&share.tally);
    if (fault != NULL)
        fprintf(stderr, "%s\n", fault);
    CHECK(fault == NULL);
    CHECK_NUMBER(worker.left, 0);
    CHECK_NUMBER(share.tally.histogram.total, 0);
    CHECK_NUMBER(share.tally.accounting.by_outcome[OUTCOME_UNFINISHED], 3);
    CHECK_NUMBER(accounting_ended(&share.tally.accounting), 3);
    close(run.window.finished);
}

static void test_late_replies_have_the_time_that_they_took(void)
{
    begin_anew(true);
    reply(END_NS);
    ask_after_the_end();
    reply(END_NS + 900);
    CHECK(!is_finished());
    reply(END_NS + COOLDOWN_NS - 1);
    CHECK(is_finished());
    reply(END_NS + COOLDOWN_NS - 1); // of no interest
    CHECK(!is_finished());
    CHECK(!worker.stopped);
    check_settled(END_NS + COOLDOWN_NS);
    const struct tally *tally = &share.tally;
    CHECK_NUMBER(tally->late.total, 3);
    CHECK_NUMBER(tally->late.max_ns, END_NS - BEGIN_NS + 500);
    CHECK_NUMBER(tally->late.min_ns, COOLDOWN_NS - 1 + 100);
    CHECK_NUMBER(tally->late.sum_ns,
                 END_NS - BEGIN_NS + 500 + END_NS + 900 - BEGIN_NS - 500 + COOLDOWN_NS - 1 + 100);
    CHECK_NUMBER(tally->entered.total, 1);
    CHECK_NUMBER(tally->entered.max_ns, 500);
    CHECK_NUMBER(tally->waiting_at_begin, 1);
    CHECK_NUMBER(tally->waiting_at_end, 3);
    CHECK_NUMBER(tally->unanswered, 0);
    CHECK_NUMBER(tally->censored.total, 0);
    CHECK_NUMBER(tally->cooldown.started, 4);
    CHECK_NUMBER(tally->cooldown.by_outcome[OUTCOME_OK], 4);
    CHECK_NUMBER(tally->fastest_ns, 0);
}

static void test_what_is_unanswered_still_was_seen_without_a_reply_until_then(void)
{
    begin_anew(true);
    reply(END_NS + 10);
    ask_after_the_end();
    check_settled(END_NS + COOLDOWN_NS);
    const struct tally *tally = &share.tally;
    CHECK_NUMBER(tally->late.total, 1);
    CHECK_NUMBER(tally->unanswered, 2);
    CHECK_NUMBER(tally->censored.total, 2);
    CHECK_NUMBER(tally->censored.max_ns, END_NS + COOLDOWN_NS - BEGIN_NS - 500);
    CHECK_NUMBER(tally->censored.min_ns, COOLDOWN_NS + 100);
    CHECK_NUMBER(tally->cooldown.by_outcome[OUTCOME_UNFINISHED], 3);
}

static void test_what_comes_after_the_cooldown_is_not_looked_at(void)
{
    for (int64_t late_ns = 0; late_ns <= 1000000; late_ns += 1000000) {
        begin_anew(true);
        reply(END_NS + COOLDOWN_NS + late_ns);
        CHECK(worker.stopped);
        CHECK_NUMBER(share.tally.cooldown.by_outcome[OUTCOME_OK], 0);
        check_settled(END_NS + COOLDOWN_NS);
        CHECK_NUMBER(share.tally.unanswered, 3);
    }
}

// How a request may have no reply, the others with it.
static void be_reset(int64_t now_ns)
{
    lose_connection(&worker, &client, "send", ECONNRESET, now_ns);
}
static void be_refused(int64_t now_ns)
{
    lose_connection(&worker, &client, "connect", ECONNREFUSED, now_ns);
}
static void fail(int64_t now_ns) { fail_locally(&worker, &client, "socket", EMFILE, now_ns); }
static void be_too_old(int64_t now_ns) { end_all(&worker, &client, OUTCOME_TIMEOUT, now_ns); }

static void test_what_fails_then_is_no_failure_of_the_window_and_no_reply(void)
{
    void (*const ways[])(int64_t) = {be_reset, be_refused, fail, be_too_old};

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        begin_anew(true);
        ways[i](END_NS + 1000);
        CHECK(is_finished());
        CHECK_NUMBER(client.in_flight, 0);
        check_settled(END_NS + COOLDOWN_NS);
        const struct tally *tally = &share.tally;
        CHECK_NUMBER(tally->unanswered, 3);
        CHECK_NUMBER(tally->censored.total, 3);
        CHECK_NUMBER(tally->censored.min_ns, 1100);
        CHECK(tally->accounting.local_call == NULL);
        CHECK_NUMBER(tally->cooldown.by_outcome[OUTCOME_UNFINISHED], 0);
    }
}

static void test_a_wrong_reply_is_counted_as_one(void)
{
    begin_anew(true);
    end_with_reply(&worker, &client, REPLY_WRONG, END_NS + 1000);
    CHECK_NUMBER(share.tally.cooldown.by_outcome[OUTCOME_WRONG], 1);
    CHECK(share.tally.cooldown.wrong_seen);
    check_settled(END_NS + COOLDOWN_NS);
    CHECK_NUMBER(share.tally.unanswered, 3);
}

static void test_a_closed_loop_beside_it_is_counted_up_to_the_end_of_the_window(void)
{
    begin_anew(false);
    check_settled(END_NS);
    static struct tally without;
    without = share.tally;

    begin_anew(false);
    reply(END_NS + 10);
    CHECK(is_finished()); // nothing of it is waited for
    ask_after_the_end();
    reply(END_NS + 20);
    check_settled(END_NS + COOLDOWN_NS);
    const struct tally *tally = &share.tally;
    CHECK_NUMBER(tally->cooldown.by_outcome[OUTCOME_OK], 2);
    CHECK_NUMBER(tally->in_flight_ns, without.in_flight_ns);
    CHECK(memcmp(&tally->censored, &without.censored, sizeof tally->censored) == 0);
    CHECK(memcmp(&tally->resumed, &without.resumed, sizeof tally->resumed) == 0);
    CHECK(memcmp(&tally->entered, &without.entered, sizeof tally->entered) == 0);
    CHECK_NUMBER(tally->late.total, 0);
}

// Every millisecond one is due, from the end of the window less half of one on.
static void test_what_was_due_is_told_apart_from_what_is_due_since(void)
{
    begin_anew(true);
    share.open.overdue = &run.overdue;
    worker.overdue = &run.overdue;
    share.open.due = schedule_make(ARRIVALS_UNIFORM, UINT64_C(1000) * 1000000000, 0, 0, 0, 1);
    share.open.unsent = share.open.due;
    share.open.zero_ns = END_NS - 500000;
    share.open.next_due_ns = share.open.zero_ns + schedule_next(&share.open.due);
    atomic_init(&run.window.cooldown_ns, 2000000);
    settings.max_overdue = 1;
    worker.has_open_loop = true;
    open_loop_serve(&worker); // by the clock, long after all of it
    CHECK(worker.stopped);
    CHECK_NUMBER(share.tally.due, 0);
    CHECK(!load_is_over(&worker, END_NS + 1)); // as if it had been in time
    CHECK_NUMBER(share.tally.due, 1);
    CHECK_NUMBER(share.tally.unnoticed, 1);
    CHECK_NUMBER(share.tally.overdue_at_end, 1);
    CHECK_NUMBER(share.tally.waiting_at_end, 4);
    CHECK_NUMBER(share.tally.lag.total, 1);
    CHECK_NUMBER(worker.left, 4);
    open_loop_settle(&worker, &share, END_NS + 2000000);
    CHECK_NUMBER(share.tally.unanswered, 1);
    CHECK_NUMBER(share.tally.censored.max_ns, 2500000);
    CHECK_NUMBER(worker.left, 3);
    close(run.window.finished);
}

static void test_how_long_it_may_last(void)
{
    struct settings of = {.duration_ns = INT64_C(3000000000), .group_count = 1};

    CHECK_NUMBER(cooldown_longest_ns(&of), 0);
    of.groups[0].rate_billionths = 1;
    CHECK_NUMBER(cooldown_longest_ns(&of), 300000000);
    of.duration_ns *= 10;
    CHECK_NUMBER(cooldown_longest_ns(&of), 500000000);
    of.requests = 1;
    CHECK_NUMBER(cooldown_longest_ns(&of), 0);
}

int main(void)
{
    test_late_replies_have_the_time_that_they_took();
    test_what_is_unanswered_still_was_seen_without_a_reply_until_then();
    test_what_comes_after_the_cooldown_is_not_looked_at();
    test_what_fails_then_is_no_failure_of_the_window_and_no_reply();
    test_a_wrong_reply_is_counted_as_one();
    test_a_closed_loop_beside_it_is_counted_up_to_the_end_of_the_window();
    test_what_was_due_is_told_apart_from_what_is_due_since();
    test_how_long_it_may_last();
    return test_result();
}
