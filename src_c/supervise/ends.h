// SPDX-License-Identifier: BSD-3-Clause
// A file that the command writes without end, of which the beginning and the end are kept.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ends {
    int fd;       // the file, shared with the command, which writes into it directly
    size_t keep;  // bytes at either end; 0: the file is left as it is
    off_t freed;  // up to here, from `keep` on, the disk has been given back
    bool freeing; // whether the file system can do that
    char *tail;   // room for the last bytes, taken before there is need
};

enum { ENDS_LOOK_MS = 100 };

// Begins to bound a file. A descriptor that is none, or that cannot be read, is left alone. False
// when there is no memory.
bool ends_begin(struct ends *ends, int fd, size_t keep);

// Gives the disk back between the two ends; to be called every ENDS_LOOK_MS while somebody writes.
// What is written is never touched, nor does the writer wait.
void ends_free_middle(struct ends *ends);

// Puts one line in the place of the middle, when nobody writes any more.
void ends_finish(struct ends *ends);
