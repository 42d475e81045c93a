// SPDX-License-Identifier: BSD-3-Clause
// What every io_uring server does once an operation is complete, and the operations that all of
// them use alike: sending, waiting, closing. How connections and bytes are asked for is the
// design's.
//
// Replies that the socket takes at once, as it nearly always does, are sent quietly: with
// IOSQE_CQE_SKIP_SUCCESS and MSG_WAITALL | MSG_DONTWAIT only what cannot be sent whole and at once
// is reported, and by the end of the submission. A report would end the wait for what the clients
// do.
//
// A connection has at most one receive, one send or one wait in flight, and is closed only when it
// has none, so that no completion ever reaches the next client of its descriptor. The generation in
// every tag would tell if one did.
//
// Sources: io_uring_enter(2), io_uring_setup(2), and liburing 2.3.
#pragma once

#include "ring/proactor_state.h"

// Makes the ring, in the thread that will use it: with DEFER_TASKRUN no other may. Where the system
// has no io_uring that will do for the design, or forbids it, says so on stderr and exits with 77;
// on other failures with 1.
void proactor_prepare_or_exit(struct proactor *proactor);

// Serves until it is told to stop, and everything asked is answered, or the grace is over.
void proactor_run(struct proactor *proactor);

void proactor_clean_up(struct proactor *proactor);
