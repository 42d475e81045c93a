// SPDX-License-Identifier: BSD-3-Clause
// How a request that was asked ends: its outcome, in words and with what came, and its connection.
#pragma once

#include <stddef.h>

#include "load/check/state.h"

const char *ending_outcome_name(enum asked_outcome outcome);

// Closes the connection: it is over, and its outcome stays.
void ending_close(struct asked *asked);

// Each of these is an end with an outcome and a reason.
__attribute__((format(printf, 3, 4))) void
ending_fail(struct asked *asked, enum asked_outcome outcome, const char *format, ...);

// With what came beside what should have come.
void ending_fail_with(struct asked *asked, enum asked_outcome outcome,
                      const struct difference *difference);

// A call failed on this side, with errno.
void ending_fail_call(struct asked *asked, const char *call);

// There is no connection.
void ending_fail_connect(struct asked *asked, int error);

// The reply is wrong, as far as it came.
void ending_fail_wrong(struct asked *asked);

// The connection has come to its end before the reply has: ASKED_CLOSED or ASKED_RESET.
void ending_fail_cut(struct asked *asked, enum asked_outcome outcome);

// Bytes came behind the reply.
void ending_fail_surplus(struct asked *asked, const char *bytes, size_t size);

// The body is too long to be learned.
void ending_fail_too_long(struct asked *asked);

// What it waits for, in a word.
const char *ending_part_of(const struct asked *asked);

// What came shows later that it is wrong.
void ending_turn_wrong(struct asked *asked, const struct difference *difference);

// Says more of what is not right.
void ending_add_reason(struct asked *asked, const char *more);
