// SPDX-License-Identifier: BSD-3-Clause
// What every io_uring server does once an operation is complete, and the operations that all of
// them use alike: sending, waiting, closing. How connections and bytes are asked for is the
// design's.
//
// Replies that the socket takes at once, as it nearly always does, are sent quietly: with
// IOSQE_CQE_SKIP_SUCCESS and MSG_WAITALL | MSG_DONTWAIT only what cannot be sent whole and at once
// is reported, and by the end of the submission. A report would end the wait for what the clients
// do.
//
// A connection has at most one receive, one send or one wait in flight, and is closed only when it
// has none, so that no completion ever reaches the next client of its descriptor. The generation in
// every tag would tell if one did.
//
// Sources: io_uring_enter(2), io_uring_setup(2), and liburing 2.3.
#pragma once

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/lacking.h"
#include "serve/census.h"
#include "serve/conversation.h"
#include "serve/deadlines.h"
#include "serve/options.h"

// One connection, by descriptor.
struct peer {
    struct conversation talk;
    uint32_t generation; // of the descriptor
    bool open;
    bool closing;   // as soon as nothing is in flight
    bool cut;       // what comes after the last of its input is our end, not the client's
    bool answered;  // something, since it was last read
    bool receiving; // in flight
    bool sending;
    bool quietly;  // its success is not reported: it is known when nothing was
    unsigned turn; // in which that send was queued
    bool waiting;
};

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

// Makes the ring, in the thread that will use it: with DEFER_TASKRUN no other may. Where the system
// has no io_uring that will do for the design, or forbids it, says so on stderr and exits with 77;
// on other failures with 1.
void proactor_prepare_or_exit(struct proactor *proactor);

// Serves until it is told to stop, and everything asked is answered, or the grace is over.
void proactor_run(struct proactor *proactor);

void proactor_clean_up(struct proactor *proactor);

// A free entry of the submission queue: never NULL, since when the queue is full it is submitted.
struct io_uring_sqe *proactor_entry(struct proactor *proactor);

enum operation {
    OPERATION_ACCEPT,
    OPERATION_RECEIVE,
    OPERATION_SEND,
    OPERATION_WAIT,
    OPERATION_STOP,
    OPERATION_TIMER,
    OPERATION_OTHER, // whose outcome is of no account
};

// What a completion brings back: which operation, of which descriptor's generation.
uint64_t proactor_tag(enum operation operation, int fd, uint32_t generation);

// Does all that can be done for a client without waiting.
void proactor_proceed(struct proactor *proactor, int fd);

// What io_uring_enter(2) has returned: most of its failures mean that it is to be called again.
// Ends with a message after any other.
void proactor_check_entered(const struct proactor *proactor, int result);

// Receives what has arrived of a connection, and then an end: the server is to stop.
void proactor_cut(struct proactor *proactor, int fd);

// Closes a connection as soon as nothing of it is in flight, and sees to it that this is soon.
void proactor_close(struct proactor *proactor, int fd);

// Closes it because something of it has failed: where that is for want of something, it counts as
// refused.
void proactor_give_up(struct proactor *proactor, int fd, int error);
