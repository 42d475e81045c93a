// SPDX-License-Identifier: BSD-3-Clause
// The clients of an open loop that can take a request, the longest free first.
#pragma once

#include "load/drive/state.h"

// Queues a client as free if it can take a request.
void free_clients_offer(struct worker *worker, struct client *client);

// The client that has been free for longest; NULL when none is. What happened to a client since it
// was queued may have made it useless: it is offered again when it is of use.
struct client *free_clients_take(const struct worker *worker, struct open_loop *open);
