// SPDX-License-Identifier: BSD-3-Clause
// One client: a connection, the requests in flight on it, and what it does next.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/ask/exchange.h"

struct share;
struct worker;

enum client_state {
    CLIENT_ABSENT,     // no connection
    CLIENT_CONNECTING, // on the way, with one request started for it or with none
    CLIENT_OPEN,
};

struct client {
    struct share *share; // whose client it is
    int fd;
    enum client_state state;
    uint32_t watched;   // events that the event loop was asked for; 0: none yet
    bool was_connected; // at least once
    bool was_answered;  // likewise
    bool send_failed;   // nothing can be sent on this connection any more
    int send_errno;
    uint32_t in_flight;     // requests started and without an outcome
    uint32_t oldest;        // where the first of them is in the ring
    int64_t *started_ns;    // when they were started: a ring of `pipeline` times
    int64_t *sent_ns;       // when they were sent, if that is another ring: in an open loop
    uint64_t on_connection; // requests started on this connection
    size_t unsent;          // of the requests in flight, bytes that were not yet taken
    size_t send_offset;     // where they go on in the copies of the request
    int64_t resume_ns;      // end of the pause
    struct client *next_paused;
    bool is_paused;
    bool is_listed; // as free to take a request of an open loop
    struct client *next_free;
    struct reply reply; // the one that is arriving
};

// Decides what a client does next, and begins it: connects, connects anew, or sends. In an open
// loop it offers itself, and an idle one does nothing.
void client_proceed(struct worker *worker, struct client *client, int64_t now_ns);

// The event loop's news about its connection.
void client_event(struct worker *worker, struct client *client, uint32_t events);

// Connects a client that has nothing to send yet.
void client_connect(struct worker *worker, struct client *client, int64_t now_ns);

// Whether a client can take a request of an open loop now.
bool client_has_room(const struct worker *worker, const struct client *client);

// Sends a request of an open loop, over a new connection if the client has none.
void client_send(struct worker *worker, struct client *client, int64_t intended_ns, int64_t now_ns);

// When the oldest request in flight was sent; INT64_MAX when there is none.
static inline int64_t client_oldest_ns(const struct client *client)
{
    return client->in_flight == 0 ? INT64_MAX : client->sent_ns[client->oldest];
}

// Gives up what is in flight: too old.
void client_give_up(struct worker *worker, struct client *client, int64_t now_ns);

// At the end of the run: gives each request in flight its outcome, and closes the connection.
void client_settle(struct worker *worker, struct client *client, int64_t end_ns,
                   int64_t overdue_ns);
