// SPDX-License-Identifier: BSD-3-Clause
// Replies of HTTP that never end, in any of their parts, are given up within bounds.
#include "load/ask/test-http.h"

enum { PIECE = 1000 };

// What comes before, over and over again, and what is then to become of it.
struct flood {
    const struct http_expectation *expectation;
    const char *before;
    const char *again; // NULL: a byte that is no character of a line
    size_t most;       // bytes that come
    const char *reason;
};

static const struct flood FLOODS[] = {
    {&ANY, "HTTP/1.1 200 ", "x", HTTP_HEAD_MAX + 1, "head is too long"},
    {&ANY, OK_LINE, "x", HTTP_HEAD_MAX + 1, "head is too long"},
    {&ANY, OK_LINE "X: ", "x", HTTP_HEAD_MAX + 1, "head is too long"},
    {&ANY, OK_LINE, "A:\n", HTTP_HEAD_MAX + 1, "head is too long"},
    {&ANY, OK_LINE, "Set-Cookie: name=value; Path=/\r\n", HTTP_HEAD_MAX + 1, "head is too long"},
    {&ANY, OK_LINE, "Connection: close\r\n", HTTP_HEAD_MAX + 1, "head is too long"},
    {&ANY, OK_LINE, "Content-Length: 5\r\n", HTTP_HEAD_MAX + 1, "head is too long"},
    {&ANY, OK_LINE "\r", "\r", HTTP_HEAD_MAX + 1, "head is too long"},
    {&ANY, OK_LINE "A:", NULL, HTTP_HEAD_MAX + 1, "head is too long"},
    {&ANY, CHUNKED "0\r\n", "A: b\r\n", HTTP_HEAD_MAX + 100, "head is too long"},
    {&ANY, CHUNKED "0\r\nA: ", "b", HTTP_HEAD_MAX + 100, "head is too long"},
    {&ANY, "", "HTTP/1.1 100 Continue\r\n\r\n", 250, "status 1xx"},
    {&ANY, "HTTP/1.1 102 Processing\r\n", "A: b\r\n", HTTP_HEAD_MAX + 1, "head is too long"},
    {&ANY, CHUNKED, "0", HTTP_CHUNK_LINE_MAX + 100, "size of a chunk is too long"},
    {&ANY, CHUNKED "1", " ", HTTP_CHUNK_LINE_MAX + 100, "size of a chunk is too long"},
    {&ANY, CHUNKED "1;", ";x=y", HTTP_CHUNK_LINE_MAX + 100, "size of a chunk is too long"},
    {&ANY, CHUNKED "1\r\na\r\n1;", "x", HTTP_CHUNK_LINE_MAX + 100, "size of a chunk is too long"},
    {&HELLO, OK_LINE "\r\n", "hello", HTTP_SURPLUS_MAX + 100, "its body is too long"},
    {&HELLO, OK_LINE "\r\n", "x", HTTP_SURPLUS_MAX + 100, "its body differs"},
    {&FIVE, OK_LINE "\r\n", "x", HTTP_SURPLUS_MAX + 100, "its body is too long"},
    {&FIVE, CHUNKED, "1\r\nx\r\n", (size_t)6 * (HTTP_SURPLUS_MAX + 100), "its body is too long"},
    {&EMPTY, OK_LINE "Content-Length: 9223372036854775807\r\n\r\n", "x", HTTP_SURPLUS_MAX + 100,
     "its body is too long"},
    {&HELLO, CHUNKED "7fffffffffffffff\r\n", "x", HTTP_SURPLUS_MAX + 100, "its body differs"},
    {&ANY, "HTTP/1.1 503 Busy\r\n\r\n", "x", HTTP_SURPLUS_MAX + 100, "its status differs"},
};

// A flood from its byte `at` on.
static void fill(const struct flood *flood, size_t at, char *bytes, size_t size)
{
    size_t before = strlen(flood->before);
    size_t length = flood->again != NULL ? strlen(flood->again) : 1;

    for (size_t i = 0; i < size; i++, at++) {
        if (at < before)
            bytes[i] = flood->before[at];
        else
            bytes[i] = flood->again != NULL ? flood->again[(at - before) % length] : '\x80';
    }
}

// Takes a flood in pieces until it is given up, or was to be.
static struct result take_flood(const struct flood *flood, size_t piece)
{
    struct result result = {.state = REPLY_MORE};
    char bytes[PIECE];

    while (result.used < flood->most && result.state == REPLY_MORE) {
        size_t used;
        fill(flood, result.used, bytes, piece);
        result.state = http_reply_feed(flood->expectation, &result.reply, bytes, piece, &used);
        result.used += used;
    }
    result.state_at_end = result.state;
    return result;
}

static void what_never_ends_is_given_up(void)
{
    for (size_t i = 0; i < sizeof FLOODS / sizeof *FLOODS; i++) {
        struct result one = take_flood(&FLOODS[i], PIECE);
        struct result other = take_flood(&FLOODS[i], 1);
        CHECK_NUMBER(one.state, REPLY_LOST);
        CHECK(is_same(&one, &other));
        CHECK(http_reply_closes(&one.reply));
        if (one.reply.reason == NULL || strstr(one.reply.reason, FLOODS[i].reason) == NULL) {
            CHECK_TEXT(FLOODS[i].before, "this flood");
            CHECK_TEXT(one.reply.reason != NULL ? one.reply.reason : "", FLOODS[i].reason);
        }
    }
}

static void a_body_that_may_be_any_has_an_end_as_well(void)
{
    static char bytes[1024 * 1024];
    const char *head = OK_LINE "\r\n";
    struct http_reply reply = {0};
    size_t used;

    http_reply_feed(&ANY, &reply, head, strlen(head), &used);
    for (size_t i = 0; i < HTTP_BODY_MAX / sizeof bytes; i++)
        CHECK_NUMBER(http_reply_feed(&ANY, &reply, bytes, sizeof bytes, &used), REPLY_MORE);
    CHECK_NUMBER(http_reply_feed(&ANY, &reply, bytes, 1, &used), REPLY_LOST);
    CHECK_TEXT(reply.reason, "its body does not end");
}

// Feeds a text, `count` times another, and a last one; in pieces of PIECE bytes.
static struct result feed_long(const struct http_expectation *expectation, const char *before,
                               const char *again, size_t count, const char *after)
{
    struct result result = {.state = REPLY_MORE};
    size_t again_size = strlen(again);
    size_t size = strlen(before) + count * again_size + strlen(after);
    char *bytes = malloc(size + 1);

    if (bytes == NULL)
        abort();
    memcpy(bytes, before, strlen(before));
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + strlen(before) + i * again_size, again, again_size);
    memcpy(bytes + size - strlen(after), after, strlen(after) + 1);
    while (result.used < size && result.state == REPLY_MORE) {
        size_t left = size - result.used;
        size_t used;
        result.state = feed_copy(expectation, &result.reply, bytes + result.used,
                                 left < PIECE ? left : PIECE, &used);
        result.used += used;
    }
    result.state_at_end = result.state;
    free(bytes);
    return result;
}

// Each bound, one below and one above it.
static void what_lies_within_the_bounds_is_read(void)
{
    size_t head = HTTP_HEAD_MAX - strlen(OK_LINE "A:\r\nContent-Length: 5\r\n\r\n");
    const char *hello = "\r\nContent-Length: 5\r\n\r\nhello";
    const char *interim = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n";
    const char *reply = OK_LINE "Content-Length: 5\r\n\r\nhello";
    size_t extension = HTTP_CHUNK_LINE_MAX - strlen("5;\r\n");
    const char *chunk = "\r\nhello\r\n0\r\n\r\n";
    size_t list = HTTP_LINE_KEPT - strlen("Connection:close\r");

    for (size_t above = 0; above < 2; above++) {
        enum reply_state wanted = above > 0 ? REPLY_LOST : REPLY_RIGHT;
        CHECK_NUMBER(feed_long(&HELLO, OK_LINE "A:", "x", head + above, hello).state, wanted);
        CHECK_NUMBER(feed_long(&HELLO, "", interim, HTTP_INTERIM_MAX + above, reply).state, wanted);
        CHECK_NUMBER(feed_long(&HELLO, CHUNKED "5;", "x", extension + above, chunk).state, wanted);
        CHECK_NUMBER(feed_long(&EMPTY, OK_LINE "Connection:", " ", list + above,
                               "close\r\nContent-Length: 0\r\n\r\n")
                         .state,
                     wanted);
        wanted = above > 0 ? REPLY_LOST : REPLY_WRONG;
        CHECK_NUMBER(
            feed_long(&HELLO, CHUNKED, "1\r\n#\r\n", 5 + HTTP_SURPLUS_MAX + above, "0\r\n\r\n")
                .state,
            wanted);
    }
}

// A right body may be longer than a wrong one that was not expected at all.
static void a_long_body_that_is_expected_is_read(void)
{
    size_t size = 1000000;
    struct http_expectation expectation = {.status = 2, .kind = BODY_LENGTH, .body_size = size};
    char *text = malloc(size);

    if (text == NULL)
        abort();
    memset(text, 'x', size);
    struct http_expectation same = {
        .status = 2, .kind = BODY_TEXT, .body = text, .body_size = size};
    const char *head = OK_LINE "Content-Length: 1000000\r\n\r\n";
    CHECK_NUMBER(feed_long(&expectation, head, "x", size, "").state, REPLY_RIGHT);
    CHECK_NUMBER(feed_long(&ANY, head, "x", size, "").state, REPLY_RIGHT);
    CHECK_NUMBER(feed_long(&same, head, "x", size, "").state, REPLY_RIGHT);
    text[1] = 'y'; // it is read to its end, and the connection goes on
    CHECK_NUMBER(feed_long(&same, head, "x", size, "").state, REPLY_WRONG);
    free(text);
}

// A field that matters not may be as long as the head, and its name is still looked at.
static void a_long_field_is_passed_over(void)
{
    const char *hello = "\r\nContent-Length: 5\r\n\r\nhello";

    CHECK_NUMBER(feed_long(&HELLO, OK_LINE "Content-Type:", "x", 60000, hello).state, REPLY_RIGHT);
    CHECK_NUMBER(feed_long(&HELLO, OK_LINE, "x", 60000, hello).state, REPLY_LOST);
    CHECK_NUMBER(feed_long(&HELLO, OK_LINE "Content-Length:", "0", 300, hello).state, REPLY_LOST);
}

// Checks that a head is the same wherever it is cut, and what becomes of it.
static void check_line(const char *begin, const char *again, size_t count, const char *end,
                       bool is_too_long)
{
    char bytes[3 * HTTP_LINE_KEPT];
    size_t used = (size_t)snprintf(bytes, sizeof bytes, OK_LINE "%s", begin);

    for (size_t i = 0; i < count; i++)
        bytes[used++] = *again;
    used += (size_t)snprintf(bytes + used, sizeof bytes - used, "%s\r\n\r\n", end);
    struct result whole = feed_cut(&ANY, bytes, used, NULL, 0);
    for (size_t cut = 0; cut <= used; cut++) {
        struct result pieces = feed_cut(&ANY, bytes, used, &cut, 1);
        CHECK(is_same(&whole, &pieces));
    }
    CHECK_NUMBER(whole.reply.fault == HTTP_USELESS && strstr(whole.reply.reason, "too long"),
                 is_too_long);
}

// Lines about as long as what is looked at.
static void a_line_of_any_length_can_be_cut(void)
{
    static const char *const ends[] = {"", "\r", ":", "\r0", "\r00000000000"};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        for (size_t size = HTTP_LINE_KEPT - 20; size < HTTP_LINE_KEPT + 3; size++) {
            size_t line_size = size + strlen(ends[i]) + 1; // with the "\r" that ends it
            bool is_too_long = line_size > HTTP_LINE_KEPT;
            check_line("", "0", size, ends[i], false);
            check_line("A:", "0", size - 2, ends[i], false);
            check_line("Connection:", ",", size - 11, ends[i], is_too_long);
            check_line("Content-Length:", "0", size - 15, ends[i], is_too_long);
        }
    }
}

int main(void)
{
    a_line_of_any_length_can_be_cut();
    what_never_ends_is_given_up();
    a_body_that_may_be_any_has_an_end_as_well();
    what_lies_within_the_bounds_is_read();
    a_long_body_that_is_expected_is_read();
    a_long_field_is_passed_over();
    return test_result();
}
