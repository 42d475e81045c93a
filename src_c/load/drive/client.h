// SPDX-License-Identifier: BSD-3-Clause
// One client: a connection, the requests in flight on it, and what it does next.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load/drive/state.h"

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

// Gives up what is in flight: too old.
void client_give_up(struct worker *worker, struct client *client, int64_t now_ns);

// At the end of the run: gives each request in flight its outcome, and closes the connection.
void client_settle(struct worker *worker, struct client *client, int64_t end_ns,
                   int64_t overdue_ns);
