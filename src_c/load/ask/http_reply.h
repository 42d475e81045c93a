// SPDX-License-Identifier: BSD-3-Clause
// A reply of HTTP/1.1, as its bytes come in, beside the one that is expected (RFC 9112). Pure: no
// sockets, no memory of its own.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "load/ask/http_chunk.h"
#include "load/ask/http_head.h"
#include "load/ask/reply.h"

enum {
    HTTP_HEAD_MAX = 64 * 1024,          // bytes of a reply's heads and trailers, line ends included
    HTTP_INTERIM_MAX = 8,               // replies of status 1xx before it
    HTTP_BODY_MAX = 1024 * 1024 * 1024, // bytes of a body that may be any
    HTTP_SURPLUS_MAX = 64 * 1024,       // a wrong body may be so much longer than the right one
};

enum http_body {
    BODY_ANY,    // up to HTTP_BODY_MAX
    BODY_TEXT,   // every byte
    BODY_LENGTH, // any so many bytes
};

struct http_expectation {
    unsigned status; // 200; or 2 for any 2xx
    bool head;       // the request is HEAD: the reply has no body, and none is compared
    enum http_body kind;
    const char *body;
    size_t body_size; // of a text or a length
};

enum http_part {
    HTTP_STATUS_LINE,
    HTTP_FIELDS,
    HTTP_COUNTED_BODY,
    HTTP_CHUNK_LINE,
    HTTP_CHUNK_BYTES,
    HTTP_TRAILERS,
    HTTP_LAST_BODY, // ends with the connection
    HTTP_OVER,
};

// What is wrong with a reply; what is shown of it depends on that.
enum http_fault {
    HTTP_RIGHT,
    HTTP_OTHER_STATUS, // its status line, or the begin of it
    HTTP_OTHER_BODY,   // its body about the first byte that differs
    HTTP_USELESS,      // the line that is at fault, or the begin of it
};

// How much of one reply has been seen, those of status 1xx before it included. All zero at its
// beginning, or http_reply_begin().
struct http_reply {
    enum http_part part;
    enum http_fault fault; // the first
    const char *reason;    // the same in words, as part of a sentence: "its body differs"
    bool closes;
    bool line_has_nul;
    unsigned interims;  // of status 1xx
    size_t head_size;   // bytes of its heads and trailers so far
    size_t line_size;   // bytes of the line that is arriving
    uint64_t left;      // bytes of the body, or of the chunk, that are ahead
    uint64_t body_size; // bytes of the body so far
    struct http_head head;
    struct http_chunk chunk;

    // These are written before they are read.
    struct wrong_reply got; // if there is a fault
    char line[HTTP_LINE_KEPT];
};

// A connection is new, or a reply is complete: another one is ahead.
static inline void http_reply_begin(struct http_reply *reply)
{
    memset(reply, 0, offsetof(struct http_reply, got));
}

static inline bool http_reply_begun(const struct http_reply *reply) { return reply->head_size > 0; }

// Takes bytes that arrived into the reply; `used` says how many of them belong to it. What came is
// the same however it was cut; only of what is no HTTP at all more or less may be shown. After
// REPLY_LOST nothing that comes on the connection has a meaning, and all bytes are used.
enum reply_state http_reply_feed(const struct http_expectation *expectation,
                                 struct http_reply *reply, const char *bytes, size_t size,
                                 size_t *used);

// The same, but no further than to the body of the reply, if it has one: `part` is beyond
// HTTP_FIELDS then.
enum reply_state http_reply_feed_head(const struct http_expectation *expectation,
                                      struct http_reply *reply, const char *bytes, size_t size,
                                      size_t *used);

// The connection has ended in order. REPLY_MORE: before the reply was complete, or began.
enum reply_state http_reply_end(const struct http_expectation *expectation,
                                struct http_reply *reply);

// Whether the server says that it closes the connection after this reply, which is complete.
static inline bool http_reply_closes(const struct http_reply *reply) { return reply->closes; }
