// SPDX-License-Identifier: BSD-3-Clause
// What stands between the chunks of a body of HTTP/1.1: their sizes, and their line ends (RFC
// 9112). Pure: it takes the bytes as they come.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_CHUNK_LINE_MAX = 4 * 1024 }; // bytes from the data of a chunk to those of the next

enum http_chunk_part {
    HTTP_CHUNK_SIZE, // its first digit
    HTTP_CHUNK_DIGITS,
    HTTP_CHUNK_BLANKS,    // after the digits
    HTTP_CHUNK_EXTENSION, // passed over
    HTTP_CHUNK_LF,        // that ends the line
    HTTP_CHUNK_DATA,      // the line is complete
    HTTP_CHUNK_DATA_CR,   // that follows the data
    HTTP_CHUNK_DATA_LF,
};

// All zero before the first chunk.
struct http_chunk {
    enum http_chunk_part part;
    size_t line_size; // since the data before it
    uint64_t size;    // of its data; 0: the last chunk, which has none
};

// Takes bytes up to the end of the line with a chunk's size; `used` says how many they are. At
// HTTP_CHUNK_DATA it is complete. Returns NULL, or what makes the reply useless: the last of the
// bytes used, as part of a sentence.
const char *http_chunk_feed(struct http_chunk *chunk, const char *bytes, size_t size, size_t *used);

// The chunk's data has come: the line of the next one is ahead.
void http_chunk_next(struct http_chunk *chunk);
