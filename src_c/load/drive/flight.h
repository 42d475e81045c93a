// SPDX-License-Identifier: BSD-3-Clause
// How requests begin and end, and connections with them: each request gets exactly one outcome.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load/ask/exchange.h"
#include "load/count/accounting.h"
#include "load/drive/state.h"

// Any of these may find that the load is over: the worker is stopped then, and requests in flight
// are left for client_settle().

// Puts one request, which was counted as started, in flight: it must end in exactly one outcome.
// In a closed loop it is started when it is sent.
static inline void start_request(struct worker *worker, struct client *client, int64_t started_ns,
                                 int64_t sent_ns)
{
    uint32_t slots = (uint32_t)worker->settings->pipeline;
    uint32_t slot = client->oldest + client->in_flight;

    slot = slot < slots ? slot : slot - slots;
    client->started_ns[slot] = started_ns;
    client->sent_ns[slot] = sent_ns;
    client->in_flight++;
    client->on_connection++;
    client->unsent += client->share->exchange->request_size;
}

// Ends the oldest request in flight. Returns when it was started.
int64_t end_request(struct worker *worker, struct client *client, enum outcome outcome);

// Whether there is something in flight on a connection whose segments had to be sent again, as a
// full listen queue makes it.
bool has_resent(const struct client *client);

// A complete reply, right or wrong, has been received: it ends the oldest request.
void end_with_reply(struct worker *worker, struct client *client, enum reply_state state,
                    int64_t now_ns);

// The connection is of no more use: everything in flight on it ends with this outcome.
void end_all(struct worker *worker, struct client *client, enum outcome outcome, int64_t now_ns);

// Before a connection ends: notes the segments that had to be sent again on it.
void note_retransmits(struct client *client, int fd);

// Notes that the connection of an idle client is lost, if it is, and the window is not over.
void note_lost(const struct worker *worker, struct client *client);

// Closes the connection, if there is one; nothing may be in flight on it.
void close_connection(struct client *client);

// The same in two steps: the client can have its next connection on the way before the last one,
// which the server has ended, is closed. Returns the descriptor; -1 when there was none.
int leave_connection(struct client *client);
void close_left(struct client *client, int fd);
