// SPDX-License-Identifier: BSD-3-Clause
// What a failed call does: whose fault it is decides how the requests in flight end, and the client
// pauses. An idle one does not, since it has nothing to try again: its connection is lost.
#include "load/drive/failure.h"

#include <errno.h>

#include "load/drive/flight.h"
#include "load/drive/pauses.h"

// What a client does next.
static void step_back(struct worker *worker, struct client *client, int64_t now_ns)
{
    if (client->share->is_idle)
        note_lost(worker, client);
    else
        pauses_begin(worker, client, now_ns);
}

void fail_locally(struct worker *worker, struct client *client, const char *call, int error,
                  int64_t now_ns)
{
    end_all(worker, client, OUTCOME_LOCAL, now_ns);
    if (worker->stopped)
        return;
    struct accounting *accounting = client->share->accounting;
    if (accounting->local_call == NULL) {
        accounting->local_call = call;
        accounting->local_errno = error;
    }
    step_back(worker, client, now_ns);
}

void lose_connection(struct worker *worker, struct client *client, const char *call, int error,
                     int64_t now_ns)
{
    enum outcome outcome;

    switch (error) {
    case ECONNREFUSED:
        outcome = OUTCOME_REFUSED;
        break;
    case ECONNRESET:
        outcome = OUTCOME_RESET;
        break;
    case EPIPE: // the server had closed in order before our bytes came
        outcome = OUTCOME_CLOSED;
        break;
    case ETIMEDOUT: // the kernel has given up: a timeout is what --timeout alone makes
        outcome = client->state == CLIENT_OPEN ? OUTCOME_RESET : OUTCOME_REFUSED;
        break;
    default:
        fail_locally(worker, client, call, error, now_ns);
        return;
    }
    end_all(worker, client, outcome, now_ns);
    if (!worker->stopped)
        step_back(worker, client, now_ns);
}

void fail_opening(struct worker *worker, struct client *client, const struct opening *opening,
                  int64_t now_ns)
{
    struct accounting *accounting = &client->share->tally.accounting;
    const struct difference found = {client->reply.got, opening->expected.bytes,
                                     opening->expected.size, NULL};

    reply_reset(&client->reply); // it is none to a request
    end_all(worker, client, OUTCOME_OPENING, now_ns);
    if (worker->stopped)
        return;
    if (accounting->wrong_openings++ == 0)
        accounting->first_opening = found;
    step_back(worker, client, now_ns);
}
