// SPDX-License-Identifier: BSD-3-Clause
// The backlog of an open loop: requests that are due and wait for a free client.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load/drive/state.h"

// When a time of the schedule is on the clock.
int64_t backlog_due_ns(const struct open_loop *open, int64_t at_ns);

// Takes note of a request that has become due: it is started, and must come to an end. One from
// `begin_ns` on is of the window.
void backlog_notice(struct share *share, int64_t begin_ns, int64_t now_ns);

// Tells all threads how many wait, if that has changed. Returns whether these are too many, all
// threads together.
bool backlog_tell(struct worker *worker, struct open_loop *open);

// At the end of the window: notices what was due in it.
void backlog_close(struct worker *worker, struct share *share, int64_t end_ns);
