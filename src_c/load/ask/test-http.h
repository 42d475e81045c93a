// SPDX-License-Identifier: BSD-3-Clause
// Replies of HTTP/1.1, right, wrong and useless, and what becomes of them however they are cut.
#pragma once

#include <stdlib.h>

#include "core/test.h"
#include "load/ask/http_memory.h"

static const struct http_expectation ANY = {.status = 2, .kind = BODY_ANY};
static const struct http_expectation HELLO = {
    .status = 200, .kind = BODY_TEXT, .body = "hello", .body_size = 5};
static const struct http_expectation FIVE = {.status = 2, .kind = BODY_LENGTH, .body_size = 5};
static const struct http_expectation EMPTY = {
    .status = 2, .kind = BODY_TEXT, .body = "", .body_size = 0};
static const struct http_expectation TO_HEAD = {
    .status = 200, .head = true, .kind = BODY_TEXT, .body = "hello", .body_size = 5};
static const struct http_expectation NOT_CHANGED = {.status = 304, .kind = BODY_ANY};
static const struct http_expectation *const EXPECTATIONS[] = {&ANY,   &HELLO,   &FIVE,
                                                              &EMPTY, &TO_HEAD, &NOT_CHANGED};

enum { EXPECTATION_COUNT = sizeof EXPECTATIONS / sizeof *EXPECTATIONS };

// What became of a reply.
struct result {
    enum reply_state state;
    enum reply_state state_at_end; // if the connection ended then
    size_t used;
    struct http_reply reply;
};

// Takes the bytes through an exact copy, so that a sanitizer sees reading beyond them.
static inline enum reply_state feed_copy(const struct http_expectation *expectation,
                                         struct http_reply *reply, const char *bytes, size_t size,
                                         size_t *used)
{
    char *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL)
        abort();
    memcpy(copy, bytes, size);
    enum reply_state state = http_reply_feed(expectation, reply, copy, size, used);
    free(copy);
    CHECK(*used <= size);
    if (state == REPLY_MORE)
        CHECK_NUMBER(*used, size);
    return state;
}

// Feeds bytes in pieces that end at the cuts, which ascend, up to the end of the reply.
static inline struct result feed_cut(const struct http_expectation *expectation, const char *bytes,
                                     size_t size, const size_t *cuts, size_t count)
{
    struct result result = {.state = REPLY_MORE};

    for (size_t i = 0; i <= count && result.state == REPLY_MORE; i++) {
        size_t end = i < count ? cuts[i] : size;
        size_t used;
        result.state =
            feed_copy(expectation, &result.reply, bytes + result.used, end - result.used, &used);
        result.used += used;
    }
    result.state_at_end = result.state;
    if (result.state == REPLY_MORE)
        result.state_at_end = http_reply_end(expectation, &result.reply);
    return result;
}

static inline struct result feed_by_bytes(const struct http_expectation *expectation,
                                          const char *bytes, size_t size)
{
    struct result result = {.state = REPLY_MORE};

    while (result.used < size && result.state == REPLY_MORE) {
        size_t used;
        result.state = feed_copy(expectation, &result.reply, bytes + result.used, 1, &used);
        result.used += used;
    }
    result.state_at_end = result.state;
    if (result.state == REPLY_MORE)
        result.state_at_end = http_reply_end(expectation, &result.reply);
    return result;
}

// Whether what is shown is the same. What is no HTTP is given up as soon as that is seen: less of
// it has come, if it was cut.
static inline bool is_same_shown(const struct http_reply *one, const struct http_reply *other)
{
    const struct wrong_reply *got = &one->got;
    size_t size = other->got.size < got->size ? other->got.size : got->size;
    bool may_differ = strstr(one->reason, "does not begin with a status line") != NULL;

    return memcmp(got->bytes, other->got.bytes, size) == 0 &&
           (may_differ || (got->size == other->got.size && got->cut == other->got.cut &&
                           got->at == other->got.at && got->from == other->got.from));
}

// Whether two results are of the same reply.
static inline bool is_same(const struct result *one, const struct result *other)
{
    if (one->state != other->state || one->state_at_end != other->state_at_end ||
        one->reply.fault != other->reply.fault)
        return false;
    if (one->reply.fault != HTTP_RIGHT && (strcmp(one->reply.reason, other->reply.reason) != 0 ||
                                           !is_same_shown(&one->reply, &other->reply)))
        return false;
    return one->state == REPLY_LOST ||
           (one->used == other->used && one->reply.closes == other->reply.closes &&
            one->reply.body_size == other->reply.body_size &&
            one->reply.head.status == other->reply.head.status);
}

// One reply as a server sends it, and what it is beside what was expected.
struct http_case {
    const struct http_expectation *expectation;
    const char *bytes;
    size_t size;
    enum reply_state state; // after its last byte; REPLY_MORE: it ends with the connection
    enum reply_state state_at_end;
    bool closes;
    const char *reason; // a part of it
    const char *got;    // what is shown of it
};

#define BYTES(text) (text), sizeof(text) - 1
#define RIGHT(expectation, text)                                                                   \
    {&(expectation), BYTES(text), REPLY_RIGHT, REPLY_RIGHT, false, NULL, NULL}
#define RIGHT_CLOSES(expectation, text)                                                            \
    {&(expectation), BYTES(text), REPLY_RIGHT, REPLY_RIGHT, true, NULL, NULL}
#define RIGHT_AT_END(expectation, text)                                                            \
    {&(expectation), BYTES(text), REPLY_MORE, REPLY_RIGHT, true, NULL, NULL}
#define WRONG(expectation, text, reason, got)                                                      \
    {&(expectation), BYTES(text), REPLY_WRONG, REPLY_WRONG, false, (reason), (got)}
#define WRONG_AT_END(expectation, text, reason, got)                                               \
    {&(expectation), BYTES(text), REPLY_MORE, REPLY_WRONG, true, (reason), (got)}
#define LOST(text, reason, got) {&ANY, BYTES(text), REPLY_LOST, REPLY_LOST, true, (reason), (got)}
#define CUT(text) {&ANY, BYTES(text), REPLY_MORE, REPLY_MORE, false, NULL, NULL}

#define OK_LINE "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK_LINE "Transfer-Encoding: chunked\r\n\r\n"

static const struct http_case RIGHT_CASES[] = {
    RIGHT(HELLO, OK_LINE "Server: nginx/1.22.1\r\nDate: Mon, 30 Nov 2026 08:18:32 GMT\r\n"
                         "Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello"),
    RIGHT(HELLO, "HTTP/1.1 200 OK\ncontent-length:5\n\nhello"),
    RIGHT(HELLO, "HTTP/1.1 200\r\nCONTENT-LENGTH: \t 5 \t\r\n\r\nhello"),
    RIGHT(HELLO, "HTTP/1.1 200 \nX:\r\nContent-Length : 05\r\n\nhello"),
    RIGHT(HELLO, "HTTP/1.2 200 \xff\r\nContent-Length: 5, 5\r\ncontent-lengtH: 005\r\n\r\nhello"),
    RIGHT(HELLO, CHUNKED "5\r\nhello\r\n0\r\n\r\n"),
    RIGHT(HELLO, CHUNKED "002 \t\r\nhe\r\n1;a\r\nl\r\n2 ;b=\"c\"\r\nlo\r\n000;x\r\nA: b\r\nC:\n\n"),
    RIGHT(FIVE, OK_LINE "tRANSFER-eNCODING: , Chunked ,\r\n\r\n5\r\n\0\n\r\n\0\r\n0\r\n\r\n"),
    RIGHT(ANY, CHUNKED "1a\r\nabcdefghijklmnopqrstuvwxyz\r\nA\r\n0123456789\r\n0\r\n\r\n"),
    RIGHT(ANY, OK_LINE "Transfer-Encoding: gzip;q=1, chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n"),
    RIGHT(ANY, OK_LINE "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    RIGHT(EMPTY, "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"),
    RIGHT(EMPTY, OK_LINE "Content-Length: 0\r\n\r\n"),
    RIGHT(EMPTY, CHUNKED "0\r\n\r\n"),
    RIGHT(NOT_CHANGED, "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"),
    RIGHT(TO_HEAD, OK_LINE "Content-Length: 5\r\n\r\n"),
    RIGHT(TO_HEAD, OK_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    RIGHT(TO_HEAD, OK_LINE "\r\n"),
    RIGHT(HELLO, "HTTP/1.1 100 Continue\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"
                 "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
    RIGHT(EMPTY, OK_LINE "Connection: closed, xclose, c, clos, close;a\r\nContent-Length: 0\n\n"),
    RIGHT(EMPTY, OK_LINE "Connectio\r: close\r\nContent\rLength: 1\r\nContent-Length: 0\r\n\r\n"),
    RIGHT(HELLO, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello"),
    RIGHT(EMPTY, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive, TE\r\nContent-Length: 0\r\n\r\n"),
    RIGHT_CLOSES(HELLO, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
    RIGHT_CLOSES(EMPTY, OK_LINE "Content-Length: 0\r\nConnection: close, TE\r\n\r\n"),
    RIGHT_CLOSES(EMPTY, OK_LINE "Content-Length: 0\r\nConnection: TE\t,\tCLOSE\r\n\r\n"),
    RIGHT_CLOSES(EMPTY, OK_LINE "Connection: keep-alive, ,\r\nConnection:close\r\n"
                                "Content-Length: 0\r\n\r\n"),
    RIGHT_CLOSES(EMPTY, OK_LINE "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    RIGHT_CLOSES(EMPTY, "HTTP/1.0 204 No Content\n\n"),
    RIGHT_AT_END(HELLO, OK_LINE "\r\nhello"),
    RIGHT_AT_END(HELLO, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello"),
    RIGHT_AT_END(FIVE, OK_LINE "Transfer-Encoding: chunked, gzip\r\n\r\n5\r\n\r\n"),
    RIGHT_AT_END(EMPTY, OK_LINE "\n"),
};

static const struct http_case WRONG_CASES[] = {
    WRONG(HELLO, "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello", "status",
          "HTTP/1.1 404 Not Found"),
    WRONG(HELLO, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", "status",
          "HTTP/1.1 201 Created"),
    WRONG(ANY, "HTTP/1.1 302\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", "status",
          "HTTP/1.1 302"),
    WRONG(TO_HEAD, "HTTP/1.1 999 x\r\nContent-Length: 5\r\n\r\n", "status", "HTTP/1.1 999 x"),
    WRONG(HELLO, OK_LINE "Content-Length: 5\r\n\r\nhellO", "body differs", "hellO"),
    WRONG(HELLO, OK_LINE "Content-Length: 5\r\n\r\nHello", "body differs", "Hello"),
    WRONG(HELLO, OK_LINE "Content-Length: 7\r\n\r\nhelp!\n\n", "body differs", "help!\n\n"),
    WRONG(HELLO, OK_LINE "Content-Length: 4\r\n\r\nhell", "too short", "hell"),
    WRONG(HELLO, OK_LINE "Content-Length: 0\r\n\r\n", "too short", ""),
    WRONG(HELLO, OK_LINE "Content-Length: 7\r\n\r\nhello\r\n", "too long", "hello\r\n"),
    WRONG(HELLO, CHUNKED "4\r\nhell\r\n0\r\n\r\n", "too short", "hell"),
    WRONG(HELLO, CHUNKED "3\r\nhel\r\n3\r\nlo!\r\n1\r\n!\r\n0\r\n\r\n", "too long", "hello!!"),
    WRONG(HELLO, CHUNKED "1\r\nh\r\n2\r\nal\r\n1\r\nl\r\n0\r\n\r\n", "body differs", "hall"),
    WRONG(HELLO, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n",
          "body differs", "z"),
    WRONG(EMPTY, OK_LINE "Content-Length: 1\r\n\r\nx", "too long", "x"),
    WRONG(FIVE, OK_LINE "Content-Length: 4\r\n\r\n1234", "too short", ""),
    WRONG(FIVE, OK_LINE "Content-Length: 7\r\n\r\n1234567", "too long", "67"),
    WRONG(FIVE, "HTTP/1.1 204 No Content\r\n\r\n", "too short", ""),
    WRONG_AT_END(HELLO, OK_LINE "\r\nhell", "too short", "hell"),
    WRONG_AT_END(HELLO, OK_LINE "\r\nhello\n", "too long", "hello\n"),
    WRONG_AT_END(HELLO, "HTTP/1.1 500 Oh\r\n\r\nhello", "status", "HTTP/1.1 500 Oh"),
};
