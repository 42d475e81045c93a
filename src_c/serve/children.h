// SPDX-License-Identifier: BSD-3-Clause
// The children of servers that are made of processes: none outlives its parent, none is left a
// zombie, and their CPU time is accounted to the parent.
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CHILDREN_NO_MEMORY = 3 }; // the exit status of a child that had no memory to do its work

struct children {
    pid_t *pids; // not reaped yet
    uint64_t count;
    uint64_t failed;      // that have ended with CHILDREN_NO_MEMORY
    sigset_t signal_mask; // lets SIGCHLD through: for ppoll(2), which it ends
};

// Makes room for so many, and blocks SIGCHLD, so that it comes only inside ppoll(2). On failure
// says why on stderr and exits with 1.
struct children children_prepare_or_exit(const char *program, uint64_t room);

// Forks as fork(2) does: 0 in the child, which ends when its parent ends, also if that is killed;
// -1 where the system has no room for one more process.
pid_t children_fork(struct children *children);

// Reaps a child that has ended: its pid, or 0 when there is none. Several may have sent a single
// SIGCHLD.
pid_t children_reap(struct children *children);

// Kills the children, and reaps them.
void children_kill(struct children *children);

// Lets the children finish what was asked of them, as long as a stopping server may take; kills the
// rest, and reaps them all.
void children_end(struct children *children);
