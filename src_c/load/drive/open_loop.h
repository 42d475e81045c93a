// SPDX-License-Identifier: BSD-3-Clause
// An open loop: requests become due on schedule, whatever becomes of those before them.
#pragma once

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "load/ask/schedule.h"

struct client;
struct share;
struct worker;

// Requests that are due and wait for a free client, as all threads see them. Written only when some
// do wait.
struct overdue {
    alignas(64) _Atomic int64_t now;
    _Atomic int64_t most;
};

// A thread's part of a group's open loop. The backlog takes no memory: it is what lies between two
// readers of the same schedule.
struct open_loop {
    struct schedule due;       // read as far as requests are due
    struct schedule unsent;    // read as far as requests were sent
    int64_t zero_ns;           // when the schedule begins
    int64_t next_due_ns;       // of the next request, which is not yet due; INT64_MAX: never
    uint64_t backlog;          // requests due and not sent
    uint64_t told;             // the backlog that `overdue` includes
    struct overdue *overdue;   // of the group
    struct client *first_free; // clients that can take a request, the longest free first
    struct client *last_free;
};

// Sets the time at which the schedules of a thread begin.
void open_loop_begin(struct worker *worker, int64_t zero_ns);

// Queues a client as free if it can take a request.
void open_loop_offer(struct worker *worker, struct client *client);

// Notices what is due by now, and sends what free clients can take: every request the moment that
// both it and a client are there, in the order in which they were due.
void open_loop_serve(struct worker *worker);

// At the end of the run: what is due by then and was never sent is unfinished.
void open_loop_settle(struct worker *worker, struct share *share, int64_t end_ns);
