// SPDX-License-Identifier: BSD-3-Clause
// A ring of buffers that the kernel fills with what comes of any connection (IORING_OP_RECV with
// IOSQE_BUFFER_SELECT), and an inbox for each connection, where filled buffers wait for as long as
// it is being answered.
//
// Source: io_uring_register_buf_ring(3), in liburing 2.4; with 2.3 the page-aligned memory is ours.
#pragma once

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "serve/conversation.h"
#include "serve/options.h"

enum {
    POST_BUFFERS = 1024,
    POST_BUFFER_SIZE = 1024, // with a fragment before it, fits into a desk
    POST_GROUP = 0,
};

_Static_assert(POST_BUFFER_SIZE + PROTOCOL_REQUEST_MAX <= DESK_IN_SIZE,
               "a buffer fits into a desk");

// A queue of filled buffers.
struct inbox {
    uint16_t first; // a buffer's id, plus one; 0: none
    uint16_t last;
    uint16_t count;
    bool ended;   // nothing more comes after them
    bool starved; // it is to receive when there are free buffers again
    int next_starved;
};

struct post {
    struct io_uring_buf_ring *ring;
    char *memory;
    uint16_t after[POST_BUFFERS]; // in an inbox: the next one's id, plus one
    uint16_t sizes[POST_BUFFERS];
    unsigned free;         // buffers that the kernel may fill
    int starved;           // a list of descriptors; -1: none
    struct inbox *inboxes; // by descriptor
};

// Registers the buffers. On failure says why on stderr and exits: for want of memory that may be
// locked with 77, else with 1.
void post_open_or_exit(struct post *post, struct io_uring *ring, int capacity,
                       const struct options *options);

// After the end of the ring.
void post_close(struct post *post);

// The kernel has filled a buffer, with `size` bytes.
void post_put(struct post *post, struct inbox *inbox, unsigned id, size_t size);

static inline bool inbox_is_empty(const struct inbox *inbox)
{
    return inbox->first == 0 && !inbox->ended;
}

// Hands the next buffer of an inbox that is not empty, or its end, to the conversation; the buffer
// is free before anything in it is answered. False: there is no memory.
bool post_deliver(struct post *post, struct inbox *inbox, struct conversation *talk);

// Frees what waits in the inbox of a connection that is closed.
void post_empty(struct post *post, int fd);

// The kernel found no buffer for a connection.
void post_starve(struct post *post, int fd);

// The next connection that found none, if there are any now; -1: none of these.
int post_next_starved(struct post *post);
