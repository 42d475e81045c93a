// SPDX-License-Identifier: BSD-3-Clause
// What stands between the chunks of a body of HTTP/1.1: their sizes, and their line ends (RFC
// 9112). Pure: it takes the bytes as they come.
#include "load/ask/http_chunk.h"

static const char NO_NUMBER[] = "the size of a chunk is not a number";
static const char NO_LINE_END[] = "the size of a chunk does not end with CR LF";

// -1: not a hexadecimal digit.
static int digit_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte = (char)(byte | 0x20);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static const char *take_digit(struct http_chunk *chunk, char byte)
{
    int value = digit_value(byte);

    if (value == -1)
        return NO_NUMBER;
    if (chunk->size > (uint64_t)INT64_MAX >> 4)
        return "the size of a chunk is too large";
    chunk->size = chunk->size << 4 | (uint64_t)value;
    chunk->part = HTTP_CHUNK_DIGITS;
    return NULL;
}

// What ends the digits, and the blanks that some servers write after them.
static const char *leave_digits(struct http_chunk *chunk, char byte)
{
    switch (byte) {
    case '\r':
        chunk->part = HTTP_CHUNK_LF;
        return NULL;
    case ';':
        chunk->part = HTTP_CHUNK_EXTENSION;
        return NULL;
    case ' ':
    case '\t':
        chunk->part = HTTP_CHUNK_BLANKS;
        return NULL;
    default:
        return byte == '\n' ? NO_LINE_END : NO_NUMBER;
    }
}

static const char *pass_extension(struct http_chunk *chunk, char byte)
{
    if (byte == '\r')
        chunk->part = HTTP_CHUNK_LF;
    return byte == '\n' || byte == '\0' ? "the extension of a chunk has no proper line end" : NULL;
}

// RFC 9112 lets a single LF end the lines of a head, but not these.
static const char *expect_byte(struct http_chunk *chunk, char byte, char expected,
                               enum http_chunk_part next)
{
    if (byte != expected)
        return chunk->part == HTTP_CHUNK_LF ? NO_LINE_END
                                            : "the data of a chunk do not end with CR LF";
    chunk->part = next;
    return NULL;
}

static const char *take_byte(struct http_chunk *chunk, char byte)
{
    switch (chunk->part) {
    case HTTP_CHUNK_DATA_CR:
        return expect_byte(chunk, byte, '\r', HTTP_CHUNK_DATA_LF);
    case HTTP_CHUNK_DATA_LF:
        return expect_byte(chunk, byte, '\n', HTTP_CHUNK_SIZE);
    case HTTP_CHUNK_SIZE:
        return take_digit(chunk, byte);
    case HTTP_CHUNK_DIGITS:
        return digit_value(byte) == -1 ? leave_digits(chunk, byte) : take_digit(chunk, byte);
    case HTTP_CHUNK_BLANKS:
        return leave_digits(chunk, byte);
    case HTTP_CHUNK_EXTENSION:
        return pass_extension(chunk, byte);
    case HTTP_CHUNK_LF:
        return expect_byte(chunk, byte, '\n', HTTP_CHUNK_DATA);
    case HTTP_CHUNK_DATA:
        break;
    }
    return NULL;
}

const char *http_chunk_feed(struct http_chunk *chunk, const char *bytes, size_t size, size_t *used)
{
    const char *reason = NULL;

    *used = 0;
    while (reason == NULL && *used < size && chunk->part != HTTP_CHUNK_DATA) {
        if (++chunk->line_size > HTTP_CHUNK_LINE_MAX)
            reason = "the line with the size of a chunk is too long";
        else
            reason = take_byte(chunk, bytes[*used]);
        ++*used;
    }
    return reason;
}

void http_chunk_next(struct http_chunk *chunk)
{
    *chunk = (struct http_chunk){.part = HTTP_CHUNK_DATA_CR};
}
