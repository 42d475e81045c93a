// SPDX-License-Identifier: BSD-3-Clause
// The deadlines of an event loop's connections, all of one length: a queue, so that setting one,
// taking it back and finding the next each take the same few steps however many there are.
#pragma once

#include <stdint.h>

struct deadline; // of one descriptor

struct deadlines {
    struct deadline *of; // by descriptor, from 0 to capacity - 1
    int capacity;
    int first; // -1: none
    int last;
};

// Makes room for descriptors below `capacity`: 0, or -1 with errno.
int deadlines_init(struct deadlines *deadlines, int capacity);

void deadlines_free(struct deadlines *deadlines);

// Sets fd's deadline, or moves it. It must not lie before any that is set already.
void deadlines_set(struct deadlines *deadlines, int fd, int64_t at_ns);

// Takes fd's deadline back; there need not be one.
void deadlines_clear(struct deadlines *deadlines, int fd);

// The descriptor whose deadline comes first, and when: -1, and *at_ns as it was, if there is none.
int deadlines_first(const struct deadlines *deadlines, int64_t *at_ns);
