// SPDX-License-Identifier: BSD-3-Clause
// What is asked and what must come back, byte for byte. Pure: no sockets.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/protocol.h"
#include "load/count/accounting.h"

enum {
    EXCHANGE_TEXT_MAX = 64 * 1024,  // a request's or a reply's length
    EXCHANGE_WRONG_MAX = 64 * 1024, // a wrong reply without an end is given up after so much of it
    EXCHANGE_MAX_N = 45,            // fibonacci(46) needs more than 31 bits
};

// One request and its reply; the same for every request of a run.
struct exchange {
    enum framing framing;
    char *requests;      // `repeats` copies of the request on end, line ends included
    size_t request_size; // of one, line end included
    size_t repeats;
    char *reply;       // as expected, line end included in line framing
    size_t reply_size; // without the line end
    size_t reply_full; // with it
    bool optional_cr;  // a "\r" before the line end is as good
};

// Copies of the request for `pipeline` of them at once, as far as they stay in bounds; a sender may
// start over when it comes to the end. False when there is no memory.
bool exchange_make(struct exchange *exchange, enum framing framing, const char *request,
                   const char *reply, bool optional_cr, size_t pipeline);
void exchange_free(struct exchange *exchange);

// fibonacci(n) for n up to EXCHANGE_MAX_N, fibonacci(0) = fibonacci(1) = 1.
uint32_t exchange_fibonacci(unsigned n);

// How much of one reply has been seen. All zero at its beginning.
struct reply {
    size_t seen; // bytes that were right
    bool cr_seen;
    bool wrong;
    size_t wrong_size; // bytes from the first wrong one on
    size_t surplus;    // message framing: bytes after a full reply
    struct wrong_reply got;
};

enum reply_state {
    REPLY_MORE,  // not complete
    REPLY_RIGHT, // complete
    REPLY_WRONG, // complete, and another one than expected
    REPLY_LOST,  // wrong, and without an end in sight: the connection is of no more use
};

// The general case of reply_feed().
enum reply_state reply_feed_slowly(const struct exchange *exchange, struct reply *reply,
                                   const char *bytes, size_t size, size_t *used);

// Takes bytes that arrived into the reply. In line framing a reply ends at its line end, and `used`
// says how many bytes belong to it; in message framing it ends only with the connection.
static inline enum reply_state reply_feed(const struct exchange *exchange, struct reply *reply,
                                          const char *bytes, size_t size, size_t *used)
{
    if (exchange->framing == FRAMING_LINE && reply->seen == 0 && !reply->wrong &&
        size >= exchange->reply_full &&
        __builtin_memcmp(bytes, exchange->reply, exchange->reply_full) == 0) {
        *used = exchange->reply_full;
        return REPLY_RIGHT;
    }
    return reply_feed_slowly(exchange, reply, bytes, size, used);
}

// Message framing: the connection has ended in order. REPLY_MORE: before the reply was complete.
enum reply_state reply_end(const struct exchange *exchange, const struct reply *reply);

static inline bool reply_begun(const struct reply *reply)
{
    return reply->seen > 0 || reply->cr_seen || reply->wrong;
}
