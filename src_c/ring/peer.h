// SPDX-License-Identifier: BSD-3-Clause
// One connection of a proactor: what it asks for, and what becomes of that.
#pragma once

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "ring/proactor_state.h"
#include "ring/ring.h"
#include "serve/conversation.h"

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

// --- For the designs ---

// Does all that can be done for a client without waiting.
void peer_proceed(struct proactor *proactor, int fd);

// Closes a connection as soon as nothing of it is in flight, and sees to it that this is soon.
void peer_close(struct proactor *proactor, int fd);

// Closes it because something of it has failed: where that is for want of something, it counts as
// refused.
void peer_give_up(struct proactor *proactor, int fd, int error);

// --- For the proactor ---

// Begins to serve a connection that was accepted, or closes it when there are too many.
void peer_begin(struct proactor *proactor, int fd);

// An operation of a connection is complete.
void peer_complete(struct proactor *proactor, enum operation operation, int fd,
                   const struct io_uring_cqe *completion);

// What was submitted quietly, and not reported, has been sent.
void peer_settle_sends(struct proactor *proactor);

// Receives what has arrived of a connection, and then an end: the server is to stop.
void peer_cut(struct proactor *proactor, int fd);
