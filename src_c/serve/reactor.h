// SPDX-License-Identifier: BSD-3-Clause
// What every server that waits for readiness does once it knows which descriptor is ready: accept,
// read, answer, send and close, without ever blocking. How it waits is the design:
//
//     reactor_prepare_or_exit(&reactor);
//     while (reactor_runs(&reactor)) {
//         ... wait for the descriptors that watch() was told of, for reactor_patience() at most ...
//         reactor_begin_turn(&reactor);
//         reactor_ready(&reactor, fd);    for each of them
//         reactor_end_turn(&reactor);
//     }
//     reactor_clean_up(&reactor);
#pragma once

#include <stdbool.h>
#include <time.h>

#include "serve/reactor_state.h"

void reactor_prepare_or_exit(struct reactor *reactor);

// Until it was told to stop, and everything asked is answered, or the grace is over.
bool reactor_runs(const struct reactor *reactor);

// How long to wait at most; NULL: for ever. To be called before each wait.
const struct timespec *reactor_patience(struct reactor *reactor);

void reactor_begin_turn(struct reactor *reactor);

// A descriptor is ready for what is waited for at it, or has failed. Being called in vain does no
// harm: nothing here blocks.
void reactor_ready(struct reactor *reactor, int fd);

// A descriptor cannot be waited for after all, for want of what the error says: if it is a
// client's, that is closed, and counted as refused, else false, and the server cannot go on.
bool reactor_give_up(struct reactor *reactor, int fd, int error);

// Brings what was computed elsewhere.
void reactor_reply(struct reactor *reactor, struct question question, unsigned fibonacci_n);

// Does what has fallen due.
void reactor_end_turn(struct reactor *reactor);

void reactor_clean_up(struct reactor *reactor);
