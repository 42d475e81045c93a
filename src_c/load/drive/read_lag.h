// SPDX-License-Identifier: BSD-3-Clause
// How long what has come may have waited until this thread read it: at most, since no clock says
// when it came. It had not come when the kernel was last asked and did not report it, nor before
// its request was sent. Where the thread slept until it came, it was read as soon as the events
// before it were dealt with.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load/drive/state.h"

// A shorter wait may have been none: a system call takes so long on a busy machine.
static const int64_t READ_LAG_SLEPT_NS = 20000;

enum { READ_LAG_EVERY = 8 };

// Before events are waited for.
static inline void read_lag_ask(struct worker *worker, int64_t now_ns)
{
    worker->asked_ns = now_ns;
    worker->ready_ns = 0;
}

// Records a lag, if the window has begun.
void read_lag_record(struct worker *worker, const struct client *client, int64_t now_ns,
                     int64_t lag_ns);

// What was read just now on a client's connection, before the requests in flight on it end. Of
// every eight one is recorded, and any that is longer than those were.
static inline void read_lag_note(struct worker *worker, const struct client *client, int64_t now_ns)
{
    if (worker->ready_ns == 0) // the first of the events
        worker->ready_ns =
            now_ns - worker->asked_ns > READ_LAG_SLEPT_NS ? now_ns : worker->looked_ns;
    int64_t sent_ns = client->sent_ns[client->oldest];
    int64_t lag_ns = now_ns - (sent_ns > worker->ready_ns ? sent_ns : worker->ready_ns);
    if (--worker->lags_left == 0 || lag_ns > client->share->tally.read_lag.max_ns)
        read_lag_record(worker, client, now_ns, lag_ns);
}

// After the events were dealt with. Where there was no room for more of them, others may have been
// ready as well.
static inline void read_lag_settle(struct worker *worker, bool saw_all)
{
    if (saw_all)
        worker->looked_ns =
            worker->ready_ns > worker->asked_ns ? worker->ready_ns : worker->asked_ns;
}
