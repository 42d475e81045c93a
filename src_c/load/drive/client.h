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

// Gives up what is in flight: too old.
void client_give_up(struct worker *worker, struct client *client, int64_t now_ns);

// When the load is over, and what the window's end cut off was carried over: what is in flight is
// unfinished, and was seen without a reply until then. The connection stays as it is.
void client_settle(struct worker *worker, struct client *client, int64_t watched_ns);
