// SPDX-License-Identifier: BSD-3-Clause
// What every server that waits for readiness does once it knows which descriptor is ready: accept,
// read, answer, send and close, without ever blocking. How it waits is the design:
//
//     reactor_prepare_or_exit(&reactor);
//     while (reactor_runs(&reactor)) {
//         ... wait for the descriptors that watch() was told of, for reactor_patience() at most ...
//         reactor_begin_turn(&reactor);
//         reactor_ready(&reactor, fd);    for each of them
//         reactor_end_turn(&reactor);
//     }
//     reactor_clean_up(&reactor);
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "serve/census.h"
#include "serve/conversation.h"
#include "serve/deadlines.h"
#include "serve/options.h"

enum interest { INTEREST_NONE, INTEREST_READ, INTEREST_WRITE };

// A request that is computed elsewhere. By the time of the reply the descriptor may belong to
// another client: the generation tells.
struct question {
    int fd;
    uint32_t generation;
    unsigned n;
};

// What a design says of itself.
struct design {
    // Changes what is waited for at a descriptor; INTEREST_NONE to begin with, and in the end.
    // False, when this cannot be: the connection is closed.
    bool (*watch)(void *waiting, int fd, enum interest before, enum interest now);
    // Takes a number to be computed elsewhere; reactor_reply() then brings the result. False: there
    // is no room, and it is computed here. NULL: always here.
    bool (*ask)(void *waiting, struct question question);
    bool closing_forgets; // a descriptor that is closed need not be told of to watch()
    bool fixed_reply;     // see struct desks
};

struct client; // by descriptor

struct reactor {
    const struct options *options; // these are for the design to set
    const struct design *design;
    void *waiting; // the design's own
    struct census *census;
    int listener;
    int stop_fd;

    int64_t now_ns;    // read once a turn
    bool listens;      // the listener is watched
    int64_t accept_ns; // when to accept again after a rest; 0: it does not rest
    int64_t end_ns;    // of the grace, once it is stopping
    bool stopping;
    int live;
    int capacity; // descriptors below it can be served
    struct client *clients;
    struct deadlines idle;
    struct deadlines io_waits;
    // Of idle clients: set when it has rung, not with every request. A wait without a time costs
    // less.
    int timer;
    bool timer_is_set;
    struct desks desks;
    struct timespec patience;
};

// Descriptors that watch() is told of are below census_capacity().
void reactor_prepare_or_exit(struct reactor *reactor);

// Until it was told to stop, and everything asked is answered, or the grace is over.
bool reactor_runs(const struct reactor *reactor);

// How long to wait at most; NULL: for ever. To be called before each wait.
const struct timespec *reactor_patience(struct reactor *reactor);

void reactor_begin_turn(struct reactor *reactor);

// A descriptor is ready for what is waited for at it, or has failed. Being called in vain does no
// harm: nothing here blocks.
void reactor_ready(struct reactor *reactor, int fd);

// A descriptor cannot be waited for after all, for want of what the error says: if it is a
// client's, that is closed, and counted as refused, else false, and the server cannot go on.
bool reactor_give_up(struct reactor *reactor, int fd, int error);

// Brings what was computed elsewhere.
void reactor_reply(struct reactor *reactor, struct question question, unsigned fibonacci_n);

// Does what has fallen due.
void reactor_end_turn(struct reactor *reactor);

void reactor_clean_up(struct reactor *reactor);
