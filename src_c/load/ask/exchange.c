// SPDX-License-Identifier: BSD-3-Clause
// What is asked and what must come back, byte for byte. Pure: no sockets.
#include "load/ask/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "load/ask/http_wanted.h"

// Room for the copies of a request, unless one alone is longer.
static const size_t REQUESTS_SIZE = (size_t)256 * 1024;

// An empty text has no address.
static void copy(char *to, struct text text)
{
    if (text.size > 0)
        memcpy(to, text.bytes, text.size);
}

bool exchange_make(struct exchange *exchange, const struct ask *ask, enum framing framing,
                   bool optional_cr, size_t pipeline)
{
    size_t line_end = framing == FRAMING_LINE ? 1 : 0;
    struct exchange made = {
        .framing = framing,
        .is_plain =
            framing == FRAMING_LINE || (framing == FRAMING_BYTES && ask->expects == EXPECT_TEXT),
        .request_size = ask->send.size + line_end,
        .repeats = pipeline,
        .expects = ask->expects,
        .reply_size = ask->expects == EXPECT_LENGTH ? ask->length : ask->expected.size,
        .optional_cr = optional_cr && framing == FRAMING_LINE,
        .per_connection = framing == FRAMING_MESSAGE ? 1 : ask->per_connection,
        .openings = ask->openings,
        .opening_count = ask->opening_count,
    };

    made.reply_full = made.reply_size + line_end;
    if (made.repeats * made.request_size > REQUESTS_SIZE)
        made.repeats = REQUESTS_SIZE / made.request_size;
    if (made.repeats == 0)
        made.repeats = 1;
    made.requests = malloc(made.repeats * made.request_size + 1); // an idle one has no bytes
    made.reply = malloc(ask->expected.size + line_end + 1);
    if (framing == FRAMING_HTTP)
        made.http = http_wanted_make(ask);
    if (made.requests == NULL || made.reply == NULL ||
        (framing == FRAMING_HTTP && made.http == NULL)) {
        exchange_free(&made);
        return false;
    }
    for (size_t i = 0; i < made.repeats; i++) {
        copy(made.requests + i * made.request_size, ask->send);
        if (line_end)
            made.requests[i * made.request_size + ask->send.size] = '\n';
    }
    copy(made.reply, ask->expected);
    if (line_end)
        made.reply[made.reply_size] = '\n';
    *exchange = made;
    return true;
}

void exchange_free(struct exchange *exchange)
{
    free(exchange->requests);
    free(exchange->reply);
    free(exchange->http);
    exchange->http = NULL;
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

// Marks the reply as wrong; the end of what was right so far is part of what is shown.
static void turn_wrong(const char *expected, struct reply *reply)
{
    size_t from = reply->seen > WRONG_BEFORE ? reply->seen - WRONG_BEFORE : 0;

    reply->wrong = true;
    reply->got.at = reply->seen + (reply->cr_seen ? 1 : 0);
    reply->got.from = from;
    if (reply->seen > from)
        wrong_reply_keep(&reply->got, expected + from, reply->seen - from);
    if (reply->cr_seen)
        wrong_reply_keep(&reply->got, "\r", 1);
}

// Takes the bytes that agree with the expected text; returns how many they are.
static size_t match_text(struct text expected, struct reply *reply, const char *bytes, size_t size)
{
    size_t left = expected.size - reply->seen;
    size_t same = 0;

    if (size > left)
        size = left;
    while (same < size && bytes[same] == expected.bytes[reply->seen + same])
        same++;
    reply->seen += same;
    return same;
}

static struct text expected_text(const struct exchange *exchange)
{
    return (struct text){exchange->reply, exchange->reply_size};
}

// Reads past a wrong line up to its end.
static enum reply_state skip_line(struct reply *reply, const char *bytes, size_t size, size_t *used)
{
    const char *end = memchr(bytes, '\n', size);
    size_t text_size = end != NULL ? (size_t)(end - bytes) : size;

    wrong_reply_keep(&reply->got, bytes, text_size);
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
        *used = match_text(expected_text(exchange), reply, bytes, size);
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
        turn_wrong(exchange->reply, reply);
    }
    return skip_line(reply, bytes + *used, size - *used, used);
}

static enum reply_state feed_message(const struct exchange *exchange, struct reply *reply,
                                     const char *bytes, size_t size, size_t *used)
{
    size_t same = 0;

    *used = size;
    if (!reply->wrong) {
        same = match_text(expected_text(exchange), reply, bytes, size);
        if (same == size)
            return REPLY_MORE;
        turn_wrong(exchange->reply, reply);
    }
    wrong_reply_keep(&reply->got, bytes + same, size - same);
    if (reply->seen == exchange->reply_size)
        reply->surplus += size - same;
    reply->wrong_size += size - same;
    return reply->wrong_size > EXCHANGE_WRONG_MAX ? REPLY_LOST : REPLY_MORE;
}

// What was received of a reply in bytes framing, right or wrong.
static size_t received(const struct reply *reply) { return reply->seen + reply->wrong_size; }

static enum reply_state feed_bytes(const struct exchange *exchange, struct reply *reply,
                                   const char *bytes, size_t size, size_t *used)
{
    size_t left = exchange->reply_size - received(reply);
    size_t same = 0;

    if (size > left)
        size = left;
    *used = size;
    if (exchange->expects == EXPECT_LENGTH) {
        reply->seen += size;
    } else {
        if (!reply->wrong)
            same = match_text(expected_text(exchange), reply, bytes, size);
        if (same < size) {
            if (!reply->wrong)
                turn_wrong(exchange->reply, reply);
            wrong_reply_keep(&reply->got, bytes + same, size - same);
            reply->wrong_size += size - same;
        }
    }
    if (received(reply) < exchange->reply_size)
        return REPLY_MORE;
    return reply->wrong ? REPLY_WRONG : REPLY_RIGHT;
}

// Apart, so that messages cost no more than they need.
__attribute__((noinline)) static enum reply_state feed_framed(const struct exchange *exchange,
                                                              struct reply *reply,
                                                              const char *bytes, size_t size,
                                                              size_t *used)
{
    switch (exchange->framing) {
    case FRAMING_LINE:
        return feed_line(exchange, reply, bytes, size, used);
    case FRAMING_BYTES:
        return feed_bytes(exchange, reply, bytes, size, used);
    default:
        return http_wanted_feed(exchange->http, reply, bytes, size, used);
    }
}

enum reply_state reply_feed_slowly(const struct exchange *exchange, struct reply *reply,
                                   const char *bytes, size_t size, size_t *used)
{
    if (exchange->framing == FRAMING_MESSAGE)
        return feed_message(exchange, reply, bytes, size, used);
    return feed_framed(exchange, reply, bytes, size, used);
}

enum reply_state reply_end_framed(const struct exchange *exchange, struct reply *reply)
{
    return exchange->framing == FRAMING_HTTP ? http_wanted_end(exchange->http, reply) : REPLY_MORE;
}

// One line, whatever it says.
static enum reply_state feed_any_line(struct reply *reply, const char *bytes, size_t size,
                                      size_t *used)
{
    const char *end = memchr(bytes, '\n', size);

    *used = end != NULL ? (size_t)(end - bytes) + 1 : size;
    reply->seen += *used;
    if (end == NULL && reply->seen <= EXCHANGE_WRONG_MAX)
        return REPLY_MORE;
    if (reply->seen <= EXCHANGE_WRONG_MAX)
        return REPLY_RIGHT;
    reply->wrong = true;
    wrong_reply_keep(&reply->got, bytes, size);
    return REPLY_LOST;
}

enum reply_state opening_feed(const struct opening *opening, struct reply *reply, const char *bytes,
                              size_t size, size_t *used)
{
    if (opening->expects == EXPECT_LINE)
        return feed_any_line(reply, bytes, size, used);
    *used = match_text(opening->expected, reply, bytes, size);
    if (reply->seen == opening->expected.size)
        return REPLY_RIGHT;
    if (*used == size)
        return REPLY_MORE;
    turn_wrong(opening->expected.bytes, reply);
    wrong_reply_keep(&reply->got, bytes + *used, size - *used);
    return REPLY_LOST;
}

void opening_refuse(const struct opening *opening, struct reply *reply, const char *bytes,
                    size_t size)
{
    struct text expected = opening->expects == EXPECT_TEXT ? opening->expected : (struct text){0};

    reply_reset(reply);
    reply->seen = expected.size;
    turn_wrong(expected.bytes, reply);
    wrong_reply_keep(&reply->got, bytes, size);
}

void reply_reset_http(struct reply *reply) { http_reply_begin(reply->http); }

struct difference reply_difference(const struct exchange *exchange, const struct reply *reply)
{
    if (exchange->framing == FRAMING_HTTP)
        return http_wanted_difference(exchange->http, reply);
    return (struct difference){reply->got, exchange->reply, exchange->reply_size, NULL};
}
