// SPDX-License-Identifier: BSD-3-Clause
// A request that is asked once on a connection of its own, its opening included, and what came.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/ask/exchange.h"
#include "load/ask/http_wanted.h"
#include "load/ask/settings.h"
#include "load/check/kept.h"
#include "load/tell/difference.h"

enum { ASKED_REASON_SIZE = DIFFERENCE_SIZE + 128 };

// What became of it: the later one tells more of the server.
enum asked_outcome {
    ASKED_RIGHT,
    ASKED_LOCAL, // a failure on this side, as no free port
    ASKED_REFUSED,
    ASKED_TIMEOUT,
    ASKED_CLOSED,
    ASKED_RESET,
    ASKED_SURPLUS, // the reply was right, and more came
    ASKED_OPENING, // the connection began in another way than the opening says
    ASKED_WRONG,
    ASKED_OUTCOMES,
};

enum asked_state {
    ASKED_CONNECTING,
    ASKED_IN_OPENING,
    ASKED_WAITING, // for the reply
    ASKED_LEAVING, // which has come: nothing more should, and the server is to close
    ASKED_OVER,
};

struct asked {
    const struct ask *ask;
    const struct exchange *exchange;
    int fd;
    enum asked_state state;
    size_t step;     // of the opening
    size_t sent;     // of what the step, or the request, sends
    bool send_fails; // nothing can be sent on this connection any more
    int64_t begun_ns;
    int64_t sent_ns;     // when the request was
    int64_t deadline_ns; // of the state
    struct reply reply;  // to the step, or to the request
    struct http_reply http;

    enum asked_outcome outcome;
    int64_t took_ns; // from sending the request to its right reply
    bool has_difference;
    struct difference difference;
    char reason[ASKED_REASON_SIZE]; // in words; empty where it is right

    struct kept kept;  // all that came, up to the end of the reply
    size_t *step_ends; // where in it the replies to the steps end; NULL: nothing is kept
    size_t came;       // bytes of steps and reply
    size_t reply_at;   // where the reply begins
};

const char *asked_outcome_name(enum asked_outcome outcome);

// Makes ready; `memory` is shared by those that expect the same, and `kept` says whether to keep
// what comes, and where. False when there is no memory.
bool asked_make(struct asked *asked, const struct ask *ask, const struct exchange *exchange,
                struct http_memory *memory, size_t *kept);
void asked_free(struct asked *asked);

// Opens the connection.
void asked_begin(struct asked *asked, const struct settings *settings);

// What to poll for; not where it is over.
short asked_events(const struct asked *asked);

// Something of it has happened. `buffer` is for what is received.
void asked_ready(struct asked *asked, short events, char *buffer, size_t size);

// Its deadline has passed.
void asked_overdue(struct asked *asked);

// Says more of what is not right.
void asked_add_reason(struct asked *asked, const char *more);

// What came shows later that it is wrong.
void asked_turn_wrong(struct asked *asked, const struct difference *difference);
