// SPDX-License-Identifier: BSD-3-Clause
// Whether a futex that a process waits for is the GIL of its Python interpreter.
//
// CPython's GIL is a condition variable and a mutex within the state of the runtime, _PyRuntime; of
// an interpreter that has a GIL of its own, since 3.12, within the state of that interpreter. There
// is no other condition variable in either: other locks are on the heap or on a stack. glibc waits
// for a word within the condition variable, so that addresses are compared with the whole state.
// From 3.13 on the runtime begins with a table of its own offsets (PEP 768), by which the states of
// all interpreters are found. A free-threaded build waits for no GIL there, and so for none at all.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { GIL_STATES_MOST = 16 };

enum gil_kind {
    GIL_NOT_LOOKED, // nobody has asked yet
    GIL_NONE,       // no CPython: a futex is a lock
    GIL_KNOWN,
    GIL_FOREIGN, // a program for another architecture: its calls have other numbers
    GIL_UNKNOWN, // what it is made of cannot be read: `error` says why
};

struct gil {
    enum gil_kind kind;
    int error;
    unsigned count;
    struct {
        uint64_t begin, end;
    } states[GIL_STATES_MOST];
    int64_t again_ns; // when it is worth while to look again, and how long after that
    int64_t pause_ns;
};

// What all processes share: what is known of files that have been looked at.
struct gil_files;

// NULL where there is no memory.
struct gil_files *gil_begin(void);
void gil_end(struct gil_files *files);

// Finds out about a process, which may start another program or interpreter later. An address that
// is in none of its states is worth another look, but more and more rarely.
void gil_look(struct gil_files *files, struct gil *gil, pid_t pid, int64_t now_ns);

// Whether an address is in one of the states.
bool gil_holds(const struct gil *gil, uint64_t address);
