// SPDX-License-Identifier: BSD-3-Clause
// What became of every request: each one started ends in exactly one count.
#include "load/count/accounting.h"

#include <string.h>

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[OUTCOMES] = {
        [OUTCOME_OK] = "ok",
        [OUTCOME_WRONG] = "wrong",
        [OUTCOME_REFUSED] = "refused",
        [OUTCOME_CLOSED] = "closed",
        [OUTCOME_RESET] = "reset",
        [OUTCOME_TIMEOUT] = "timeout",
        [OUTCOME_OPENING] = "opening",
        [OUTCOME_LOCAL] = "local",
        [OUTCOME_UNFINISHED] = "unfinished",
    };
    return names[outcome];
}

void wrong_reply_keep(struct wrong_reply *got, const char *bytes, size_t size)
{
    size_t room = sizeof got->bytes - got->size;

    if (size > room) {
        got->cut = true;
        size = room;
    }
    if (size > 0)
        memcpy(got->bytes + got->size, bytes, size);
    got->size += size;
}

void accounting_add(struct accounting *sum, const struct accounting *part)
{
    sum->started += part->started;
    for (int i = 0; i < OUTCOMES; i++) {
        sum->by_outcome[i] += part->by_outcome[i];
        sum->resent[i] += part->resent[i];
    }
    sum->cut_short += part->cut_short;
    sum->surplus_bytes += part->surplus_bytes;
    sum->connections_opened += part->connections_opened;
    sum->repeated += part->repeated;
    sum->retransmits += part->retransmits;
    sum->resent_connections += part->resent_connections;
    sum->parting.closed += part->parting.closed;
    sum->parting.reset += part->parting.reset;
    sum->parting.held += part->parting.held;
    if (sum->wrong_openings == 0)
        sum->first_opening = part->first_opening;
    sum->wrong_openings += part->wrong_openings;
    if (!sum->wrong_seen && part->wrong_seen) {
        sum->wrong_seen = true;
        sum->first_wrong = part->first_wrong;
    }
    if (sum->local_call == NULL && part->local_call != NULL) {
        sum->local_call = part->local_call;
        sum->local_errno = part->local_errno;
    }
}

uint64_t accounting_ended(const struct accounting *accounting)
{
    uint64_t ended = 0;

    for (int i = 0; i < OUTCOMES; i++)
        ended += accounting->by_outcome[i];
    return ended;
}

bool accounting_balances(const struct accounting *accounting)
{
    return accounting->started == accounting_ended(accounting);
}
