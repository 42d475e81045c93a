// SPDX-License-Identifier: BSD-3-Clause
// One thread of the load: an event loop, its clients, and what it has counted.
#pragma once

#include "accounting.h"
#include "client.h"
#include "exchange.h"
#include "histogram.h"
#include "settings.h"
#include "timeline.h"
#include "window.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORKER_BUFFER_SIZE = 64 * 1024 };

// Nothing here is written by another thread; the window and the exchange are shared.
struct worker {
    const struct settings *settings;
    const struct exchange *exchange;
    struct window *window;
    int stop; // eventfd: the window's end was announced
    pthread_barrier_t *gate;

    pthread_t thread;
    int epoll;
    int timer;
    int64_t armed_ns;            // when the timer fires; INT64_MAX: never
    int64_t next_sweep_ns;       // when the oldest request may be too old
    struct client *first_paused; // in the order in which their pauses end
    struct client *last_paused;
    bool stopped; // the window is over, nothing is looked at any more

    struct client *clients;
    size_t client_count;
    size_t client_begun; // how many of them have been set going
    int64_t *started_ns; // the clients' rings

    struct accounting accounting;
    struct timeline timeline;
    struct histogram histogram;
    char buffer[WORKER_BUFFER_SIZE];
};

// Makes a worker with its own event loop and clients. NULL with errno set when there is no memory
// or no descriptor left.
struct worker *worker_make(const struct settings *settings, const struct exchange *exchange,
                           struct window *window, int stop, pthread_barrier_t *gate,
                           size_t client_count);

// A thread's function: waits at the gate, loads the server until the window is over, and returns
// when its end was announced.
void *worker_run(void *worker);

// After the threads have ended: gives each request in flight its outcome and closes the
// connections. `slowest_ns` is the slowest right reply of all threads.
void worker_settle(struct worker *worker, int64_t end_ns, int64_t slowest_ns);

void worker_free(struct worker *worker);

// Lets a client go on after a pause.
void worker_pause(struct worker *worker, struct client *client, int64_t now_ns);
