// SPDX-License-Identifier: BSD-3-Clause
// How far one reply has come, whatever its framing, and what became of it.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "load/count/accounting.h"

struct http_reply;
struct http_memory;

// How much of one reply has been seen. All zero at its beginning.
struct reply {
    size_t seen; // bytes that were right
    bool cr_seen;
    bool wrong;
    size_t wrong_size; // bytes from the first wrong one on
    size_t surplus;    // message framing: bytes after a full reply
    bool closes;       // HTTP: the server says that it closes the connection after it
    struct wrong_reply got;

    // HTTP: what has been seen of it instead, and the last one that was right; they stay.
    struct http_reply *http;
    struct http_memory *memory;
};

enum reply_state {
    REPLY_MORE,  // not complete
    REPLY_RIGHT, // complete
    REPLY_WRONG, // complete, and another one than expected
    REPLY_LOST,  // wrong, and without an end in sight: the connection is of no more use
};

static inline bool reply_begun(const struct reply *reply)
{
    return reply->seen > 0 || reply->cr_seen || reply->wrong;
}
