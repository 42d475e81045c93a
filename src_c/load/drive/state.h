// SPDX-License-Identifier: BSD-3-Clause
// What a thread of the load is made of: its clients, its share of each group, and what the threads
// of a run share.
#pragma once

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/exact_wait.h"
#include "load/ask/exchange.h"
#include "load/ask/groups.h"
#include "load/ask/schedule.h"
#include "load/ask/settings.h"
#include "load/count/tally.h"
#include "load/drive/window.h"

enum { WORKER_BUFFER_SIZE = 64 * 1024 };

enum client_state {
    CLIENT_ABSENT,     // no connection
    CLIENT_CONNECTING, // on the way, with one request started for it or with none
    CLIENT_OPENING,    // it stands, and is not yet as a request needs it (opening.h)
    CLIENT_OPEN,
};

// A connection, and the requests in flight on it.
struct client {
    struct share *share; // whose client it is
    int fd;
    enum client_state state;
    uint32_t watched;   // events that the event loop was asked for; 0: none yet
    bool was_connected; // at least once
    bool was_answered;  // likewise
    bool is_repeating;  // what is in flight was sent before, on another connection
    bool send_failed;   // nothing can be sent on this connection any more
    int send_errno;
    uint32_t in_flight;     // requests started and without an outcome
    uint32_t first_left;    // of the first round's requests, those without a reply
    uint32_t oldest;        // where the first of them is in the ring
    int64_t *started_ns;    // when they were started: a ring of `pipeline` times
    int64_t *sent_ns;       // when they were sent, if that is another ring: in an open loop
    uint64_t on_connection; // requests started on this connection
    size_t unsent;          // of the requests in flight, bytes that were not yet taken
    size_t send_offset;     // where they go on in the copies of the request, or in an opening
    size_t opening;         // which step of its opening the connection is at
    int64_t resume_ns;      // end of the pause
    struct client *next_paused;
    bool is_paused;
    bool is_listed; // as free to take a request of an open loop
    struct client *next_free;
    struct reply reply; // the one that is arriving
};

// Requests that are due and wait for a free client, as all threads see them. Written only when some
// do wait.
struct overdue {
    alignas(CACHE_LINE) _Atomic int64_t now;
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

// A group as all threads share it.
struct team {
    const struct group *group;
    struct exchange exchange;
    struct overdue overdue;
    size_t first_thread; // that has one of its clients
};

// What one thread has of a group: some of its clients, its part of the schedule, and its counts.
struct share {
    const struct group *group;
    const struct exchange *exchange;
    bool is_idle;
    bool is_open;
    struct client *clients;
    size_t client_count;
    int64_t *times_ns;               // the clients' rings
    struct http_reply *http_replies; // the clients', of HTTP
    struct http_memory *http_memory; // likewise
    struct open_loop open;
    struct tally tally;
    struct accounting *accounting; // of the tally: up to the end, or of the cool-down
};

// What the threads of a run share.
struct run {
    const struct settings *settings;
    struct team *teams;     // one for each group
    struct overdue overdue; // of all groups
    struct window window;
    int stop;              // eventfd: the load is over
    int standing;          // eventfd: how many threads' connections stand
    int cooldown;          // eventfd: the window's end was announced, and the load goes on
    atomic_size_t waiting; // threads with something that was due before the end and has no outcome
    pthread_barrier_t gate;
    atomic_bool hurry;       // do not wait for connections to stand
    _Atomic int64_t zero_ns; // when the schedules begin: known when the gate opens
    // Known when the threads are stopped: when the window ended, until when what was in flight then
    // was watched, and when leave must be taken.
    _Atomic int64_t end_ns;
    _Atomic int64_t watched_ns;
    _Atomic int64_t leave_ns;
};

// What a thread has done before the window begins. Written by it alone, and read by others.
struct warmth {
    alignas(CACHE_LINE) _Atomic uint64_t replies; // of closed loops
    _Atomic uint64_t first_round;                 // of them, those to their first requests
    _Atomic int64_t lasted_ns; // how long the requests of all loops took, all together
};

// One thread. Nothing here is written by another.
struct worker {
    const struct settings *settings;
    struct run *run;
    struct window *window;
    struct overdue *overdue;
    int stop;
    int cooldown;

    pthread_t thread;
    int epoll;
    int timer;
    int spare;             // a socket for the next connection, made while nobody waits; -1: none
    int64_t armed_ns;      // when the timer fires; INT64_MAX: never
    int64_t next_sweep_ns; // when the oldest request may be too old
    int64_t next_due_ns;   // of the open loops; INT64_MAX: there are none
    bool has_open_loop;
    struct exact_wait exact;     // what is known of waiting to the nanosecond
    struct client *first_paused; // in the order in which their pauses end
    struct client *last_paused;
    int64_t asked_ns;   // when events were waited for
    int64_t ready_ns;   // until when none of those that came was ready; 0: not known yet
    int64_t looked_ns;  // when nothing was ready but what was dealt with then
    uint32_t lags_left; // until the next is recorded
    bool is_cooling;    // the window is over, and the load goes on
    int64_t end_ns;     // of the window, then
    uint64_t left;      // of what open loops had due before it, then: without an outcome
    bool stopped;       // nothing is looked at any more

    struct warmth warmth;

    struct share *shares; // one for each group
    size_t share_count;
    size_t share_begun;  // whose clients have all been set going
    size_t client_begun; // of the share after them

    char buffer[WORKER_BUFFER_SIZE];
};

// When the oldest request in flight was sent; INT64_MAX when there is none.
static inline int64_t client_oldest_ns(const struct client *client)
{
    return client->in_flight == 0 ? INT64_MAX : client->sent_ns[client->oldest];
}
