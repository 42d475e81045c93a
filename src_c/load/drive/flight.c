// SPDX-License-Identifier: BSD-3-Clause
// How requests begin and end, and connections with them: each request gets exactly one outcome.
#include "load/drive/flight.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load/drive/cooldown.h"
#include "load/drive/window.h"

int64_t end_request(struct worker *worker, struct client *client, enum outcome outcome)
{
    int64_t started_ns = client->started_ns[client->oldest];

    client->oldest++;
    if (client->oldest == worker->settings->pipeline)
        client->oldest = 0;
    client->in_flight--;
    client->share->accounting->by_outcome[outcome]++;
    return started_ns;
}

// The oldest request in flight ends without a right reply.
static void fail_request(struct worker *worker, struct client *client, enum outcome outcome,
                         int64_t now_ns)
{
    int64_t begin_ns = atomic_load_explicit(&worker->window->begin_ns, memory_order_acquire);
    int64_t started_ns = end_request(worker, client, outcome);

    if (worker->is_cooling)
        cooldown_note(worker, client, started_ns, now_ns, false);
    else if (outcome == OUTCOME_TIMEOUT) // it might have had one later
        tally_censor(&client->share->tally, begin_ns, started_ns, now_ns);
    else
        tally_fail(&client->share->tally, begin_ns, started_ns, now_ns);
}

// How many segments this side of a connection has sent again.
static uint64_t count_retransmits(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_total_retrans : 0;
}

bool has_resent(const struct client *client)
{
    return client->in_flight > 0 && client->fd != -1 && count_retransmits(client->fd) > 0;
}

void note_lost(const struct worker *worker, struct client *client)
{
    if (client->state == CLIENT_ABSENT && !worker->is_cooling)
        client->share->tally.lost++;
}

int leave_connection(struct client *client)
{
    int fd = client->fd;

    client->fd = -1;
    client->state = CLIENT_ABSENT;
    client->watched = 0;
    client->is_repeating = false;
    client->send_failed = false;
    client->on_connection = 0;
    client->unsent = 0;
    client->send_offset = 0;
    if (reply_begun(&client->reply)) // which a reply that has ended is not
        reply_reset(&client->reply);
    return fd;
}

void note_retransmits(struct client *client, int fd)
{
    uint64_t retransmits = count_retransmits(fd);

    client->share->tally.accounting.retransmits += retransmits;
    client->share->tally.accounting.resent_connections += retransmits > 0;
}

void close_left(struct client *client, int fd)
{
    if (fd == -1)
        return;
    note_retransmits(client, fd);
    close(fd);
}

void close_connection(struct client *client) { close_left(client, leave_connection(client)); }

// Counts one more of what only this thread writes.
static void add_one(_Atomic uint64_t *count)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static void add_warmth(struct warmth *warmth, bool is_open, int64_t lasted_ns)
{
    int64_t before_ns = atomic_load_explicit(&warmth->lasted_ns, memory_order_relaxed);

    if (!is_open)
        add_one(&warmth->replies);
    atomic_store_explicit(&warmth->lasted_ns, before_ns + lasted_ns, memory_order_relaxed);
}

// Counts a right reply to a client's first requests, on the side of the window's begin where it is.
static void note_first(struct worker *worker, struct client *client, enum window_side side)
{
    client->first_left--;
    if (side == WINDOW_INSIDE)
        client->share->tally.first_round++;
    else if (side == WINDOW_BEFORE)
        add_one(&worker->warmth.first_round);
}

static void count_right(struct worker *worker, struct client *client, enum window_side side,
                        int64_t now_ns)
{
    struct tally *tally = &client->share->tally;

    if (tally->open && side != WINDOW_OVER)
        tally_serve(tally, now_ns - client_oldest_ns(client));
    if (client->first_left > 0)
        note_first(worker, client, side);
    int64_t started_ns = end_request(worker, client, OUTCOME_OK);
    if (side == WINDOW_INSIDE) {
        tally_reply(tally, atomic_load_explicit(&worker->window->begin_ns, memory_order_relaxed),
                    started_ns, now_ns);
    } else if (side == WINDOW_BEFORE) {
        add_warmth(&worker->warmth, tally->open, now_ns - started_ns);
    } else {
        cooldown_note(worker, client, started_ns, now_ns, true);
    }
}

// Apart from what right replies need.
__attribute__((noinline)) static void count_wrong(struct worker *worker, struct client *client,
                                                  int64_t now_ns)
{
    struct accounting *accounting = client->share->accounting;

    fail_request(worker, client, OUTCOME_WRONG, now_ns);
    accounting->surplus_bytes += client->reply.surplus;
    if (accounting->wrong_seen)
        return;
    accounting->wrong_seen = true;
    accounting->first_wrong = reply_difference(client->share->exchange, &client->reply);
}

void end_with_reply(struct worker *worker, struct client *client, enum reply_state state,
                    int64_t now_ns)
{
    enum window_side side = window_admit(worker->window, now_ns);

    if (side == WINDOW_OVER && cooldown_is_over(worker, now_ns))
        return;
    if (side != WINDOW_OVER)
        client->was_answered = true;
    if (state == REPLY_RIGHT)
        count_right(worker, client, side, now_ns);
    else
        count_wrong(worker, client, now_ns);
    if (reply_begun(&client->reply))
        reply_reset(&client->reply);
}

void end_all(struct worker *worker, struct client *client, enum outcome outcome, int64_t now_ns)
{
    // Whoever comes here may have been kept waiting since then, by a call or by this machine.
    if (load_is_over(worker, now_ns))
        return;
    if (client->in_flight > 0 && reply_begun(&client->reply)) {
        if (client->reply.wrong)
            end_with_reply(worker, client, REPLY_WRONG, now_ns);
        else if (outcome == OUTCOME_CLOSED || outcome == OUTCOME_RESET)
            client->share->accounting->cut_short++;
    }
    if (worker->stopped)
        return;
    if (outcome == OUTCOME_TIMEOUT && has_resent(client))
        client->share->accounting->resent[outcome] += client->in_flight;
    while (client->in_flight > 0)
        fail_request(worker, client, outcome, now_ns);
    close_connection(client);
}
