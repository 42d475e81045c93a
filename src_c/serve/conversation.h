// SPDX-License-Identifier: BSD-3-Clause
// One connection's talk without its socket. Bytes that came go in and requests come out, one by one
// and in order; replies go in and bytes to send come out. Every design does what
// conversation_next() names, in its own way:
//
//     for (;;) {
//         switch (conversation_next(&talk)) {
//         case CONVERSATION_READ:   wait for bytes, put them into conversation_room(), and say so
//         case CONVERSATION_SEND:   send conversation_unsent(), or a part of it, and say so
//         case CONVERSATION_WAIT:   wait for --io-wait, then conversation_waited()
//         case CONVERSATION_ANSWER: conversation_answer() here, or conversation_reply() later
//         case CONVERSATION_END:    close the connection
//
// An answered connection holds no buffers: it costs sizeof(struct conversation).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/protocol.h"
#include "serve/options.h"

enum {
    DESK_IN_SIZE = 4096,
    // "\n" becomes "error\n", and where --max-n is small "9\n" becomes "out of range\n": the
    // replies to whatever one read brings fit, and go out together. If ever they did not, they are
    // sent earlier.
    DESK_OUT_SIZE = 7 * DESK_IN_SIZE + PROTOCOL_REPLY_SIZE,
};

// The buffers of a connection that is being served. What is not used of them is never touched.
struct desk {
    struct desk *next; // that is free
    size_t in_at;      // what came and is not yet looked at: from in_at to in_used
    size_t in_used;
    size_t out_at; // what is answered and not yet sent
    size_t out_used;
    char in[DESK_IN_SIZE];
    char out[DESK_OUT_SIZE];
};

// The desks of one thread, and what its conversations share. The last one that was given back is
// taken first, while it is in the cache.
struct desks {
    const struct options *options;
    struct desk *free;
    bool fixed; // every request is answered with 1, unread: for the ceiling of the meter alone
};

enum conversation_step {
    CONVERSATION_READ, // all is answered and sent
    CONVERSATION_SEND, // nothing more is read or computed before what is ready has gone out
    CONVERSATION_WAIT,
    CONVERSATION_ANSWER,
    CONVERSATION_END,
};

struct conversation {
    struct desks *desks;
    struct desk *desk; // NULL: nothing is left over
    int fd;            // for --verbose alone
    uint16_t text_at;  // the request as it came, in desk->in
    uint16_t text_length;
    struct request request; // while one is `asked` and not answered
    bool asked;
    bool waited; // for --io-wait
    bool ended;  // no more will be read
    // From this number on a request takes long; 0 where all do, since work is done besides.
    unsigned long_n;
};

// Begins; with --verbose says who is there.
void conversation_begin(struct conversation *talk, struct desks *desks, int fd);

enum conversation_step conversation_next(struct conversation *talk);

// Whether the request that is to be answered takes so long that finished replies, of whomever,
// should not wait for it.
bool conversation_takes_long(const struct conversation *talk);

// Whether, once all is sent, it is only to be read.
bool conversation_only_reads(const struct conversation *talk);

// Where to read to, and how much at most; never 0. NULL: there is no memory.
char *conversation_room(struct conversation *talk, size_t *size);

// So many bytes were read; 0: the client will send no more.
void conversation_took(struct conversation *talk, size_t size);

// What to send.
const char *conversation_unsent(const struct conversation *talk, size_t *size);

// So many bytes of it were sent.
void conversation_sent(struct conversation *talk, size_t size);

// The request has waited for its time.
void conversation_waited(struct conversation *talk);

// Answers the request with fibonacci(request.n), which was computed elsewhere, as the work besides
// was done; of no account where it asks for no number.
void conversation_reply(struct conversation *talk, unsigned fibonacci_n);

// Computes here and now, and does the work that is to be done besides.
void conversation_answer(struct conversation *talk);

// Gives the buffers back, at any time.
void conversation_end(struct conversation *talk);

// Frees what was given back.
void desks_free(struct desks *desks);
