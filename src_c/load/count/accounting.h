// SPDX-License-Identifier: BSD-3-Clause
// What became of every request: each one started ends in exactly one count.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum outcome {
    OUTCOME_OK,         // the whole reply came and every byte was right
    OUTCOME_WRONG,      // a reply came, and it was another one
    OUTCOME_REFUSED,    // no connection: nobody listens, or the kernel gave it up
    OUTCOME_CLOSED,     // the server closed before the reply was complete
    OUTCOME_RESET,      // the server reset the connection before the reply was complete
    OUTCOME_TIMEOUT,    // given up after the time that was set for it
    OUTCOME_OPENING,    // never sent: what a new connection begins with was wrong
    OUTCOME_LOCAL,      // a failure on this side, as no free port
    OUTCOME_UNFINISHED, // still waiting when the window ended
    OUTCOMES,
};

const char *outcome_name(enum outcome outcome);

enum {
    WRONG_SHOWN = 64,  // bytes kept of a wrong reply
    WRONG_BEFORE = 24, // of them before the first wrong one
};

// The bytes of a wrong reply about the first that differs, without its line end.
struct wrong_reply {
    size_t at;   // which byte is the first that differs
    size_t from; // which byte is the first that is kept
    size_t size; // 0 also when there was none: see `wrong_seen`
    bool cut;    // there were more behind them
    char bytes[WRONG_SHOWN];
};

// Keeps more of a wrong reply, as far as there is room.
void wrong_reply_keep(struct wrong_reply *got, const char *bytes, size_t size);

// A wrong reply, and what should have come instead of it.
struct difference {
    struct wrong_reply got;
    const char *expected; // NULL: there is no telling
    size_t expected_size;
    const char *reason; // part of a sentence, as "its body differs"; NULL: the bytes say it
};

// How the connections ended that stood when the window did.
struct parting {
    uint64_t closed; // by the server, after it was told that nothing more would be sent
    uint64_t reset;  // likewise
    uint64_t held;   // not by the server, in the time that it had
};

struct accounting {
    uint64_t started;
    uint64_t by_outcome[OUTCOMES];
    uint64_t cut_short; // of closed and reset, those after the first byte of a reply
    uint64_t surplus_bytes;
    uint64_t connections_opened;
    uint64_t retransmits;        // segments that this side sent again, SYNs included
    uint64_t resent_connections; // with such segments
    uint64_t resent[OUTCOMES];   // timeouts and unfinished requests on those
    struct parting parting;
    uint64_t repeated;       // requests sent again, since the server closes between replies
    uint64_t wrong_openings; // connections that were given up for what they began with
    bool wrong_seen;
    struct difference first_wrong;
    struct difference first_opening; // of the wrong ones
    const char *local_call;          // the first local failure: what failed, NULL when nothing did
    int local_errno;
};

void accounting_add(struct accounting *sum, const struct accounting *part);

// How many requests have an outcome.
uint64_t accounting_ended(const struct accounting *accounting);

// Whether every request that was started has exactly one outcome.
bool accounting_balances(const struct accounting *accounting);
