// SPDX-License-Identifier: BSD-3-Clause
// Requests on their way out: over a connection that is there, or over one that is opened for them.
#pragma once

#include <stdint.h>

#include "load/drive/state.h"

// What fails on the way is dealt with (failure.h): the client has no connection then.

// Connects a client that has none, and sends what is in flight, if anything is.
void connect_client(struct worker *worker, struct client *client, int64_t now_ns);

// In a closed loop: starts as many requests as the connection takes at a time.
void fill_pipeline(struct worker *worker, struct client *client, int64_t now_ns);

// Sends what is unsent, and sees to it that the event loop brings what comes next.
void send_and_watch(struct worker *worker, struct client *client);

// Sends a request of an open loop, over a new connection if the client has none.
void send_request(struct worker *worker, struct client *client, int64_t intended_ns,
                  int64_t now_ns);

// Makes the socket of the next connection now, while nobody waits for it.
void make_spare_socket(struct worker *worker);
