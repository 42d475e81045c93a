// SPDX-License-Identifier: BSD-3-Clause
// Replies are compared byte for byte, however they are cut into pieces.
#include <stdlib.h>

#include "core/test.h"
#include "load/ask/exchange.h"

// Feeds bytes in pieces of at most `piece`, through exact copies, so that a sanitizer sees reading
// beyond them. Returns the state after the first complete reply, and how many bytes it took.
static enum reply_state feed(const struct exchange *exchange, struct reply *reply,
                             const char *bytes, size_t size, size_t piece, size_t *taken)
{
    *taken = 0;
    while (*taken < size) {
        size_t length = size - *taken < piece ? size - *taken : piece;
        char *copy = malloc(length);
        size_t used = 0;
        if (copy == NULL)
            abort();
        memcpy(copy, bytes + *taken, length);
        enum reply_state state = reply_feed(exchange, reply, copy, length, &used);
        free(copy);
        CHECK(used <= length);
        *taken += used;
        if (state != REPLY_MORE)
            return state;
        CHECK_NUMBER(used, length);
    }
    return REPLY_MORE;
}

static bool make(struct exchange *exchange, enum framing framing, const char *request,
                 const char *expect, bool optional_cr, size_t pipeline)
{
    const struct ask ask = {.send = {request, strlen(request)},
                            .expects = EXPECT_TEXT,
                            .expected = {expect, strlen(expect)}};

    return exchange_make(exchange, &ask, framing, optional_cr, pipeline);
}

// Checks what becomes of bytes in line framing, for every length of the pieces.
static void check_line(const char *expect, bool optional_cr, const char *bytes,
                       enum reply_state wanted, size_t wanted_taken, const char *wanted_got)
{
    struct exchange exchange;

    if (!make(&exchange, FRAMING_LINE, "q", expect, optional_cr, 1))
        abort();
    for (size_t piece = 1; piece <= strlen(bytes); piece++) {
        struct reply reply = {0};
        size_t taken;
        CHECK_NUMBER(feed(&exchange, &reply, bytes, strlen(bytes), piece, &taken), wanted);
        CHECK_NUMBER(taken, wanted_taken);
        if (wanted_got != NULL)
            CHECK_BYTES(reply.got.bytes, reply.got.size, wanted_got, strlen(wanted_got));
    }
    exchange_free(&exchange);
}

static void a_line_is_right_only_as_a_whole(void)
{
    check_line("832040", false, "832040\n", REPLY_RIGHT, 7, NULL);
    check_line("832040", false, "832040\n832040\n", REPLY_RIGHT, 7, NULL);
    check_line("832040", false, "832040", REPLY_MORE, 6, NULL);
    check_line("832040", false, "832041\n", REPLY_WRONG, 7, "832041");
    check_line("832040", false, "8320401\nx", REPLY_WRONG, 8, "8320401");
    check_line("832040", false, "83204\nx", REPLY_WRONG, 6, "83204");
    check_line("832040", false, "\nx", REPLY_WRONG, 1, "");
    check_line("832040", false, "error\n", REPLY_WRONG, 6, "error");
    check_line("832040", false, " 832040\n", REPLY_WRONG, 8, " 832040");
}

static void a_carriage_return_is_accepted_only_where_it_may_be(void)
{
    check_line("+PONG", true, "+PONG\r\n", REPLY_RIGHT, 7, NULL);
    check_line("+PONG", true, "+PONG\n", REPLY_RIGHT, 6, NULL);
    check_line("+PONG", true, "+PONG\r\r\n", REPLY_WRONG, 8, "+PONG\r\r");
    check_line("+PONG", true, "+PONG\rx\n", REPLY_WRONG, 8, "+PONG\rx");
    check_line("+PONG", true, "+PO\rNG\n", REPLY_WRONG, 7, "+PO\rNG");
    check_line("89", false, "89\r\n", REPLY_WRONG, 4, "89\r");
}

static void an_empty_line_can_be_expected(void)
{
    check_line("", true, "\nx", REPLY_RIGHT, 1, NULL);
    check_line("", true, "\r\nx", REPLY_RIGHT, 2, NULL);
    check_line("", true, "a\n", REPLY_WRONG, 2, "a");
}

static void a_wrong_line_without_an_end_is_given_up(void)
{
    struct exchange exchange;
    struct reply reply = {0};
    static char flood[EXCHANGE_WRONG_MAX + 2];
    size_t used;

    if (!make(&exchange, FRAMING_LINE, "q", "1", false, 1))
        abort();
    memset(flood, 'x', sizeof flood);
    CHECK_NUMBER(reply_feed(&exchange, &reply, flood, 100, &used), REPLY_MORE);
    CHECK_NUMBER(reply_feed(&exchange, &reply, flood, sizeof flood - 50, &used), REPLY_LOST);
    CHECK_NUMBER(reply.got.size, WRONG_SHOWN);
    CHECK(reply.got.cut);
    exchange_free(&exchange);
}

// Checks what is kept of a wrong reply to which all but its byte `at` was expected.
static void check_kept(size_t length, size_t at, enum framing framing, size_t wanted_from)
{
    char expected[EXCHANGE_TEXT_MAX] = "";
    char bytes[EXCHANGE_TEXT_MAX];
    struct exchange exchange;
    struct reply reply = {0};
    size_t used;

    for (size_t i = 0; i < length; i++)
        expected[i] = (char)('a' + i % 26);
    memcpy(bytes, expected, length + 1);
    bytes[at] = '#';
    bytes[length] = '\n';
    if (!make(&exchange, framing, "q", expected, false, 1))
        abort();
    reply_feed(&exchange, &reply, bytes, length + (framing == FRAMING_LINE ? 1 : 0), &used);
    CHECK(reply.wrong);
    CHECK_NUMBER(reply.got.at, at);
    CHECK_NUMBER(reply.got.from, wanted_from);
    CHECK(reply.got.at - reply.got.from < reply.got.size);
    CHECK_NUMBER(reply.got.bytes[at - wanted_from], '#');
    CHECK_BYTES(reply.got.bytes, reply.got.size, bytes + wanted_from, reply.got.size);
    exchange_free(&exchange);
}

static void what_is_kept_of_a_wrong_reply_has_the_byte_that_differs(void)
{
    static const size_t lengths[] = {1, 2, 63, 64, 65, 66, 100, 1000, EXCHANGE_TEXT_MAX - 1};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t length = lengths[i];
        for (size_t at = 0; at < length; at += at < 200 ? 1 : 997) {
            size_t from = at > WRONG_BEFORE ? at - WRONG_BEFORE : 0;
            check_kept(length, at, FRAMING_LINE, from);
            check_kept(length, at, FRAMING_MESSAGE, from);
        }
    }
}

// Checks what a message is when the connection has ended after it.
static void check_message(const char *bytes, enum reply_state wanted, size_t wanted_surplus,
                          const char *wanted_got)
{
    struct exchange exchange;

    if (!make(&exchange, FRAMING_MESSAGE, "q", "89", true, 1))
        abort();
    for (size_t piece = 1; piece <= strlen(bytes) + 1; piece++) {
        struct reply reply = {0};
        size_t taken;
        CHECK_NUMBER(feed(&exchange, &reply, bytes, strlen(bytes), piece, &taken), REPLY_MORE);
        CHECK_NUMBER(reply_end(&exchange, &reply), wanted);
        CHECK_NUMBER(reply.surplus, wanted_surplus);
        CHECK_BYTES(reply.got.bytes, reply.got.size, wanted_got, strlen(wanted_got));
    }
    exchange_free(&exchange);
}

static void a_message_ends_with_its_connection(void)
{
    check_message("89", REPLY_RIGHT, 0, "");
    check_message("", REPLY_MORE, 0, "");
    check_message("8", REPLY_MORE, 0, "");
    check_message("90", REPLY_WRONG, 0, "90");
    check_message("89\n", REPLY_WRONG, 1, "89\n");
    check_message("8989", REPLY_WRONG, 2, "8989");
    check_message("x", REPLY_WRONG, 0, "x");
}

// Checks what becomes of bytes in bytes framing, for every length of the pieces.
static void check_bytes(struct ask ask, struct text bytes, enum reply_state wanted,
                        size_t wanted_taken, struct text wanted_got)
{
    struct exchange exchange;

    if (!exchange_make(&exchange, &ask, FRAMING_BYTES, false, 1))
        abort();
    for (size_t piece = 1; piece <= bytes.size; piece++) {
        struct reply reply = {0};
        size_t taken;
        CHECK_NUMBER(feed(&exchange, &reply, bytes.bytes, bytes.size, piece, &taken), wanted);
        CHECK_NUMBER(taken, wanted_taken);
        CHECK_BYTES(reply.got.bytes, reply.got.size, wanted_got.bytes, wanted_got.size);
        CHECK_NUMBER(reply_end(&exchange, &reply), REPLY_MORE);
    }
    exchange_free(&exchange);
}

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

static void bytes_are_a_reply_when_as_many_are_there(void)
{
    const struct ask ask = {
        .send = TEXT("q"), .expects = EXPECT_TEXT, .expected = TEXT("\0\1\n\377")};
    const struct ask any = {.send = TEXT("q"), .expects = EXPECT_LENGTH, .length = 4};

    check_bytes(ask, TEXT("\0\1\n\377"), REPLY_RIGHT, 4, TEXT(""));
    check_bytes(ask, TEXT("\0\1\n\377\0\1"), REPLY_RIGHT, 4, TEXT(""));
    check_bytes(ask, TEXT("\0\1\n"), REPLY_MORE, 3, TEXT(""));
    check_bytes(ask, TEXT("\0\1\n\376+"), REPLY_WRONG, 4, TEXT("\0\1\n\376"));
    check_bytes(ask, TEXT("\0\2\0\0+"), REPLY_WRONG, 4, TEXT("\0\2\0\0"));
    check_bytes(ask, TEXT("abcd"), REPLY_WRONG, 4, TEXT("abcd"));
    check_bytes(ask, TEXT("abcdefgh"), REPLY_WRONG, 4, TEXT("abcd"));
    check_bytes(ask, TEXT("abc"), REPLY_MORE, 3, TEXT("abc"));
    check_bytes(any, TEXT("\0\0\0\0\0"), REPLY_RIGHT, 4, TEXT(""));
    check_bytes(any, TEXT("\n\n\n"), REPLY_MORE, 3, TEXT(""));
}

// Checks what becomes of the bytes that a step of an opening is met with.
static void check_opening(struct opening opening, struct text bytes, enum reply_state wanted,
                          size_t wanted_taken, size_t wanted_at)
{
    for (size_t piece = 1; piece <= bytes.size; piece++) {
        struct reply reply = {0};
        enum reply_state state = REPLY_MORE;
        size_t taken = 0;
        while (taken < bytes.size && state == REPLY_MORE) {
            size_t used = 0;
            size_t size = bytes.size - taken < piece ? bytes.size - taken : piece;
            state = opening_feed(&opening, &reply, bytes.bytes + taken, size, &used);
            taken += used;
        }
        CHECK_NUMBER(state, wanted);
        CHECK_NUMBER(taken, wanted_taken);
        CHECK_NUMBER(reply.got.at, wanted_at);
        CHECK(reply.wrong == (wanted == REPLY_LOST));
    }
}

static void an_opening_is_right_byte_for_byte_or_any_line(void)
{
    const struct opening text = {.expects = EXPECT_TEXT, .expected = TEXT("+OK\r\n")};
    const struct opening line = {.expects = EXPECT_LINE};
    static char flood[EXCHANGE_WRONG_MAX + 2];
    struct reply reply = {0};
    size_t used;

    check_opening(text, TEXT("+OK\r\n"), REPLY_RIGHT, 5, 0);
    check_opening(text, TEXT("+OK\r\nPONG"), REPLY_RIGHT, 5, 0);
    check_opening(text, TEXT("+OK\r"), REPLY_MORE, 4, 0);
    check_opening(text, TEXT("+OX\r\n"), REPLY_LOST, 2, 2);
    check_opening(text, TEXT("-ERR"), REPLY_LOST, 0, 0);
    check_opening(line, TEXT("220 \0hello\r\nx"), REPLY_RIGHT, 12, 0);
    check_opening(line, TEXT("\nx"), REPLY_RIGHT, 1, 0);
    check_opening(line, TEXT("220"), REPLY_MORE, 3, 0);
    memset(flood, 'x', sizeof flood);
    CHECK_NUMBER(opening_feed(&line, &reply, flood, 100, &used), REPLY_MORE);
    CHECK_NUMBER(opening_feed(&line, &reply, flood, sizeof flood - 50, &used), REPLY_LOST);
    CHECK(reply.got.cut);
}

static void what_comes_behind_an_opening_is_what_is_shown(void)
{
    const struct opening text = {.expects = EXPECT_TEXT, .expected = TEXT("+OK\r\n")};
    const struct opening line = {.expects = EXPECT_LINE};
    struct reply reply = {.seen = 3};

    opening_refuse(&text, &reply, "more", 4);
    CHECK_NUMBER(reply.got.at, 5);
    CHECK_BYTES(reply.got.bytes, reply.got.size, "+OK\r\nmore", 9);
    opening_refuse(&line, &reply, "more", 4);
    CHECK_NUMBER(reply.got.at, 0);
    CHECK_BYTES(reply.got.bytes, reply.got.size, "more", 4);
}

static void requests_stand_on_end(void)
{
    struct exchange exchange;

    if (!make(&exchange, FRAMING_LINE, "30", "1346269", false, 3))
        abort();
    CHECK_NUMBER(exchange.repeats, 3);
    CHECK_BYTES(exchange.requests, exchange.repeats * exchange.request_size, "30\n30\n30\n", 9);
    exchange_free(&exchange);
    if (!make(&exchange, FRAMING_MESSAGE, "30", "1346269", false, 1))
        abort();
    CHECK_BYTES(exchange.requests, exchange.repeats * exchange.request_size, "30", 2);
    exchange_free(&exchange);
}

static void long_requests_are_repeated_only_within_bounds(void)
{
    static char text[EXCHANGE_TEXT_MAX];
    struct exchange exchange;

    memset(text, 'x', sizeof text - 1);
    if (!make(&exchange, FRAMING_LINE, text, "1", false, 1000))
        abort();
    CHECK_NUMBER(exchange.repeats, 4);
    exchange_free(&exchange);
}

static void fibonacci_is_right_up_to_45(void)
{
    CHECK_NUMBER(exchange_fibonacci(0), 1);
    CHECK_NUMBER(exchange_fibonacci(1), 1);
    CHECK_NUMBER(exchange_fibonacci(2), 2);
    CHECK_NUMBER(exchange_fibonacci(30), 1346269);
    CHECK_NUMBER(exchange_fibonacci(45), 1836311903);
}

int main(void)
{
    a_line_is_right_only_as_a_whole();
    a_carriage_return_is_accepted_only_where_it_may_be();
    an_empty_line_can_be_expected();
    a_wrong_line_without_an_end_is_given_up();
    what_is_kept_of_a_wrong_reply_has_the_byte_that_differs();
    a_message_ends_with_its_connection();
    bytes_are_a_reply_when_as_many_are_there();
    an_opening_is_right_byte_for_byte_or_any_line();
    what_comes_behind_an_opening_is_what_is_shown();
    requests_stand_on_end();
    long_requests_are_repeated_only_within_bounds();
    fibonacci_is_right_up_to_45();
    return test_result();
}
