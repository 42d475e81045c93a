// SPDX-License-Identifier: BSD-3-Clause
// What a reactor and each of its connections know: the design, the clock, who is there, and what
// falls due when.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

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
    // Changes what is waited for at a descriptor, below census_capacity(); INTEREST_NONE to begin
    // with, and in the end. False, when this cannot be: the connection is closed.
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
