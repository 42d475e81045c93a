// SPDX-License-Identifier: BSD-3-Clause
// The reply of HTTP that an exchange expects, and how it stands with one that comes (http_reply.h).
#include "load/ask/http_wanted.h"

#include <stdio.h>
#include <stdlib.h>

struct http_wanted *http_wanted_make(const struct ask *ask)
{
    struct http_wanted *wanted = calloc(1, sizeof *wanted);

    if (wanted == NULL)
        return NULL;
    wanted->expectation.status = ask->status;
    wanted->expectation.head = ask->head;
    if (ask->status == STATUS_SUCCESS)
        snprintf(wanted->status_line, sizeof wanted->status_line, "HTTP/1.1 2xx");
    else
        snprintf(wanted->status_line, sizeof wanted->status_line, "HTTP/1.1 %u", ask->status);
    switch (ask->expects) {
    case EXPECT_TEXT:
        wanted->expectation.kind = BODY_TEXT;
        wanted->expectation.body = ask->expected.bytes;
        wanted->expectation.body_size = ask->expected.size;
        break;
    case EXPECT_LENGTH:
        wanted->expectation.kind = BODY_LENGTH;
        wanted->expectation.body_size = ask->length;
        break;
    default:
        wanted->expectation.kind = BODY_ANY;
    }
    return wanted;
}

// Has the reply say what others look at.
static enum reply_state tell(struct reply *reply, enum reply_state state)
{
    const struct http_reply *http = reply->http;

    reply->seen = http_reply_begun(http) || state != REPLY_MORE; // which has it reset
    reply->wrong = http->fault != HTTP_RIGHT;
    reply->closes = state != REPLY_MORE && http_reply_closes(http);
    return state;
}

enum reply_state http_wanted_feed(const struct http_wanted *wanted, struct reply *reply,
                                  const char *bytes, size_t size, size_t *used)
{
    return tell(reply, http_memory_feed(&wanted->expectation, reply->memory, reply->http, bytes,
                                        size, used));
}

enum reply_state http_wanted_end(const struct http_wanted *wanted, struct reply *reply)
{
    enum reply_state state = http_reply_end(&wanted->expectation, reply->http);

    if (state != REPLY_MORE) {
        tell(reply, state);
        reply->closes = true;
    }
    return state;
}

struct difference http_wanted_difference(const struct http_wanted *wanted,
                                         const struct reply *reply)
{
    const struct http_reply *http = reply->http;
    struct difference found = {.got = http->got, .reason = http->reason};

    if (http->fault == HTTP_OTHER_STATUS) {
        found.expected = wanted->status_line;
        found.expected_size = strlen(wanted->status_line);
    } else if (http->fault == HTTP_OTHER_BODY && wanted->expectation.kind == BODY_TEXT) {
        found.expected = wanted->expectation.body;
        found.expected_size = wanted->expectation.body_size;
    }
    return found;
}
