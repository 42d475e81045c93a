// SPDX-License-Identifier: BSD-3-Clause
// What a request does besides fibonacci(n): so many units of work of one kind. They differ in what
// they want of others: nothing, an allocator, or a lock that all threads of the process share.
//
// A unit of each kind takes about as long as fibonacci(20); work.c says how that was found.
#pragma once

#include <stdint.h>

#include "core/fibonacci.h"

enum work_kind {
    WORK_FIB,    // fibonacci(20)
    WORK_HASH,   // SHA-256 of some KiB
    WORK_ALLOC,  // objects that are made, and then dropped
    WORK_SHARED, // a counter that all threads of the process share, behind a mutex
};

// How the kinds are written, ended by NULL.
extern const char *const WORK_KINDS[];

enum { WORK_UNITS_MAX = 10000 };

struct counter;

struct work {
    int kind;       // enum work_kind
    uint64_t units; // for each request
    const char *program;
    struct counter *counter; // of WORK_SHARED
};

// Makes what the work needs, before there are threads or children: a child that is forked has a
// counter of its own, as it has all of its memory. Where nobody has said how many units there are,
// which is 0, it is one; of WORK_FIB, which is the default, none. On failure says why on stderr and
// exits with 1.
void work_prepare_or_exit(struct work *work, const char *program);

// Does all units. Where the system grants no memory, says so on stderr and exits with 1: a request
// that did less than the others would be measured with them.
void work_do(const struct work *work);

// How far the counter of WORK_SHARED has come.
uint64_t work_counted(const struct work *work);

// Answers a request: the work besides, then fibonacci(n).
static inline unsigned work_answer(const struct work *work, unsigned n)
{
    if (work->units > 0)
        work_do(work);
    return fibonacci(n);
}
