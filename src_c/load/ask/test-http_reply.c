// SPDX-License-Identifier: BSD-3-Clause
// A reply of HTTP is the same however it is cut into pieces, and whatever comes behind it.
#include "load/ask/test-http.h"

static const struct http_case LOST_CASES[] = {
    LOST("X", "status line", "X"),
    LOST("HTTP/2", "status line", "HTTP/2"),
    LOST("HTTP/1.1\n", "status line", "HTTP/1.1"),
    LOST("HTTP/1.x 200 OK\r\n", "status line", "HTTP/1.x 200 OK"),
    LOST("HTTP/1.1200 OK\r\n", "status line", "HTTP/1.1200 OK"),
    LOST("HTTP/1.1 20 OK\r\n", "three digits", "HTTP/1.1 20 OK"),
    LOST("HTTP/1.1 099 OK\r\n", "three digits", "HTTP/1.1 099 OK"),
    LOST("HTTP/1.1 +20 OK\r\n", "three digits", "HTTP/1.1 +20 OK"),
    LOST("HTTP/1.1 2000 OK\r\n", "three digits", "HTTP/1.1 2000 OK"),
    LOST("HTTP/1.1 200OK\r\n", "three digits", "HTTP/1.1 200OK"),
    LOST("HTTP/1.1 101 Switching Protocols\r\n", "101", "HTTP/1.1 101 Switching Protocols"),
    LOST(OK_LINE "A: b\r\n folded\r\n", "folded", " folded"),
    LOST(OK_LINE "\tfolded\n", "folded", "\tfolded"),
    LOST(OK_LINE " \n", "folded", " "),
    LOST(OK_LINE "<html>\r\n", "no field", "<html>"),
    LOST(OK_LINE ": b\r\n", "no field", ": b"),
    LOST(OK_LINE "\r\r\n", "no field", "\r"),
    LOST(OK_LINE "Content-Length: \r\n", "Content-Length is not a number", "Content-Length: "),
    LOST(OK_LINE "Content-Length: 5,\r\n", "Content-Length is not", "Content-Length: 5,"),
    LOST(OK_LINE "Content-Length: 5 5\r\n", "Content-Length is not", "Content-Length: 5 5"),
    LOST(OK_LINE "Content-Length: -5\r\n", "Content-Length is not", "Content-Length: -5"),
    LOST(OK_LINE "Content-Length: +5\r\n", "Content-Length is not", "Content-Length: +5"),
    LOST(OK_LINE "Content-Length: 0x5\r\n", "Content-Length is not", "Content-Length: 0x5"),
    LOST(OK_LINE "Content-Length: 5\r\r\n", "Content-Length is not", "Content-Length: 5\r"),
    LOST(OK_LINE "Content-Length: 9223372036854775808\r\n", "too large",
         "Content-Length: 9223372036854775808"),
    LOST(OK_LINE "Content-Length: 18446744073709551621\r\n", "too large",
         "Content-Length: 18446744073709551621"),
    LOST(OK_LINE "Content-Length: 5, 6\r\n", "two Content-Lengths", "Content-Length: 5, 6"),
    LOST(OK_LINE "Content-Length: 5\r\ncontent-length: 6\r\n", "two Content-Lengths",
         "content-length: 6"),
    LOST(OK_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "both", ""),
    LOST(OK_LINE "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n", "both", ""),
    LOST("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0", ""),
    LOST(OK_LINE "Transfer-Encoding: chunked, chunked\r\n", "chunked twice",
         "Transfer-Encoding: chunked, chunked"),
    LOST(OK_LINE "Transfer-Encoding: gzip chunked\r\n", "list of codings",
         "Transfer-Encoding: gzip chunked"),
    LOST(OK_LINE "Transfer-Encoding: chunked\r\r\n", "list of codings",
         "Transfer-Encoding: chunked\r"),
    LOST(OK_LINE "Transfer-Encoding: ;a\r\n", "list of codings", "Transfer-Encoding: ;a"),
    LOST(CHUNKED "g", "not a number", "g"),
    LOST(CHUNKED "-", "not a number", "-"),
    LOST(CHUNKED "\r", "not a number", "\r"),
    LOST(CHUNKED ";", "not a number", ";"),
    LOST(CHUNKED " ", "not a number", " "),
    LOST(CHUNKED "0x", "not a number", "0x"),
    LOST(CHUNKED "1 2", "not a number", "1 2"),
    LOST(CHUNKED "1\n", "CR LF", "1\n"),
    LOST(CHUNKED "1\rx", "CR LF", "1\rx"),
    LOST(CHUNKED "1;a\n", "extension", "1;a\n"),
    LOST(CHUNKED "1;a\0", "extension", NULL),
    LOST(CHUNKED "1\r\nab", "data of a chunk", "b"),
    LOST(CHUNKED "1\r\na\n", "data of a chunk", "\n"),
    LOST(CHUNKED "1\r\na\rb", "data of a chunk", "\rb"),
    LOST(CHUNKED "10000000000000000", "too large", "10000000000000000"),
    LOST(CHUNKED "8000000000000000", "too large", "8000000000000000"),
    LOST(CHUNKED "ffffffffffffffff", "too large", "ffffffffffffffff"),
    LOST(CHUNKED "0\r\n x: y\r\n", "folded", " x: y"),
    LOST(CHUNKED "0\r\nhello\r\n", "no field", "hello"),
};

static const struct http_case CUT_CASES[] = {
    CUT("H"),
    CUT(OK_LINE),
    CUT(OK_LINE "Content-Length: 5\r\n\r\nhell"),
    CUT(CHUNKED "5\r\nhello\r\n0\r\n\r"),
    CUT(CHUNKED "7fffffffffffffff\r\nhello"),
    CUT(OK_LINE "Content-Length: 9223372036854775807\r\n\r\n"),
    CUT("HTTP/1.1 100 Continue\r\n\r\n"),
};

static void check_result(const struct http_case *one, const struct result *result)
{
    CHECK_NUMBER(result->state, one->state);
    CHECK_NUMBER(result->state_at_end, one->state_at_end);
    CHECK_NUMBER(result->used, one->size);
    if (result->state_at_end != REPLY_MORE)
        CHECK_NUMBER(http_reply_closes(&result->reply), one->closes);
    CHECK_NUMBER(result->reply.fault != HTTP_RIGHT, one->reason != NULL);
    if (one->reason == NULL || result->reply.reason == NULL)
        return;
    if (strstr(result->reply.reason, one->reason) == NULL)
        CHECK_TEXT(result->reply.reason, one->reason);
    if (one->got != NULL)
        CHECK_BYTES(result->reply.got.bytes, result->reply.got.size, one->got, strlen(one->got));
}

// Feeds a case as a whole, in every pair of pieces, in every three, and byte by byte.
static void check_case(const struct http_case *one)
{
    int failures = test_failures;
    struct result whole = feed_cut(one->expectation, one->bytes, one->size, NULL, 0);
    struct result bytes = feed_by_bytes(one->expectation, one->bytes, one->size);

    check_result(one, &whole);
    check_result(one, &bytes);
    CHECK(is_same(&whole, &bytes));
    for (size_t first = 0; first <= one->size; first++) {
        for (size_t second = first; second <= one->size; second++) {
            size_t cuts[] = {first, second};
            struct result cut = feed_cut(one->expectation, one->bytes, one->size, cuts, 2);
            CHECK(is_same(&whole, &cut));
        }
    }
    if (test_failures > failures)
        fprintf(stderr, "  of this reply: %s\n", one->bytes);
}

#define CHECK_CASES(cases)                                                                         \
    do {                                                                                           \
        for (size_t i = 0; i < sizeof(cases) / sizeof *(cases); i++)                               \
            check_case(&(cases)[i]);                                                               \
    } while (0)

// What comes behind a complete reply is not used.
static void a_reply_ends_where_it_ends(void)
{
    static const char *const behind[] = {"HTTP/1.1 200 OK\r\n", "\r\n", "0\r\n\r\n", "x"};

    for (size_t i = 0; i < sizeof RIGHT_CASES / sizeof *RIGHT_CASES; i++) {
        const struct http_case *one = &RIGHT_CASES[i];
        for (size_t j = 0; one->state == REPLY_RIGHT && j < sizeof behind / sizeof *behind; j++) {
            char bytes[1024];
            memcpy(bytes, one->bytes, one->size);
            memcpy(bytes + one->size, behind[j], strlen(behind[j]));
            struct result result =
                feed_cut(one->expectation, bytes, one->size + strlen(behind[j]), NULL, 0);
            check_result(one, &result);
        }
    }
}

static void after_a_useless_reply_nothing_has_a_meaning(void)
{
    for (size_t i = 0; i < sizeof LOST_CASES / sizeof *LOST_CASES; i++) {
        const struct http_case *one = &LOST_CASES[i];
        struct http_reply reply = {0};
        char bytes[1024] = "";
        size_t used;
        memcpy(bytes, one->bytes, one->size);
        CHECK_NUMBER(http_reply_feed(one->expectation, &reply, bytes, one->size + 9, &used),
                     REPLY_LOST);
        CHECK_NUMBER(used, one->size + 9);
        CHECK_NUMBER(http_reply_feed(one->expectation, &reply, OK_LINE, 9, &used), REPLY_LOST);
        CHECK_NUMBER(used, 9);
    }
}

// No begin of a reply is a whole one.
static void a_reply_that_is_cut_off_is_not_complete(void)
{
    for (size_t i = 0; i < sizeof RIGHT_CASES / sizeof *RIGHT_CASES; i++) {
        const struct http_case *one = &RIGHT_CASES[i];
        for (size_t size = 0; size < one->size; size++) {
            struct result result = feed_cut(one->expectation, one->bytes, size, NULL, 0);
            CHECK_NUMBER(result.state, REPLY_MORE);
            CHECK_NUMBER(http_reply_begun(&result.reply), size > 0);
            CHECK(one->state != REPLY_RIGHT || result.state_at_end == REPLY_MORE);
        }
    }
}

// Checks that a NUL is never read over in a head, and always in a body.
static void a_nul_in_a_head_makes_a_reply_useless(void)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\n12345";
    size_t head_size = sizeof text - 1 - 5;

    for (size_t at = 7; at < sizeof text - 1; at++) {
        char bytes[sizeof text];
        memcpy(bytes, text, sizeof text);
        bytes[at] = '\0';
        if (text[at] == '\n')
            continue;
        for (size_t cut = 0; cut < sizeof text; cut++) {
            struct result result = feed_cut(&FIVE, bytes, sizeof text - 1, &cut, 1);
            CHECK_NUMBER(result.state, at < head_size ? REPLY_LOST : REPLY_RIGHT);
            CHECK(at >= head_size || strstr(result.reply.reason, "NUL") != NULL);
        }
    }
}

// Checks what is shown of a body that differs in its byte `at`.
static void check_shown(size_t size, size_t at, size_t cut)
{
    static char body[1000];
    char bytes[1200];
    struct http_expectation expectation = {
        .status = 2, .kind = BODY_TEXT, .body = body, .body_size = size};
    int head =
        snprintf(bytes, sizeof bytes, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
    size_t from = at > WRONG_BEFORE ? at - WRONG_BEFORE : 0;

    for (size_t i = 0; i < size; i++)
        bytes[head + (int)i] = body[i] = (char)('a' + i % 26);
    bytes[head + (int)at] = '#';
    cut += (size_t)head;
    struct result result = feed_cut(&expectation, bytes, (size_t)head + size, &cut, 1);
    CHECK_NUMBER(result.state, REPLY_WRONG);
    CHECK_NUMBER(result.reply.got.at, at);
    CHECK_NUMBER(result.reply.got.from, from);
    CHECK_NUMBER(result.reply.got.size, size - from < WRONG_SHOWN ? size - from : WRONG_SHOWN);
    CHECK_NUMBER(result.reply.got.cut, size - from > WRONG_SHOWN);
    CHECK_BYTES(result.reply.got.bytes, result.reply.got.size, bytes + head + from,
                result.reply.got.size);
}

static void what_is_shown_of_a_body_has_the_byte_that_differs(void)
{
    static const size_t sizes[] = {1, 24, 25, 63, 64, 65, 100, 1000};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t at = 0; at < sizes[i]; at += at < 100 ? 1 : 97) {
            for (size_t cut = 0; cut < sizes[i]; cut += cut < 100 ? 9 : 301)
                check_shown(sizes[i], at, cut);
        }
    }
}

// A reply that is remembered is what it would be if it was read.
static void the_last_reply_is_remembered(void)
{
    static struct http_memory memory;

    for (size_t i = 0; i < sizeof RIGHT_CASES / sizeof *RIGHT_CASES; i++) {
        const struct http_case *one = &RIGHT_CASES[i];
        memory = (struct http_memory){0};
        for (size_t round = 0; round < 3 && one->state == REPLY_RIGHT; round++) {
            struct http_reply reply = {0};
            size_t used;
            CHECK_NUMBER(
                http_memory_feed(one->expectation, &memory, &reply, one->bytes, one->size, &used),
                REPLY_RIGHT);
            CHECK_NUMBER(used, one->size);
            CHECK_NUMBER(http_reply_closes(&reply), one->closes);
            CHECK_NUMBER(memory.size, one->closes ? 0 : one->size);
            CHECK(one->closes || round == 0 || !http_reply_begun(&reply));
        }
    }
}

// Checks what becomes of a reply with the memory of those before it, in two pieces.
static void check_with_memory(struct http_memory *memory,
                              const struct http_expectation *expectation, const char *bytes,
                              size_t first, enum reply_state wanted)
{
    struct http_reply reply = {0};
    size_t used;
    enum reply_state state = http_memory_feed(expectation, memory, &reply, bytes, first, &used);

    CHECK_NUMBER(used, first);
    if (state == REPLY_MORE && first < strlen(bytes))
        state = http_memory_feed(expectation, memory, &reply, bytes + first, strlen(bytes) - first,
                                 &used);
    CHECK_NUMBER(state, wanted);
}

static void a_head_is_remembered_whatever_its_body(void)
{
    static struct http_memory memory;
    static const char hello[] = OK_LINE "Date: now\r\nContent-Length: 5\r\n\r\nhello";
    static const char other[] = OK_LINE "Date: now\r\nContent-Length: 5\r\n\r\nhellO";
    static const char later[] = OK_LINE "Date: new\r\nContent-Length: 5\r\n\r\nhello";
    static const char empty[] = OK_LINE "Date: now\r\nContent-Length: 0\r\n\r\n";
    static const char *const replies[] = {hello, other, hello, later, empty, other, hello, hello};

    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        const char *reply = replies[i];
        bool is_right = strstr(reply, "hello") != NULL;
        for (size_t first = 1; first <= strlen(reply); first++) {
            if (first % 3 == 0) // or the memory is of this reply
                check_with_memory(&memory, &HELLO, hello, strlen(hello), REPLY_RIGHT);
            check_with_memory(&memory, &HELLO, reply, first, is_right ? REPLY_RIGHT : REPLY_WRONG);
        }
    }
}

// A body that looks like the reply before it is a body.
static void a_body_is_never_taken_for_a_reply(void)
{
    static struct http_memory memory;
    static const char inner[] = OK_LINE "Content-Length: 5\r\n\r\nhello";
    static const char outer[] = OK_LINE "Content-Length: 44\r\n\r\n";
    static const char body[] = OK_LINE "Content-Length: 5\r\n\r\nhello!";
    struct http_reply reply = {0};
    size_t used;

    CHECK_NUMBER(sizeof body - 1, 44);
    http_memory_feed(&ANY, &memory, &reply, inner, sizeof inner - 1, &used);
    CHECK_NUMBER(memory.size, sizeof inner - 1);
    http_reply_begin(&reply);
    http_memory_feed(&ANY, &memory, &reply, outer, sizeof outer - 10, &used);
    http_memory_feed(&ANY, &memory, &reply, outer + used, sizeof outer - 1 - used, &used);
    CHECK_NUMBER(memory.size, sizeof inner - 1);
    CHECK_NUMBER(http_memory_feed(&ANY, &memory, &reply, body, sizeof body - 2, &used), REPLY_MORE);
    CHECK_NUMBER(http_memory_feed(&ANY, &memory, &reply, "!", 1, &used), REPLY_RIGHT);
}

static void what_is_too_long_is_not_remembered(void)
{
    static struct http_memory memory;
    char bytes[HTTP_MEMORY_SIZE + 100];
    struct http_reply reply = {0};
    size_t used;
    int head = snprintf(bytes, sizeof bytes, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
                        HTTP_MEMORY_SIZE);

    memset(bytes + head, 'x', HTTP_MEMORY_SIZE);
    size_t size = (size_t)head + HTTP_MEMORY_SIZE;
    CHECK_NUMBER(http_memory_feed(&ANY, &memory, &reply, bytes, size, &used), REPLY_RIGHT);
    CHECK_NUMBER(memory.size, 0);
    CHECK_NUMBER(memory.head_size, head);
    http_reply_begin(&reply);
    CHECK_NUMBER(http_memory_feed(&ANY, &memory, &reply, bytes, size, &used), REPLY_RIGHT);
    CHECK_NUMBER(used, size);
}

int main(void)
{
    CHECK_CASES(RIGHT_CASES);
    CHECK_CASES(WRONG_CASES);
    CHECK_CASES(LOST_CASES);
    CHECK_CASES(CUT_CASES);
    a_reply_ends_where_it_ends();
    after_a_useless_reply_nothing_has_a_meaning();
    a_reply_that_is_cut_off_is_not_complete();
    a_nul_in_a_head_makes_a_reply_useless();
    what_is_shown_of_a_body_has_the_byte_that_differs();
    the_last_reply_is_remembered();
    a_head_is_remembered_whatever_its_body();
    a_body_is_never_taken_for_a_reply();
    what_is_too_long_is_not_remembered();
    return test_result();
}
