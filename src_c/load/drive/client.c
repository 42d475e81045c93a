// SPDX-License-Identifier: BSD-3-Clause
// One client: a connection, the requests in flight on it, and what it does next.
#include "load/drive/client.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "load/drive/cooldown.h"
#include "load/drive/failure.h"
#include "load/drive/flight.h"
#include "load/drive/free_clients.h"
#include "load/drive/opening.h"
#include "load/drive/read_lag.h"
#include "load/drive/sending.h"

// Lets a client of a closed loop send.
static void go_on(struct worker *worker, struct client *client, int64_t now_ns)
{
    if (client->state == CLIENT_ABSENT) { // one request, which includes opening the connection
        client->share->accounting->started++;
        start_request(worker, client, now_ns, now_ns);
        connect_client(worker, client, now_ns);
        return;
    }
    if (client->state == CLIENT_OPEN && !client->send_failed) {
        fill_pipeline(worker, client, now_ns);
        if (client->unsent > 0)
            send_and_watch(worker, client);
    }
}

// What a client does next while the load goes on.
static void proceed(struct worker *worker, struct client *client, int64_t now_ns)
{
    uint64_t limit = client->share->exchange->per_connection;

    if (client->state == CLIENT_OPEN && limit > 0 && client->on_connection == limit &&
        client->in_flight == 0)
        close_connection(client);
    if (client->share->is_open)
        free_clients_offer(worker, client);
    else if (client->share->is_idle)
        note_lost(worker, client);
    else
        go_on(worker, client, now_ns);
}

void client_proceed(struct worker *worker, struct client *client, int64_t now_ns)
{
    if (!load_is_over(worker, now_ns))
        proceed(worker, client, now_ns);
}

// The server has closed in order.
static void meet_end(struct worker *worker, struct client *client, int64_t now_ns)
{
    if (client->in_flight > 0) {
        enum reply_state state = reply_end(client->share->exchange, &client->reply);
        if (state != REPLY_MORE) {
            end_with_reply(worker, client, state, now_ns);
            if (!worker->stopped && client->in_flight > 0) {
                repeat_requests(worker, client, now_ns);
            } else if (!worker->stopped) {
                // Closing first would keep the server waiting for what it could be doing already.
                int left = leave_connection(client);
                client_proceed(worker, client, now_ns);
                close_left(client, left);
                make_spare_socket(worker);
            }
            return;
        }
    }
    if (client->in_flight == 0) { // nothing was lost by it
        close_connection(client);
        client_proceed(worker, client, now_ns);
        return;
    }
    lose_connection(worker, client, "send", client->send_failed ? client->send_errno : EPIPE,
                    now_ns);
}

// The server has said that it closes the connection after the reply that is complete: what is in
// flight behind it has no answer here, and is lost by nobody's fault.
static void meet_close(struct worker *worker, struct client *client, size_t surplus, int64_t now_ns)
{
    client->share->tally.accounting.surplus_bytes += surplus;
    if (client->in_flight > 0) {
        repeat_requests(worker, client, now_ns);
        return;
    }
    close_connection(client);
    client_proceed(worker, client, now_ns);
}

// Matches what was received against the requests in flight. False when the connection was given up.
static bool take_bytes(struct worker *worker, struct client *client, const char *bytes, size_t size,
                       int64_t now_ns)
{
    const struct exchange *exchange = client->share->exchange;

    while (size > 0 && client->in_flight > 0) {
        size_t used;
        enum reply_state state = reply_feed(exchange, &client->reply, bytes, size, &used);
        bytes += used;
        size -= used;
        if (state == REPLY_MORE)
            continue;
        bool closes = client->reply.closes;
        end_with_reply(worker, client, state, now_ns);
        if (worker->stopped)
            return false;
        if (state == REPLY_LOST) {
            end_all(worker, client, OUTCOME_CLOSED, now_ns);
            client_proceed(worker, client, now_ns);
            return false;
        }
        if (closes) {
            meet_close(worker, client, size, now_ns);
            return false;
        }
    }
    if (size == 0)
        return true;
    // Nobody asked for these: what comes after them could not be told apart from replies.
    client->share->accounting->surplus_bytes += size;
    close_connection(client);
    client_proceed(worker, client, now_ns);
    return false;
}

// Receives what is there. After an event that announces an end it reads up to that end; otherwise a
// short read means that nothing is left, and new bytes bring a new event (epoll(7)).
static void receive(struct worker *worker, struct client *client, bool to_the_end)
{
    for (bool first = true;; first = false) {
        ssize_t size = recv(client->fd, worker->buffer, sizeof worker->buffer, 0);
        int error = size < 0 ? errno : 0;
        if (error == EINTR)
            continue;
        int64_t now_ns = clock_now_ns();
        if (error == EAGAIN) {
            client_proceed(worker, client, now_ns);
            return;
        }
        if (load_is_over(worker, now_ns))
            return;
        if (first)
            read_lag_note(worker, client, now_ns);
        if (size <= 0) {
            if (size == 0)
                meet_end(worker, client, now_ns);
            else
                lose_connection(worker, client, "recv", error, now_ns);
            return;
        }
        if (!take_bytes(worker, client, worker->buffer, (size_t)size, now_ns))
            return;
        if (!to_the_end && (size_t)size < sizeof worker->buffer) {
            proceed(worker, client, now_ns);
            return;
        }
    }
}

// A connection can take requests, and there is none for it yet.
static void stand(struct worker *worker, struct client *client, int64_t now_ns)
{
    client->state = CLIENT_OPEN;
    client->was_connected = true;
    client->share->tally.accounting.connections_opened++;
    client_proceed(worker, client, now_ns);
}

// The opening was right.
static void finish_opening(struct worker *worker, struct client *client)
{
    int64_t now_ns = clock_now_ns();

    if (client->in_flight == 0) {
        stand(worker, client, now_ns);
        return;
    }
    if (client->share->is_open && client->share->exchange->per_connection == 0)
        client->sent_ns[client->oldest] = now_ns;
    note_connected(worker, client, now_ns);
    send_and_watch(worker, client);
}

// A connection that was opened before there was anything to send stands, or has failed.
static void meet_outcome(struct worker *worker, struct client *client)
{
    int error = 0;
    socklen_t size = sizeof error;
    int64_t now_ns = clock_now_ns();

    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
        error = errno;
    if (error != 0) {
        lose_connection(worker, client, "connect", error, now_ns);
        return;
    }
    if (client->share->exchange->opening_count > 0)
        client->state = CLIENT_OPENING;
    else
        stand(worker, client, now_ns);
}

// What happens before a connection is open for requests. False: it does not matter after that.
static bool meet_early(struct worker *worker, struct client *client)
{
    bool has_opening = client->share->exchange->opening_count > 0;

    if (client->state == CLIENT_CONNECTING && (client->in_flight == 0 || has_opening))
        meet_outcome(worker, client);
    if (client->state == CLIENT_OPENING && opening_go_on(worker, client))
        finish_opening(worker, client);
    return client->state != CLIENT_OPENING && !worker->stopped;
}

void client_event(struct worker *worker, struct client *client, uint32_t events)
{
    bool ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

    if (client->state != CLIENT_OPEN && !meet_early(worker, client))
        return;
    if (client->unsent > 0 && (ended || (events & EPOLLOUT)))
        send_and_watch(worker, client);
    if (client->state != CLIENT_ABSENT && (ended || (events & EPOLLIN)))
        receive(worker, client, ended);
}

void client_give_up(struct worker *worker, struct client *client, int64_t now_ns)
{
    end_all(worker, client, OUTCOME_TIMEOUT, now_ns);
    if (!worker->stopped)
        client_proceed(worker, client, now_ns);
}

void client_settle(struct worker *worker, struct client *client, int64_t watched_ns)
{
    struct accounting *accounting = &client->share->tally.accounting;
    bool was_resent = has_resent(client);

    if (client->fd != -1)
        note_retransmits(client, client->fd); // which shutdown(2) may forget
    while (client->in_flight > 0) {
        int64_t started_ns = end_request(worker, client, OUTCOME_UNFINISHED);
        cooldown_note(worker, client, started_ns, watched_ns, false);
        accounting->resent[OUTCOME_UNFINISHED] += was_resent && started_ns < worker->end_ns;
    }
}
