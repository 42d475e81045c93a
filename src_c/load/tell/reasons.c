// SPDX-License-Identifier: BSD-3-Clause
// Why a measurement must not be used, and what must be known of it.
#include "load/tell/reasons.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "load/tell/difference.h"

enum { BEGIN_LATE_SHARE = 200 }; // replies of half a percent of the window may be missing

__attribute__((format(printf, 2, 3))) static void add_reason(struct reasons *reasons,
                                                             const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(reasons->text[reasons->count++], REASON_SIZE, format, list);
    va_end(list);
}

// Says that nothing was measured, and what happened instead.
static void add_silence(struct reasons *reasons, const struct accounting *accounting)
{
    char what[REASON_SIZE] = "";
    size_t used = 0;

    for (int i = 0; i < OUTCOMES; i++) {
        if (i == OUTCOME_OK || accounting->by_outcome[i] == 0 || used >= sizeof what)
            continue;
        used += (size_t)snprintf(what + used, sizeof what - used, "%s%" PRIu64 " %s",
                                 used == 0 ? "" : ", ", accounting->by_outcome[i],
                                 outcome_name((enum outcome)i));
    }
    add_reason(reasons, "no right reply was received inside the window (%.180s)",
               used == 0 ? "nothing else happened" : what);
}

// Says that the server could not keep up, and by how much.
static void add_abort(struct reasons *reasons, const struct result *result)
{
    double elapsed_s = (double)(result->end_ns - result->zero_ns) / (double)NS_PER_S;
    double ok = (double)result->total.accounting.by_outcome[OUTCOME_OK];

    add_reason(reasons,
               "the backlog of overdue requests passed %" PRIu64
               ": the server answered %.4g of %.4g offered per second",
               result->settings->max_overdue, elapsed_s > 0 ? ok / elapsed_s : 0,
               result_offered_per_s(result));
}

// Says how the first wrong reply differs from what was expected; `when` they came, if not before
// the window's end.
static void add_wrong(struct reasons *reasons, const struct accounting *accounting,
                      const char *when)
{
    char how[DIFFERENCE_SIZE];

    difference_say(how, &accounting->first_wrong);
    add_reason(reasons, "wrong replies%s: %" PRIu64 ", the first %s", when,
               accounting->by_outcome[OUTCOME_WRONG], how);
}

// Says that connections did not begin as they must: requests may or may not have waited for them.
static void add_wrong_openings(struct reasons *reasons, const struct accounting *accounting)
{
    char how[DIFFERENCE_SIZE];

    difference_say(how, &accounting->first_opening);
    add_reason(reasons,
               "connections that began in another way than the opening says: %" PRIu64
               ", the first %s",
               accounting->wrong_openings, how);
}

enum { QUEUE_SIZE = 128 };

// Says that a listen queue overflowed, where something had to be sent again. Who waits for the
// kernel to do that waits whole seconds, and for none of the server's code.
static void say_overflows(char text[QUEUE_SIZE], const struct result *result, uint64_t resent)
{
    text[0] = '\0';
    if (resent > 0 && result->listen_overflows > 0) {
        snprintf(text, QUEUE_SIZE,
                 ": a listen queue overflowed %" PRId64
                 " times (counted in the whole network namespace)",
                 result->listen_overflows);
    }
}

// Says that requests were given up.
static void add_timeouts(struct reasons *reasons, const struct result *result)
{
    const struct accounting *accounting = &result->total.accounting;
    uint64_t given_up = accounting->by_outcome[OUTCOME_TIMEOUT];
    uint64_t resent = accounting->resent[OUTCOME_TIMEOUT];
    char how[128] = "";
    char queue[QUEUE_SIZE];

    if (resent > 0 && resent == given_up)
        snprintf(how, sizeof how, ", all waiting for a SYN or data sent again");
    else if (resent > 0)
        snprintf(how, sizeof how, ", %" PRIu64 " of them waiting for a SYN or data sent again",
                 resent);
    say_overflows(queue, result, resent);
    add_reason(reasons, "requests given up as too old: %" PRIu64 "%s%s", given_up, how, queue);
}

// Collects why the measurement must not be used. Connections that were refused, closed or reset
// before the first byte of a reply are counted, and judged by who knows what the server promises.
// Of what comes after the window only a wrong reply is one: what else has none then is as good as
// unfinished.
struct reasons reasons_collect(const struct result *result)
{
    const struct accounting *accounting = &result->total.accounting;
    const struct accounting *cooldown = &result->total.cooldown;
    const uint64_t *by = accounting->by_outcome;
    struct reasons found = {0};
    struct reasons *reasons = &found;

    if (result->aborted)
        add_abort(reasons, result);
    if (by[OUTCOME_WRONG] > 0)
        add_wrong(reasons, accounting, "");
    if (cooldown->by_outcome[OUTCOME_WRONG] > 0)
        add_wrong(reasons, cooldown, " after the window");
    if (accounting->wrong_openings > 0)
        add_wrong_openings(reasons, accounting);
    if (accounting->surplus_bytes > 0)
        add_reason(reasons, "bytes that nobody asked for: %" PRIu64, accounting->surplus_bytes);
    if (accounting->cut_short > 0)
        add_reason(reasons, "replies cut short by the server: %" PRIu64, accounting->cut_short);
    if (by[OUTCOME_TIMEOUT] > 0)
        add_timeouts(reasons, result);
    if (accounting->local_call != NULL)
        add_reason(reasons, "failures on the generator's own side: %" PRIu64 ", the first %s: %s",
                   by[OUTCOME_LOCAL], accounting->local_call, strerror(accounting->local_errno));
    if (result->total.histogram.out_of_range > 0)
        add_reason(reasons, "latencies outside 1 ns to 60 s: %" PRIu64,
                   result->total.histogram.out_of_range);
    if (result->stalled)
        add_reason(reasons, "stopped before the wanted number of replies: none came for too long");
    if (result->begin_late_ns * BEGIN_LATE_SHARE > result->end_ns - result->begin_ns) {
        add_reason(reasons,
                   "the window's begin was set %" PRId64 " us late: this machine stood still",
                   result->begin_late_ns / 1000);
    }
    if (result->edges_error != 0)
        add_reason(reasons, "the window's edges could not be announced: %s",
                   strerror(result->edges_error));
    if (tally_ok(&result->total) == 0)
        add_silence(reasons, accounting);
    return found;
}

// Says that connections had to send something again.
static void add_resent(struct reasons *notes, const struct result *result)
{
    const struct accounting *accounting = &result->total.accounting;
    char queue[QUEUE_SIZE];

    say_overflows(queue, result, accounting->resent_connections);
    add_reason(notes,
               "connections that waited for a SYN or data sent again: %" PRIu64
               ", requests still waiting at the end: %" PRIu64 "%s",
               accounting->resent_connections, accounting->resent[OUTCOME_UNFINISHED], queue);
}

// Says that the window opened too early.
static void add_ramp(struct reasons *notes, const struct result *result)
{
    add_reason(
        notes,
        "the first round was under way when the window opened (%" PRIu64 " of %" PRIu64
        " replies were to their client's first request): latencies are those of a queue that "
        "fills; a longer --warmup shows the steady load",
        result->total.first_round, tally_ok(&result->total));
}

struct reasons notes_collect(const struct result *result)
{
    struct reasons notes = {0};

    if (result->total.accounting.resent_connections > 0)
        add_resent(&notes, result);
    if (result_is_ramp(result))
        add_ramp(&notes, result);
    return notes;
}
