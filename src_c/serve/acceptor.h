// SPDX-License-Identifier: BSD-3-Clause
// Accepting connections without spinning when the system runs out of something.
#pragma once

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

// How long to leave alone a listener that cannot be served: short to wait for, and next to no CPU.
enum { ACCEPTOR_PAUSE_MS = 50 };

enum accept_outcome {
    ACCEPT_CONNECTION,
    ACCEPT_NOTHING,   // nobody is there, a client has left again, or a signal came
    ACCEPT_EXHAUSTED, // out of descriptors or memory: pause, since the listener stays ready
    ACCEPT_STOP,      // the server was told to stop (from acceptor_next() alone)
};

// What an error of accept(2) means; 0 is none.
enum accept_outcome acceptor_outcome(int error);

// Takes a connection from a non-blocking listener with the flags of accept4(2).
enum accept_outcome acceptor_try(int listener, int flags, int *fd);

// What a server that blocks in accept waits on.
struct acceptor {
    int listener;
    int stop_fd;
    const sigset_t *signal_mask; // of ppoll(2); NULL leaves it as it is
};

// Waits for a connection and takes it: never ACCEPT_EXHAUSTED, it has paused by then. A signal that
// the mask lets through gives ACCEPT_NOTHING.
enum accept_outcome acceptor_next(const struct acceptor *acceptor, int *fd);

// Waits a moment, or until the server is told to stop, or a signal comes.
void acceptor_pause(const struct acceptor *acceptor);

// Says on stderr why the system keeps the server from serving a connection, `lacking` being what it
// has none of: the first time only, since whoever comes next is refused for the same reason. `said`
// is what the threads of a server share, false to begin with.
void acceptor_say_why(atomic_bool *said, const char *program, const char *lacking, int error);

// Says at the end, on stderr, how many connections were refused, if any were.
void acceptor_report_refused(uint64_t refused);
