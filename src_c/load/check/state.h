// SPDX-License-Identifier: BSD-3-Clause
// What is known of a request that is asked on a connection of its own.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/ask/exchange.h"
#include "load/ask/http_wanted.h"
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
