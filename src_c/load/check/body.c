// SPDX-License-Identifier: BSD-3-Clause
// The body of a whole reply of HTTP, without its chunks. Pure.
#include "load/check/body.h"

#include <string.h>

#include "load/ask/http_reply.h"

// How many of the bytes that are left are of one part: of the body, or of what is about it.
static size_t piece_size(const struct http_reply *reply, size_t left)
{
    switch (reply->part) {
    case HTTP_COUNTED_BODY:
    case HTTP_CHUNK_BYTES:
        return reply->left < left ? (size_t)reply->left : left;
    case HTTP_LAST_BODY:
        return left;
    default: // lines, whose ends the reply finds
        return 1;
    }
}

size_t body_copy(const struct ask *ask, struct text reply, char *body)
{
    const struct http_expectation any = {
        .status = ask->status, .head = ask->head, .kind = BODY_ANY};
    struct http_reply read = {0};
    size_t copied = 0;
    enum reply_state state = REPLY_MORE;

    for (size_t at = 0; at < reply.size && state == REPLY_MORE;) {
        uint64_t before = read.body_size;
        size_t used;
        state = http_reply_feed(&any, &read, reply.bytes + at, piece_size(&read, reply.size - at),
                                &used);
        size_t of_body = (size_t)(read.body_size - before); // all of the piece, or nothing
        memcpy(body + copied, reply.bytes + at, of_body);
        copied += of_body;
        at += used;
    }
    return copied;
}
