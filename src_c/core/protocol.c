// SPDX-License-Identifier: BSD-3-Clause
// The wire protocol, pure: bytes in, bytes out. No sockets, no allocation, no state.
#include "core/protocol.h"

#include <string.h>

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct request protocol_parse(const char *bytes, size_t length, unsigned max_n)
{
    const struct request error = {.kind = REQUEST_ERROR};
    const char *at = bytes;
    const char *end = bytes + length;
    unsigned n = 0;
    bool in_range = true;

    if (length > PROTOCOL_REQUEST_MAX)
        return error;
    while (at < end && is_space(*at))
        at++;
    while (at < end && is_space(end[-1]))
        end--;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return error;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return error;
        if (in_range) // once out of range it stays so, however many digits follow
            n = n * 10 + (unsigned)(*at - '0');
        in_range = in_range && n <= max_n;
    }
    if (!in_range || (negative && n != 0))
        return (struct request){.kind = REQUEST_OUT_OF_RANGE};
    return (struct request){.kind = REQUEST_NUMBER, .n = n};
}

static size_t write_text(const char *text, char *out)
{
    size_t length = strlen(text);
    memcpy(out, text, length);
    return length;
}

static size_t write_decimal(unsigned number, char *out)
{
    char reversed[10]; // 4294967295
    size_t length = 0;

    do {
        reversed[length++] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    for (size_t i = 0; i < length; i++)
        out[i] = reversed[length - 1 - i];
    return length;
}

size_t protocol_reply(struct request request, unsigned fibonacci_n, bool newline,
                      char out[static PROTOCOL_REPLY_SIZE])
{
    size_t length = request.kind == REQUEST_NUMBER         ? write_decimal(fibonacci_n, out)
                    : request.kind == REQUEST_OUT_OF_RANGE ? write_text("out of range", out)
                                                           : write_text("error", out);
    if (newline)
        out[length++] = '\n';
    return length;
}

enum frame_outcome protocol_next_line(const char *bytes, size_t length, size_t *line_length)
{
    size_t searched = length <= PROTOCOL_REQUEST_MAX ? length : PROTOCOL_REQUEST_MAX + 1;
    const char *newline = memchr(bytes, '\n', searched);

    if (newline == NULL)
        return searched > PROTOCOL_REQUEST_MAX ? FRAME_TOO_LONG : FRAME_NEED_MORE;
    *line_length = (size_t)(newline - bytes);
    return FRAME_LINE;
}
