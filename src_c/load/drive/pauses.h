// SPDX-License-Identifier: BSD-3-Clause
// Clients that wait for a while before they try again, in the order in which their pauses end.
#pragma once

#include <stdint.h>

#include "load/drive/state.h"

// Begins a client's pause.
void pauses_begin(struct worker *worker, struct client *client, int64_t now_ns);

// Ends the next pause that is over by now. NULL when none is.
struct client *pauses_end_next(struct worker *worker, int64_t now_ns);

// When the next pause ends; INT64_MAX when there is none.
static inline int64_t pauses_next_end_ns(const struct worker *worker)
{
    return worker->first_paused == NULL ? INT64_MAX : worker->first_paused->resume_ns;
}
