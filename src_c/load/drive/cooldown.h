// SPDX-License-Identifier: BSD-3-Clause
// The cool-down: after the end of its window an open loop goes on asking, so that the server has as
// much to do as before, until what was due before the end has an outcome, for a bounded time. The
// true latencies of these requests are all that it is for: what was counted up to the end stays.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load/drive/state.h"
#include "load/drive/window.h"

// How long the load may go on after the window; 0 where nothing is due on a schedule, or where the
// number of replies ends the window.
int64_t cooldown_longest_ns(const struct settings *settings);

// The window is over by now. Whether the cool-down is as well: the worker is stopped then.
bool cooldown_is_over(struct worker *worker, int64_t now_ns);

// Whether nothing is to be looked at any more at this moment, which is not ahead.
static inline bool load_is_over(struct worker *worker, int64_t now_ns)
{
    return window_is_over(worker->window, now_ns) && cooldown_is_over(worker, now_ns);
}

// Closes the accounts of the run up to the window's end: what has no outcome by then is carried
// over to those of the cool-down.
void cooldown_begin(struct worker *worker, int64_t end_ns);

// In the cool-down, or after it: a client's request had a right reply, or none, at `seen_ns`.
void cooldown_note(struct worker *worker, const struct client *client, int64_t started_ns,
                   int64_t seen_ns, bool is_answered);

// The same of one of an open loop, whether or not it was sent.
void cooldown_note_due(struct worker *worker, struct share *share, int64_t due_ns, int64_t seen_ns,
                       bool is_answered);
