// SPDX-License-Identifier: BSD-3-Clause
// The wire protocol, pure: bytes in, bytes out. No sockets, no allocation, no state.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    PROTOCOL_REQUEST_MAX = 255,  // bytes of a request, in both framings, without the newline
    PROTOCOL_MESSAGE_READ = 256, // what one read asks for in message framing: full means too long
    PROTOCOL_REPLY_SIZE = 16,    // holds every reply and its newline
};

// How a request or a reply ends. The protocol has the first two; the others are for what the load
// generator asks of servers that speak another one.
enum framing { FRAMING_MESSAGE, FRAMING_LINE, FRAMING_BYTES, FRAMING_HTTP };

enum request_kind { REQUEST_NUMBER, REQUEST_OUT_OF_RANGE, REQUEST_ERROR };

struct request {
    enum request_kind kind;
    unsigned n; // of a REQUEST_NUMBER, otherwise 0
};

// Reads one request without its newline. One that is longer than PROTOCOL_REQUEST_MAX is an error.
struct request protocol_parse(const char *bytes, size_t length, unsigned max_n);

// Writes the reply to a request: fibonacci(n) when it is a number. Returns how many bytes it takes.
size_t protocol_reply(struct request request, unsigned fibonacci_n, bool newline,
                      char out[static PROTOCOL_REPLY_SIZE]);

enum frame_outcome {
    FRAME_LINE,      // a line begins the input
    FRAME_NEED_MORE, // it may still become one
    FRAME_TOO_LONG,  // it never will
};

// Looks for a line at the beginning of the input. On FRAME_LINE, *line_length is its length without
// the newline: the next line begins one byte later.
enum frame_outcome protocol_next_line(const char *bytes, size_t length, size_t *line_length);
