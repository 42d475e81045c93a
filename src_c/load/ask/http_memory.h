// SPDX-License-Identifier: BSD-3-Clause
// The last reply of HTTP: one that has the same bytes, or the same head, need not be read again.
// Pure, as reading is: the same bytes have the same outcome.
#pragma once

#include "load/ask/http_reply.h"

enum { HTTP_MEMORY_SIZE = 4 * 1024 }; // of what is remembered

// One for each expectation, and for each thread; all zero in the beginning.
struct http_memory {
    size_t size;                  // of a right reply, after which the connection goes on; 0: none
    size_t head_size;             // of its head, or of one that had another body; 0: none
    struct http_reply after_head; // what had been seen then, without `got` and `line`
    char bytes[HTTP_MEMORY_SIZE];
};

// The general case of http_memory_feed().
enum reply_state http_memory_feed_other(const struct http_expectation *expectation,
                                        struct http_memory *memory, struct http_reply *reply,
                                        const char *bytes, size_t size, size_t *used);

// http_reply_feed(), and faster where a reply is the last one again: `reply` has not begun then,
// and the connection goes on.
static inline enum reply_state http_memory_feed(const struct http_expectation *expectation,
                                                struct http_memory *memory,
                                                struct http_reply *reply, const char *bytes,
                                                size_t size, size_t *used)
{
    if (memory->size > 0 && size >= memory->size && !http_reply_begun(reply) &&
        memcmp(bytes, memory->bytes, memory->size) == 0) {
        *used = memory->size;
        return REPLY_RIGHT;
    }
    return http_memory_feed_other(expectation, memory, reply, bytes, size, used);
}
