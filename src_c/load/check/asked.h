// SPDX-License-Identifier: BSD-3-Clause
// A request that is asked once on a connection of its own, its opening included, and what came.
#pragma once

#include "load/ask/settings.h"
#include "load/check/state.h"

// Makes ready; `memory` is shared by those that expect the same, and `kept` says whether to keep
// what comes, and where. False when there is no memory.
bool asked_make(struct asked *asked, const struct ask *ask, const struct exchange *exchange,
                struct http_memory *memory, size_t *kept);
void asked_free(struct asked *asked);

// Opens the connection.
void asked_begin(struct asked *asked, const struct settings *settings);

// What to poll for; not where it is over.
short asked_events(const struct asked *asked);

// Something of it has happened. `buffer` is for what is received.
void asked_ready(struct asked *asked, short events, char *buffer, size_t size);

// Its deadline has passed.
void asked_overdue(struct asked *asked);
