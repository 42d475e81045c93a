// SPDX-License-Identifier: BSD-3-Clause
// An open loop: requests become due on schedule, whatever becomes of those before them.
#pragma once

#include <stdint.h>

#include "load/drive/state.h"

// Sets the time at which the schedules of a thread begin.
void open_loop_begin(struct worker *worker, int64_t zero_ns);

// Notices what is due by now, and sends what free clients can take: every request the moment that
// both it and a client are there, in the order in which they were due.
void open_loop_serve(struct worker *worker);

// When the load is over: what was due by then and was never sent is unfinished.
void open_loop_settle(struct worker *worker, struct share *share, int64_t watched_ns);
