// SPDX-License-Identifier: BSD-3-Clause
// Requests on their way out: over a connection that is there, or over one that is opened for them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load/drive/state.h"

// What fails on the way is dealt with (failure.h): the client has no connection then.

// Connects a client that has none, and sends what is in flight, if anything is.
void connect_client(struct worker *worker, struct client *client, int64_t now_ns);

// The connection stands, and its requests can be sent: the first of a closed loop, if there is one,
// is sent at `send_ns`.
void note_connected(struct worker *worker, struct client *client, int64_t send_ns);

// Has the event loop bring what comes on the connection next, and on demand when it can take more.
// What fails is dealt with. Edge-triggered, so that one registration lasts as long as the
// connection.
void watch_connection(struct worker *worker, struct client *client, bool for_output);

// In a closed loop: starts as many requests as the connection takes at a time.
void fill_pipeline(struct worker *worker, struct client *client, int64_t now_ns);

// Sends what is unsent, and sees to it that the event loop brings what comes next.
void send_and_watch(struct worker *worker, struct client *client);

// Sends a request of an open loop, over a new connection if the client has none.
void send_request(struct worker *worker, struct client *client, int64_t intended_ns,
                  int64_t now_ns);

// Makes the socket of the next connection now, while nobody waits for it.
void make_spare_socket(struct worker *worker);

// Gives the connection up and sends all that is in flight again over a new one, in order: the
// server has said that it answers no more on this one. They are as old as they are. At least one
// request before them was answered on the old connection, so none is sent more often than
// `pipeline` times.
void repeat_requests(struct worker *worker, struct client *client, int64_t now_ns);
