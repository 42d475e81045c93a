// SPDX-License-Identifier: BSD-3-Clause
// What a proactor and each of its connections know: the design, the ring, the clock, who is there,
// and what falls due when.
#pragma once

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/lacking.h"
#include "serve/census.h"
#include "serve/conversation.h"
#include "serve/deadlines.h"
#include "serve/options.h"

struct peer; // by descriptor
struct proactor;

struct proactor_design {
    // Asks for a connection, or for all that come.
    void (*accept)(struct proactor *proactor);
    // Asks for a client's next bytes; or brings some that are there already, and returns true.
    bool (*receive)(struct proactor *proactor, int fd, struct peer *peer);
    // Bytes have come, or the end, or an error: what is to be known of a receive, and whether it is
    // still in flight, is in the completion.
    void (*received)(struct proactor *proactor, int fd, struct peer *peer,
                     const struct io_uring_cqe *completion);
    // Whether something of a client has come and waits to be answered; NULL: one receive is all
    // there can be, and with no other in flight a send must be reported.
    bool (*has_more)(const struct proactor *proactor, int fd);
    // Once in every turn, before it waits; NULL: nothing.
    void (*end_turn)(struct proactor *proactor);
    // A connection is being closed; NULL: nothing.
    void (*ended)(struct proactor *proactor, int fd);
    unsigned setup;             // flags of io_uring_setup(2) that it cannot do without
    struct linux_version takes; // and the Linux that has them
};

struct proactor {
    const struct options *options; // these are for the design to set
    const struct proactor_design *design;
    void *own; // the design's own
    struct census *census;
    int listener;
    int stop_fd;

    struct io_uring ring;
    struct __kernel_timespec io_wait;
    int64_t now_ns;    // read once a turn
    int64_t accept_ns; // when to accept again after a rest; 0: it does not rest
    int64_t end_ns;    // of the grace, once it is stopping
    bool accepting;    // in flight
    bool stopping;
    int live;
    int capacity; // descriptors below it can be served
    struct peer *peers;
    struct deadlines idle;
    struct __kernel_timespec timer; // of idle clients: set when it has rung, not with every request
    bool timer_is_set;
    struct desks desks;
    int *queued; // descriptors with a quiet send that is queued
    int *submitted;
    int queued_count;
    int submitted_count;
    unsigned turn;
    bool hurry; // there is something to do that nothing will report
};
