// SPDX-License-Identifier: BSD-3-Clause
// What a thread finds out after the window has ended, however late, is no part of it: a request in
// flight at its end is unfinished, and was in flight until then. From times that are given.
#include <errno.h>

#include "core/test.h"
#include "load/drive/client.h"
#include "load/drive/cooldown.h"
#include "load/drive/failure.h"
#include "load/drive/flight.h"
#include "load/drive/sending.h"

static const int64_t BEGIN_NS = 1000000;
static const int64_t END_NS = 3000000;

static const struct settings settings = {.pipeline = 2, .framing = FRAMING_LINE};
static const struct group group = {.ask = {.expected = {"1", 1}}};
static const struct exchange exchange = {.request_size = 1};

static struct worker worker;
static struct window window;
static struct share share;
static struct client client;
static int64_t times_ns[2];

// A client without a connection and with two requests, of which one began before the window.
static void begin_anew(void)
{
    memset(&worker, 0, sizeof worker);
    memset(&share, 0, sizeof share);
    atomic_init(&window.begin_ns, BEGIN_NS);
    atomic_init(&window.end_ns, END_NS);
    worker.settings = &settings;
    worker.window = &window;
    share.group = &group;
    share.exchange = &exchange;
    client = (struct client){.share = &share,
                             .fd = -1,
                             .started_ns = times_ns,
                             .sent_ns = times_ns,
                             .state = CLIENT_OPEN};
    share.accounting = &share.tally.accounting;
    share.tally.accounting.started = 2;
    worker.shares = &share;
    worker.share_count = 1;
    start_request(&worker, &client, BEGIN_NS - 500, BEGIN_NS - 500);
    start_request(&worker, &client, BEGIN_NS + 500, BEGIN_NS + 500);
}

// How a request may end without a reply.
static void begin_wrongly(int64_t now_ns)
{
    static const struct opening opening = {.expects = EXPECT_TEXT, .expected = {"+OK", 3}};

    client.state = CLIENT_OPENING;
    client.reply.wrong = true;
    fail_opening(&worker, &client, &opening, now_ns);
}
static void give_up(int64_t now_ns) { client_give_up(&worker, &client, now_ns); }
static void fail(int64_t now_ns) { fail_locally(&worker, &client, "socket", EMFILE, now_ns); }
static void be_refused(int64_t now_ns)
{
    lose_connection(&worker, &client, "connect", ECONNREFUSED, now_ns);
}
static void be_reset(int64_t now_ns)
{
    lose_connection(&worker, &client, "send", ECONNRESET, now_ns);
}
static void be_closed(int64_t now_ns) { lose_connection(&worker, &client, "send", EPIPE, now_ns); }
static void have_no_port(int64_t now_ns)
{
    lose_connection(&worker, &client, "connect", EADDRNOTAVAIL, now_ns);
}
static void end_in_a_wrong_reply(int64_t now_ns)
{
    client.reply.seen = 1;
    client.reply.wrong = true;
    be_closed(now_ns);
}
static void be_cut_short(int64_t now_ns)
{
    client.reply.seen = 1;
    be_closed(now_ns);
}

typedef void way_to_end(int64_t now_ns);

static way_to_end *const ways[] = {fail,          be_refused,   be_reset,
                                   be_closed,     have_no_port, end_in_a_wrong_reply,
                                   begin_wrongly, be_cut_short, give_up};
enum { WAYS = sizeof ways / sizeof *ways };

static uint64_t ended(void)
{
    const struct accounting *accounting = &share.tally.accounting;
    uint64_t sum = 0;

    for (int i = 0; i < OUTCOMES; i++)
        sum += accounting->by_outcome[i];
    return sum;
}

static void check_settled(void)
{
    cooldown_begin(&worker, END_NS);
    client_settle(&worker, &client, END_NS);
    tally_close(&share.tally);
    CHECK(tally_fault(&share.tally) == NULL);
    CHECK_NUMBER(client.in_flight, 0);
}

static void test_what_ends_after_the_window_was_in_flight_until_its_end(void)
{
    for (size_t i = 0; i < WAYS; i++) {
        for (int64_t late_ns = 0; late_ns <= 2000000; late_ns += 1000000) {
            begin_anew();
            ways[i](END_NS + late_ns);
            CHECK(worker.stopped);
            CHECK_NUMBER(ended(), 0);
            CHECK_NUMBER(share.tally.accounting.cut_short, 0);
            CHECK(share.tally.accounting.local_call == NULL);
            check_settled();
            CHECK_NUMBER(share.tally.accounting.by_outcome[OUTCOME_UNFINISHED], 2);
            CHECK_NUMBER(share.tally.in_flight_ns, 2 * (END_NS - BEGIN_NS) - 500);
        }
    }
}

static void test_what_ends_in_the_window_was_in_flight_until_then(void)
{
    const int64_t last_ns = END_NS - 1;

    for (size_t i = 0; i < WAYS; i++) {
        if (ways[i] == give_up) // after which it would connect
            continue;
        begin_anew();
        ways[i](last_ns);
        CHECK(!worker.stopped);
        CHECK_NUMBER(ended(), 2);
        check_settled();
        CHECK_NUMBER(share.tally.in_flight_ns, 2 * (last_ns - BEGIN_NS) - 500);
    }
}

static void test_what_ended_before_the_window_is_no_part_of_it(void)
{
    begin_anew();
    client.started_ns[1] = BEGIN_NS - 400;
    be_reset(BEGIN_NS - 100);
    CHECK_NUMBER(share.tally.accounting.by_outcome[OUTCOME_RESET], 2);
    CHECK_NUMBER(share.tally.in_flight_ns, 0);
}

static void test_what_is_sent_again_is_as_old_as_it_is(void)
{
    begin_anew();
    note_connected(&worker, &client, BEGIN_NS + 900);
    CHECK_NUMBER(client.started_ns[0], BEGIN_NS + 900);
    CHECK_NUMBER(client.started_ns[1], BEGIN_NS + 500);
    begin_anew();
    client.is_repeating = true;
    note_connected(&worker, &client, BEGIN_NS + 900);
    CHECK_NUMBER(client.started_ns[0], BEGIN_NS - 500);
    CHECK_NUMBER(client.in_flight, 2);
    leave_connection(&client);
    CHECK(!client.is_repeating);
}

int main(void)
{
    test_what_ends_after_the_window_was_in_flight_until_its_end();
    test_what_ends_in_the_window_was_in_flight_until_then();
    test_what_ended_before_the_window_is_no_part_of_it();
    test_what_is_sent_again_is_as_old_as_it_is();
    return test_result();
}
