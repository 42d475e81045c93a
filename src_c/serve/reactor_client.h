// SPDX-License-Identifier: BSD-3-Clause
// One connection of a reactor: for reactor.c alone; the designs see reactor.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "serve/conversation.h"
#include "serve/reactor_state.h"

struct client {
    struct conversation talk;
    uint32_t generation; // of the descriptor
    bool open;
    bool answered;         // something, since it was last read
    enum interest wanted;  // what it waits for
    enum interest watched; // what the design was last told: less often than `wanted` changes
};

// Changes what the design waits for at a descriptor.
static inline bool reactor_watch(const struct reactor *reactor, int fd, enum interest before,
                                 enum interest now)
{
    return reactor->design->watch(reactor->waiting, fd, before, now);
}

// Begins to serve a connection that was accepted, or closes it when there are too many.
void reactor_client_begin(struct reactor *reactor, int fd);

// A descriptor is ready for what is waited for at it; it need not be a client's any more.
void reactor_client_ready(struct reactor *reactor, int fd);

// The --io-wait of a client is over.
void reactor_client_waited(struct reactor *reactor, int fd);

// Its time is over, unless the server is behind: what it waited for may be there and not be seen
// to.
void reactor_client_overdue(struct reactor *reactor, int fd);

// The server is to stop: a client of which nothing lies unread and unanswered has to go.
void reactor_client_hurry(struct reactor *reactor, int fd);

// It is closed for want of places to wait in: it counts as refused.
void reactor_client_refuse(struct reactor *reactor, int fd, int error);

// Brings what was computed elsewhere for a client that is still there.
void reactor_client_reply(struct reactor *reactor, int fd, unsigned fibonacci_n);

void reactor_client_end(struct reactor *reactor, int fd);
