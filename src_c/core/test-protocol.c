// SPDX-License-Identifier: BSD-3-Clause
// The protocol's table, its limits, and that neither parser nor framer reads past its input.
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fibonacci.h"
#include "core/protocol.h"
#include "core/test.h"

enum { MAX_N = 34 };

// A page that ends where reading further is a segmentation fault.
static char *page_end;

static void map_guarded_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED || mprotect(pages + size, size, PROT_NONE) == -1) {
        perror("guarded page");
        exit(EXIT_FAILURE);
    }
    page_end = pages + size;
}

static const char *at_page_end(const char *bytes, size_t length)
{
    return memcpy(page_end - length, bytes, length);
}

static struct request parse(const char *bytes, size_t length, unsigned max_n)
{
    return protocol_parse(at_page_end(bytes, length), length, max_n);
}

static size_t reply_to(const char *bytes, size_t length, char out[static PROTOCOL_REPLY_SIZE])
{
    struct request request = parse(bytes, length, MAX_N);
    return protocol_reply(request, fibonacci(request.n), false, out);
}

static const struct {
    const char *request;
    size_t length; // 0: up to the terminator
    const char *reply;
} TABLE[] = {
    {"0", 0, "1"},
    {"1", 0, "1"},
    {"2", 0, "2"},
    {"10", 0, "89"},
    {"30", 0, "1346269"},
    {"34", 0, "9227465"},
    {"+7", 0, "21"},
    {"-0", 0, "1"},
    {"+0", 0, "1"},
    {"-000", 0, "1"},
    {"0007", 0, "21"},
    {"7\n", 0, "21"},
    {"7\r\n", 0, "21"},
    {" \t\r\n\v\f7\f\v\n\r\t ", 0, "21"},
    {"35", 0, "out of range"},
    {"-1", 0, "out of range"},
    {"-10", 0, "out of range"},
    {"2147483647", 0, "out of range"},
    {"2147483649", 0, "out of range"},
    {"4294967296", 0, "out of range"},
    {"4294967297", 0, "out of range"},
    {"9223372036854775808", 0, "out of range"},
    {"18446744073709551617", 0, "out of range"},
    {"-18446744073709551616", 0, "out of range"},
    {"", 0, "error"},
    {" ", 0, "error"},
    {"\n", 0, "error"},
    {"+", 0, "error"},
    {"-", 0, "error"},
    {"+-1", 0, "error"},
    {"--1", 0, "error"},
    {"- 1", 0, "error"},
    {"1 2", 0, "error"},
    {"1-", 0, "error"},
    {"1_000", 0, "error"},
    {"0x10", 0, "error"},
    {"1e9", 0, "error"},
    {"1.0", 0, "error"},
    {"99999999999999999999x", 0, "error"},
    {"GET / HTTP/1.1", 0, "error"},
    {"\xd9\xa1", 0, "error"}, // ARABIC-INDIC DIGIT ONE
    {"\xc2\xa0"
     "1",
     0, "error"}, // NO-BREAK SPACE
    {"\x1c"
     "1",
     0, "error"}, // white space to Python's str, not to this protocol
    {"\xff", 0, "error"},
    {"1\0", 2, "error"},
    {"\0", 1, "error"},
    {"\0001", 2, "error"},
};

static void every_request_of_the_table_gets_its_reply(void)
{
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        char out[PROTOCOL_REPLY_SIZE];
        size_t length = TABLE[i].length > 0 ? TABLE[i].length : strlen(TABLE[i].request);
        size_t size = reply_to(TABLE[i].request, length, out);
        CHECK_BYTES(out, size, TABLE[i].reply, strlen(TABLE[i].reply));
    }
}

static void a_request_may_have_255_bytes_and_no_more(void)
{
    char digits[PROTOCOL_REQUEST_MAX + 1];

    memset(digits, '9', sizeof digits);
    CHECK_NUMBER(parse(digits, PROTOCOL_REQUEST_MAX, MAX_N).kind, REQUEST_OUT_OF_RANGE);
    CHECK_NUMBER(parse(digits, PROTOCOL_REQUEST_MAX + 1, MAX_N).kind, REQUEST_ERROR);
    memset(digits, '0', sizeof digits);
    digits[PROTOCOL_REQUEST_MAX - 1] = '5';
    CHECK_NUMBER(parse(digits, PROTOCOL_REQUEST_MAX, MAX_N).n, 5);
    memset(digits, ' ', sizeof digits);
    digits[0] = '5';
    CHECK_NUMBER(parse(digits, PROTOCOL_REQUEST_MAX + 1, MAX_N).kind, REQUEST_ERROR);
}

static void max_n_is_the_largest_number_served(void)
{
    for (unsigned max_n = 0; max_n <= FIBONACCI_LARGEST_N; max_n++) {
        for (unsigned n = 0; n <= 200; n++) {
            char text[8];
            int length = snprintf(text, sizeof text, "%u", n);
            struct request request = parse(text, (size_t)length, max_n);
            CHECK_NUMBER(request.kind, n <= max_n ? REQUEST_NUMBER : REQUEST_OUT_OF_RANGE);
            CHECK_NUMBER(request.n, n <= max_n ? n : 0);
        }
    }
}

static void only_six_bytes_are_white_space(void)
{
    for (int byte = 0; byte < 256; byte++) {
        const char text[] = {(char)byte, '5', (char)byte};
        bool space = byte != 0 && strchr(" \t\r\n\v\f", byte) != NULL;
        bool digit = byte >= '0' && byte <= '9';
        enum request_kind kind = parse(text, sizeof text, 1000).kind;
        CHECK_NUMBER(kind, space || digit ? REQUEST_NUMBER : REQUEST_ERROR);
    }
}

static void every_reply_fits_with_its_newline(void)
{
    const struct request largest = {.kind = REQUEST_NUMBER, .n = FIBONACCI_LARGEST_N};
    char out[PROTOCOL_REPLY_SIZE];

    size_t size = protocol_reply(largest, 1836311903, true, out);
    CHECK_BYTES(out, size, "1836311903\n", 11);
    size = protocol_reply(largest, 4294967295, true, out);
    CHECK_BYTES(out, size, "4294967295\n", 11);
    size = protocol_reply((struct request){.kind = REQUEST_OUT_OF_RANGE}, 0, true, out);
    CHECK_BYTES(out, size, "out of range\n", 13);
    size = protocol_reply((struct request){.kind = REQUEST_ERROR}, 0, true, out);
    CHECK_BYTES(out, size, "error\n", 6);
}

static void fibonacci_lies_alike_in_its_cache_line_in_every_program(void)
{
    CHECK_NUMBER((uintptr_t)fibonacci % 64, 0);
}

static void fibonacci_counts_from_one_and_one(void)
{
    unsigned before = 1;
    unsigned current = 1;

    CHECK_NUMBER(fibonacci(0), 1);
    for (unsigned n = 1; n <= 25; n++) {
        CHECK_NUMBER(fibonacci(n), current);
        unsigned next = before + current;
        before = current;
        current = next;
    }
}

static void a_line_may_have_255_bytes_and_no_more(void)
{
    char line[PROTOCOL_REQUEST_MAX + 2];
    size_t length = 0;

    memset(line, 'x', sizeof line);
    line[PROTOCOL_REQUEST_MAX] = '\n';
    CHECK_NUMBER(protocol_next_line(at_page_end(line, 256), 256, &length), FRAME_LINE);
    CHECK_NUMBER(length, PROTOCOL_REQUEST_MAX);
    CHECK_NUMBER(protocol_next_line(at_page_end(line, 255), 255, &length), FRAME_NEED_MORE);
    line[PROTOCOL_REQUEST_MAX] = 'x';
    line[PROTOCOL_REQUEST_MAX + 1] = '\n';
    CHECK_NUMBER(protocol_next_line(at_page_end(line, 256), 256, &length), FRAME_TOO_LONG);
    CHECK_NUMBER(protocol_next_line(at_page_end(line, 257), 257, &length), FRAME_TOO_LONG);
    CHECK_NUMBER(protocol_next_line(page_end, 0, &length), FRAME_NEED_MORE);
}

// Frames the input as it comes in two pieces, and writes every line's length, then the outcome that
// ended it, as text: what must not depend on where the pieces are split.
static void frame_in_two(const char *input, size_t size, size_t split, char *out)
{
    const size_t available[] = {split, size};
    size_t at = 0;
    size_t length = 0;
    enum frame_outcome outcome = FRAME_NEED_MORE;

    for (int piece = 0; piece < 2 && outcome != FRAME_TOO_LONG; piece++) {
        const char *bytes = at_page_end(input, available[piece]);
        while ((outcome = protocol_next_line(bytes + at, available[piece] - at, &length)) ==
               FRAME_LINE) {
            CHECK(at + length < available[piece]);
            at += length + 1;
            out += sprintf(out, "%zu ", length);
        }
    }
    sprintf(out, "%s", outcome == FRAME_TOO_LONG ? "too long" : "need more");
}

static void lines_do_not_depend_on_where_the_input_is_split(void)
{
    char input[1200];
    size_t size =
        (size_t)snprintf(input, sizeof input, "1\n\n-5 \r\nabc\n%255s\n7\n%256s\n1\n", "8", "9");
    char whole[256];

    frame_in_two(input, size, 0, whole);
    CHECK_TEXT(whole, "1 0 4 3 255 1 too long");
    for (size_t split = 0; split <= size; split++) {
        char pieces[256];
        frame_in_two(input, size, split, pieces);
        CHECK_TEXT(pieces, whole);
    }
}

int main(void)
{
    map_guarded_page();
    every_request_of_the_table_gets_its_reply();
    a_request_may_have_255_bytes_and_no_more();
    max_n_is_the_largest_number_served();
    only_six_bytes_are_white_space();
    every_reply_fits_with_its_newline();
    fibonacci_counts_from_one_and_one();
    fibonacci_lies_alike_in_its_cache_line_in_every_program();
    a_line_may_have_255_bytes_and_no_more();
    lines_do_not_depend_on_where_the_input_is_split();
    return test_result();
}
