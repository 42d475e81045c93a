// SPDX-License-Identifier: BSD-3-Clause
// One thread of the load: an event loop, its clients, and what it has counted.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/exact_wait.h"
#include "load/ask/settings.h"
#include "load/drive/client.h"
#include "load/drive/share.h"
#include "load/drive/window.h"

enum { WORKER_BUFFER_SIZE = 64 * 1024 };

// What the threads of a run share.
struct run {
    const struct settings *settings;
    struct team *teams;     // one for each group
    struct overdue overdue; // of all groups
    struct window window;
    int stop;     // eventfd: the window's end was announced
    int standing; // eventfd: how many threads' connections stand
    pthread_barrier_t gate;
    atomic_bool hurry;       // do not wait for connections to stand
    _Atomic int64_t zero_ns; // when the schedules begin: known when the gate opens
};

// Nothing here is written by another thread.
struct worker {
    const struct settings *settings;
    struct run *run;
    struct window *window;
    struct overdue *overdue;
    int stop;

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
    bool stopped;     // the window is over, nothing is looked at any more
    int64_t awake_ns; // when, before the end of the window, this thread was last seen to run

    struct share *shares; // one for each group
    size_t share_count;
    size_t share_begun;  // whose clients have all been set going
    size_t client_begun; // of the share after them

    char buffer[WORKER_BUFFER_SIZE];
};

// Makes a worker with its own event loop and clients. NULL with errno set when there is no memory
// or no descriptor left.
struct worker *worker_make(struct run *run, size_t number);

// A thread's function: connects what must stand, waits at the gate, loads the server until the
// window is over, and returns when its end was announced.
void *worker_run(void *worker);

// The slowest right reply, from its sending.
int64_t worker_slowest_ns(const struct worker *worker);

// After the threads have ended: gives each request in flight its outcome and closes the
// connections. `slowest_ns` is the slowest right reply of all threads.
void worker_settle(struct worker *worker, int64_t end_ns, int64_t slowest_ns);

void worker_free(struct worker *worker);

// Lets a client go on after a pause.
void worker_pause(struct worker *worker, struct client *client, int64_t now_ns);

// A server is not held to have hung while this side did not run either, as on a machine that stood
// still.
static inline void worker_note_awake(struct worker *worker, int64_t now_ns)
{
    if (!window_is_over(worker->window, now_ns))
        worker->awake_ns = now_ns;
}
