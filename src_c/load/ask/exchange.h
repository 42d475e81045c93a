// SPDX-License-Identifier: BSD-3-Clause
// What is asked and what must come back, byte for byte. Pure: no sockets.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/protocol.h"
#include "load/ask/asks.h"
#include "load/ask/reply.h"

enum {
    EXCHANGE_TEXT_MAX = 64 * 1024,  // of a request or a reply that the command line gives
    EXCHANGE_WRONG_MAX = 64 * 1024, // a wrong reply without an end is given up after so much of it
    EXCHANGE_MAX_N = 45,            // fibonacci(46) needs more than 31 bits
};

// One request and its reply; the same for every request of a group.
struct exchange {
    enum framing framing;
    bool is_plain;       // a reply is right if its bytes are these, all of them
    char *requests;      // `repeats` copies of the request on end, line ends included
    size_t request_size; // of one, line end included
    size_t repeats;
    enum expects expects;
    char *reply;                    // as expected, line end included in line framing
    size_t reply_size;              // without the line end
    size_t reply_full;              // with it
    bool optional_cr;               // a "\r" before the line end is as good
    uint64_t per_connection;        // requests on a connection; 0: it is kept
    const struct opening *openings; // what comes first on a new connection
    size_t opening_count;
    struct http_wanted *http; // of HTTP; NULL otherwise
};

// Copies of the request for `pipeline` of them at once, as far as they stay in bounds; a sender may
// start over when it comes to the end. The openings stay where they are. False when there is no
// memory.
bool exchange_make(struct exchange *exchange, const struct ask *ask, enum framing framing,
                   bool optional_cr, size_t pipeline);
void exchange_free(struct exchange *exchange);

// fibonacci(n) for n up to EXCHANGE_MAX_N, fibonacci(0) = fibonacci(1) = 1.
uint32_t exchange_fibonacci(unsigned n);

// The general case of reply_feed().
enum reply_state reply_feed_slowly(const struct exchange *exchange, struct reply *reply,
                                   const char *bytes, size_t size, size_t *used);

// Takes bytes that arrived into the reply. In line framing a reply ends at its line end, in bytes
// framing when as many are there as are expected, and `used` says how many bytes belong to it; in
// message framing it ends only with the connection.
static inline enum reply_state reply_feed(const struct exchange *exchange, struct reply *reply,
                                          const char *bytes, size_t size, size_t *used)
{
    if (exchange->is_plain && reply->seen == 0 && !reply->wrong && size >= exchange->reply_full &&
        __builtin_memcmp(bytes, exchange->reply, exchange->reply_full) == 0) {
        *used = exchange->reply_full;
        return REPLY_RIGHT;
    }
    return reply_feed_slowly(exchange, reply, bytes, size, used);
}

// The general case of reply_end().
enum reply_state reply_end_framed(const struct exchange *exchange, struct reply *reply);

// The connection has ended in order. REPLY_MORE: before the reply was complete.
static inline enum reply_state reply_end(const struct exchange *exchange, struct reply *reply)
{
    if (exchange->framing != FRAMING_MESSAGE)
        return reply_end_framed(exchange, reply);
    if (reply->wrong)
        return REPLY_WRONG;
    return reply->seen == exchange->reply_size ? REPLY_RIGHT : REPLY_MORE;
}

// Takes bytes into what a step of an opening expects. REPLY_LOST at the first wrong byte.
enum reply_state opening_feed(const struct opening *opening, struct reply *reply, const char *bytes,
                              size_t size, size_t *used);

// Bytes came behind what the step expects, where nothing was to come: they are what is wrong.
void opening_refuse(const struct opening *opening, struct reply *reply, const char *bytes,
                    size_t size);

void reply_reset_http(struct reply *reply);

// Makes ready for the next reply.
static inline void reply_reset(struct reply *reply)
{
    __builtin_memset(reply, 0, offsetof(struct reply, http));
    if (reply->http != NULL)
        reply_reset_http(reply);
}

// How a wrong reply differs from the one expected.
struct difference reply_difference(const struct exchange *exchange, const struct reply *reply);
