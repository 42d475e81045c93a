// SPDX-License-Identifier: BSD-3-Clause
// What the lines of a head of HTTP/1.1 say of a reply: its status, where its body ends, and whether
// its connection goes on (RFC 9112). Pure: whole lines come in.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { HTTP_LINE_KEPT = 256 }; // bytes of a line that are looked at

// A line without its line end.
struct http_line {
    const char *text; // as much of it as is looked at
    size_t kept;      // bytes of that
    size_t size;      // bytes of the line; more than HTTP_LINE_KEPT: its "\r" may be one of them
    bool has_nul;     // somewhere
};

// All zero before a status line.
struct http_head {
    unsigned status;
    bool is_old;      // HTTP/1.0
    bool closes;      // the server says that it will close the connection
    bool keeps;       // that it will not
    bool has_length;  // Content-Length
    bool has_coding;  // Transfer-Encoding
    bool is_chunked;  // chunked is the last of these codings
    bool was_chunked; // it is one of them
    uint64_t length;  // of the body, if it has one
};

enum http_body_end {
    HTTP_NO_BODY,
    HTTP_AFTER_LENGTH,
    HTTP_AFTER_CHUNKS,
    HTTP_AFTER_CONNECTION, // the body ends with it
};

static const char HTTP_VERSION[] = "HTTP/1."; // and a digit

enum { HTTP_VERSION_SIZE = sizeof HTTP_VERSION - 1 };

// Whether a status line may begin so.
static inline bool http_begins_status(const char *text, size_t size)
{
    if (size >= HTTP_VERSION_SIZE)
        return memcmp(text, HTTP_VERSION, HTTP_VERSION_SIZE) == 0;
    return memcmp(text, HTTP_VERSION, size) == 0;
}

// Each of these takes a line into the head. They return NULL, or what makes a reply useless, as
// part of a sentence: where it ends is not known then.
const char *http_take_status(struct http_head *head, const struct http_line *line);
const char *http_take_field(struct http_head *head, const struct http_line *line);

// Takes whole fields, faster: as far as they are there, none has a NUL, and nothing is wrong with
// them. Returns where they end: http_take_field() tells why.
const char *http_take_fields(struct http_head *head, const char *at, const char *end);

// The same as http_take_field() for a field after the last chunk, which says nothing of the reply.
const char *http_check_trailer(const struct http_line *line);

// At the end of a head: how the body ends. NULL, or what is wrong, as above.
const char *http_find_end(const struct http_head *head, bool to_head_request,
                          enum http_body_end *end);

// Whether the server closes the connection after this reply, whose body ends otherwise.
static inline bool http_head_closes(const struct http_head *head)
{
    return head->closes || (head->is_old && !head->keeps);
}
