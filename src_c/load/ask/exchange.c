// SPDX-License-Identifier: BSD-3-Clause
// What is asked and what must come back, byte for byte. Pure: no sockets.
#include "load/ask/exchange.h"

#include <stdlib.h>
#include <string.h>

// Room for the copies of a request, unless one alone is longer.
static const size_t REQUESTS_SIZE = (size_t)256 * 1024;

bool exchange_make(struct exchange *exchange, enum framing framing, const char *request,
                   const char *reply, bool optional_cr, size_t pipeline)
{
    size_t line_end = framing == FRAMING_LINE ? 1 : 0;
    size_t text_size = strlen(request);
    struct exchange made = {
        .framing = framing,
        .request_size = text_size + line_end,
        .repeats = pipeline,
        .reply_size = strlen(reply),
        .reply_full = strlen(reply) + line_end,
        .optional_cr = optional_cr && framing == FRAMING_LINE,
    };

    if (made.repeats * made.request_size > REQUESTS_SIZE)
        made.repeats = REQUESTS_SIZE / made.request_size;
    if (made.repeats == 0)
        made.repeats = 1;
    made.requests = malloc(made.repeats * made.request_size);
    made.reply = malloc(made.reply_full + 1);
    if (made.requests == NULL || made.reply == NULL) {
        exchange_free(&made);
        return false;
    }
    for (size_t i = 0; i < made.repeats; i++) {
        memcpy(made.requests + i * made.request_size, request, text_size);
        if (line_end)
            made.requests[i * made.request_size + text_size] = '\n';
    }
    memcpy(made.reply, reply, made.reply_size);
    if (line_end)
        made.reply[made.reply_size] = '\n';
    *exchange = made;
    return true;
}

void exchange_free(struct exchange *exchange)
{
    free(exchange->requests);
    free(exchange->reply);
    exchange->requests = NULL;
    exchange->reply = NULL;
}

uint32_t exchange_fibonacci(unsigned n)
{
    uint32_t current = 1;
    uint32_t next = 1;

    for (; n > 0; n--) {
        uint32_t sum = current + next;
        current = next;
        next = sum;
    }
    return current;
}

// Keeps more of a wrong reply, to be shown.
static void keep(struct wrong_reply *got, const char *bytes, size_t size)
{
    size_t room = sizeof got->bytes - got->size;

    if (size > room) {
        got->cut = true;
        size = room;
    }
    memcpy(got->bytes + got->size, bytes, size);
    got->size += size;
}

// Marks the reply as wrong; the end of what was right so far is part of what is shown.
static void turn_wrong(const struct exchange *exchange, struct reply *reply)
{
    size_t from = reply->seen > WRONG_BEFORE ? reply->seen - WRONG_BEFORE : 0;

    reply->wrong = true;
    reply->got.at = reply->seen + (reply->cr_seen ? 1 : 0);
    reply->got.from = from;
    keep(&reply->got, exchange->reply + from, reply->seen - from);
    if (reply->cr_seen)
        keep(&reply->got, "\r", 1);
}

// Takes the bytes that agree with the expected text; returns how many they are.
static size_t match_text(const struct exchange *exchange, struct reply *reply, const char *bytes,
                         size_t size)
{
    size_t left = exchange->reply_size - reply->seen;
    const char *expected = exchange->reply + reply->seen;
    size_t same = 0;

    if (size > left)
        size = left;
    while (same < size && bytes[same] == expected[same])
        same++;
    reply->seen += same;
    return same;
}

// Reads past a wrong line up to its end.
static enum reply_state skip_line(struct reply *reply, const char *bytes, size_t size, size_t *used)
{
    const char *end = memchr(bytes, '\n', size);
    size_t text_size = end != NULL ? (size_t)(end - bytes) : size;

    keep(&reply->got, bytes, text_size);
    reply->wrong_size += text_size;
    *used += end != NULL ? text_size + 1 : text_size;
    if (end != NULL)
        return REPLY_WRONG;
    return reply->wrong_size > EXCHANGE_WRONG_MAX ? REPLY_LOST : REPLY_MORE;
}

static enum reply_state feed_line(const struct exchange *exchange, struct reply *reply,
                                  const char *bytes, size_t size, size_t *used)
{
    *used = 0;
    if (!reply->wrong) {
        *used = match_text(exchange, reply, bytes, size);
        if (*used == size)
            return REPLY_MORE;
        if (reply->seen == exchange->reply_size) {
            if (exchange->optional_cr && !reply->cr_seen && bytes[*used] == '\r') {
                reply->cr_seen = true;
                if (++*used == size)
                    return REPLY_MORE;
            }
            if (bytes[*used] == '\n') {
                ++*used;
                return REPLY_RIGHT;
            }
        }
        turn_wrong(exchange, reply);
    }
    return skip_line(reply, bytes + *used, size - *used, used);
}

static enum reply_state feed_message(const struct exchange *exchange, struct reply *reply,
                                     const char *bytes, size_t size, size_t *used)
{
    size_t same = 0;

    *used = size;
    if (!reply->wrong) {
        same = match_text(exchange, reply, bytes, size);
        if (same == size)
            return REPLY_MORE;
        turn_wrong(exchange, reply);
    }
    keep(&reply->got, bytes + same, size - same);
    if (reply->seen == exchange->reply_size)
        reply->surplus += size - same;
    reply->wrong_size += size - same;
    return reply->wrong_size > EXCHANGE_WRONG_MAX ? REPLY_LOST : REPLY_MORE;
}

enum reply_state reply_feed_slowly(const struct exchange *exchange, struct reply *reply,
                                   const char *bytes, size_t size, size_t *used)
{
    return exchange->framing == FRAMING_LINE ? feed_line(exchange, reply, bytes, size, used)
                                             : feed_message(exchange, reply, bytes, size, used);
}

enum reply_state reply_end(const struct exchange *exchange, const struct reply *reply)
{
    if (reply->wrong)
        return REPLY_WRONG;
    return reply->seen == exchange->reply_size ? REPLY_RIGHT : REPLY_MORE;
}
