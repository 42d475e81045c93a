// SPDX-License-Identifier: BSD-3-Clause
// How long what has come may have waited: from times that are given.
#include <stdlib.h>

#include "core/test.h"
#include "load/drive/read_lag.h"

static const int64_t BEGIN_NS = 1000000;
static const int64_t SLEPT_NS = READ_LAG_SLEPT_NS + 1;

static struct worker worker;
static struct window window;
static struct share share;
static struct client client;
static int64_t sent_ns;

// A thread that looked at BEGIN_NS last, and whose client has long sent.
static void begin_anew(void)
{
    memset(&share.tally, 0, sizeof share.tally);
    sent_ns = 0;
    client = (struct client){.share = &share, .sent_ns = &sent_ns, .in_flight = 1};
    atomic_init(&window.begin_ns, BEGIN_NS);
    worker.window = &window;
    worker.looked_ns = BEGIN_NS;
}

// Reads something at a time. Returns how long it may have waited.
static int64_t lag_at(int64_t now_ns)
{
    memset(&share.tally.read_lag, 0, sizeof share.tally.read_lag);
    worker.lags_left = 1;
    read_lag_note(&worker, &client, now_ns);
    return share.tally.read_lag.max_ns;
}

static void test_who_slept_until_it_came_has_kept_nobody_waiting(void)
{
    begin_anew();
    read_lag_ask(&worker, BEGIN_NS + 50000);
    CHECK_NUMBER(lag_at(BEGIN_NS + 50000 + SLEPT_NS), 1); // which is the least that is recorded
}

static void test_the_last_of_a_batch_has_waited_for_the_others(void)
{
    begin_anew();
    read_lag_ask(&worker, BEGIN_NS + 50000);
    lag_at(BEGIN_NS + 50000 + SLEPT_NS);
    CHECK_NUMBER(lag_at(BEGIN_NS + 50000 + SLEPT_NS + 7000), 7000);
    CHECK_NUMBER(lag_at(BEGIN_NS + 50000 + SLEPT_NS + 9000), 9000);
}

static void test_what_was_there_at_once_may_have_come_since_the_last_look(void)
{
    begin_anew();
    read_lag_ask(&worker, BEGIN_NS + 300000);
    CHECK_NUMBER(lag_at(BEGIN_NS + 301000), 301000);
    CHECK_NUMBER(lag_at(BEGIN_NS + 305000), 305000);
    read_lag_settle(&worker, true);
    read_lag_ask(&worker, BEGIN_NS + 310000);
    CHECK_NUMBER(lag_at(BEGIN_NS + 312000), 12000); // not seen at 300000
}

static void test_after_a_sleep_the_last_look_is_when_it_ended(void)
{
    int64_t woke_ns = BEGIN_NS + 50000 + SLEPT_NS;

    begin_anew();
    read_lag_ask(&worker, BEGIN_NS + 50000);
    lag_at(woke_ns);
    read_lag_settle(&worker, true);
    read_lag_ask(&worker, woke_ns + 30000);
    CHECK_NUMBER(lag_at(woke_ns + 31000), 31000);
}

static void test_those_for_whom_there_was_no_room_may_have_been_there_before(void)
{
    begin_anew();
    read_lag_ask(&worker, BEGIN_NS + 300000);
    lag_at(BEGIN_NS + 301000);
    read_lag_settle(&worker, false);
    read_lag_ask(&worker, BEGIN_NS + 400000);
    CHECK_NUMBER(lag_at(BEGIN_NS + 401000), 401000);
}

static void test_no_reply_waited_before_its_request_was_sent(void)
{
    begin_anew();
    sent_ns = BEGIN_NS + 299000;
    read_lag_ask(&worker, BEGIN_NS + 300000);
    CHECK_NUMBER(lag_at(BEGIN_NS + 305000), 6000);
}

static void test_what_comes_before_the_window_or_unasked_is_not_counted(void)
{
    begin_anew();
    worker.looked_ns = 0;
    read_lag_ask(&worker, 1000);
    CHECK_NUMBER(lag_at(BEGIN_NS - 1), 0);
    client.in_flight = 0;
    CHECK_NUMBER(lag_at(BEGIN_NS + 1), 0);
}

static void test_one_of_eight_is_recorded_and_every_longest(void)
{
    begin_anew();
    worker.lags_left = 1;
    read_lag_ask(&worker, BEGIN_NS);
    worker.ready_ns = BEGIN_NS;
    read_lag_note(&worker, &client, BEGIN_NS + 100);
    for (int i = 0; i < 2 * READ_LAG_EVERY; i++)
        read_lag_note(&worker, &client, BEGIN_NS + 50);
    CHECK_NUMBER(share.tally.read_lag.total, 3);
    read_lag_note(&worker, &client, BEGIN_NS + 101);
    read_lag_note(&worker, &client, BEGIN_NS + 102);
    CHECK_NUMBER(share.tally.read_lag.total, 5);
    CHECK_NUMBER(share.tally.read_lag.max_ns, 102);
}

int main(void)
{
    test_who_slept_until_it_came_has_kept_nobody_waiting();
    test_the_last_of_a_batch_has_waited_for_the_others();
    test_what_was_there_at_once_may_have_come_since_the_last_look();
    test_after_a_sleep_the_last_look_is_when_it_ended();
    test_those_for_whom_there_was_no_room_may_have_been_there_before();
    test_no_reply_waited_before_its_request_was_sent();
    test_what_comes_before_the_window_or_unasked_is_not_counted();
    test_one_of_eight_is_recorded_and_every_longest();
    return test_result();
}
