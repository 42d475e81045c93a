// SPDX-License-Identifier: BSD-3-Clause
// What a failed call does: whose fault it is decides how the requests in flight end, and the client
// pauses. An idle one does not, since it has nothing to try again: its connection is lost.
#pragma once

#include <stdint.h>

#include "load/drive/state.h"

// Any of them may find that the window is over, as those of flight.h do.

// A call has failed on this side.
void fail_locally(struct worker *worker, struct client *client, const char *call, int error,
                  int64_t now_ns);

// A call has failed: whose fault it is decides the outcome.
void lose_connection(struct worker *worker, struct client *client, const char *call, int error,
                     int64_t now_ns);

// What a new connection begins with was wrong, as the client's reply has it: it was given up.
void fail_opening(struct worker *worker, struct client *client, const struct opening *opening,
                  int64_t now_ns);
