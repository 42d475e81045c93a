// SPDX-License-Identifier: BSD-3-Clause
// What a thread waits for, by the system call that it is in.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    WAIT_NETWORK = 'n',    // for a connection, for bytes, or for the news of either
    WAIT_SLEEPING = 's',   // for a time to pass
    WAIT_FUTEX = 'f',      // for a lock: which, its first argument says
    WAIT_DESCRIPTOR = 'd', // for bytes of a descriptor, its first argument, of whatever kind
    WAIT_OTHER = 'o',
};

// A thread that is not runnable, as /proc/PID/task/TID/syscall has it: proc(5).
struct call {
    long number; // -1: in none, as one that waits for a page
    uint64_t arguments[2];
    bool ended; // it has no stack any more: a zombie
};

enum call_outcome { CALL_WAITS, CALL_RUNNABLE, CALL_UNREADABLE };

// Reads the text of that file.
enum call_outcome calls_read(const char *text, struct call *call);

// What such a call waits for, one of the above.
char calls_wait(const struct call *call);
