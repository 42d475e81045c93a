// SPDX-License-Identifier: BSD-3-Clause
// Bytes that came and are kept, as far as a room that many share has place for them.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct kept {
    size_t *room; // bytes that all who share it may still take; NULL: nothing is kept
    char *bytes;
    size_t size;
    size_t taken; // of the room
    bool lost;    // there was no place for all of it, and nothing is kept
};

void kept_add(struct kept *kept, const char *bytes, size_t size);
void kept_free(struct kept *kept);
