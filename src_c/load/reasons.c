// SPDX-License-Identifier: BSD-3-Clause
// Why a measurement must not be used.
#include "reasons.h"

#include "clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
    double elapsed_s = (double)(result->end_ns - result->zero_ns) / NS_PER_S;
    double ok = (double)result->total.accounting.by_outcome[OUTCOME_OK];

    add_reason(reasons,
               "the backlog of overdue requests passed %" PRIu64
               ": the server answered %.4g of %.4g offered per second",
               result->settings->max_overdue, elapsed_s > 0 ? ok / elapsed_s : 0,
               result_offered_per_s(result));
}

// Collects why the measurement must not be used. Connections that were refused, closed or reset
// before the first byte of a reply are counted, and judged by who knows what the server promises.
struct reasons reasons_collect(const struct result *result)
{
    const struct accounting *accounting = &result->total.accounting;
    const uint64_t *by = accounting->by_outcome;
    struct reasons found = {0};
    struct reasons *reasons = &found;

    if (result->aborted)
        add_abort(reasons, result);
    if (by[OUTCOME_WRONG] > 0)
        add_reason(reasons, "wrong replies: %" PRIu64, by[OUTCOME_WRONG]);
    if (accounting->surplus_bytes > 0)
        add_reason(reasons, "bytes that nobody asked for: %" PRIu64, accounting->surplus_bytes);
    if (accounting->cut_short > 0)
        add_reason(reasons, "replies cut short by the server: %" PRIu64, accounting->cut_short);
    if (by[OUTCOME_TIMEOUT] > 0)
        add_reason(reasons, "requests given up as too old: %" PRIu64, by[OUTCOME_TIMEOUT]);
    if (accounting->local_call != NULL)
        add_reason(reasons, "failures on the generator's own side: %" PRIu64 ", the first %s: %s",
                   by[OUTCOME_LOCAL], accounting->local_call, strerror(accounting->local_errno));
    if (tally_out_of_range(&result->total) > 0)
        add_reason(reasons, "latencies outside 1 ns to 60 s: %" PRIu64,
                   tally_out_of_range(&result->total));
    if (result->stalled)
        add_reason(reasons, "stopped before the wanted number of replies: none came for too long");
    if (result->begin_late_ns * BEGIN_LATE_SHARE > result->end_ns - result->begin_ns)
        add_reason(reasons,
                   "the window's begin was set %" PRId64 " us late: this machine stood still",
                   result->begin_late_ns / 1000);
    if (result->edges_error != 0)
        add_reason(reasons, "the window's edges could not be announced: %s",
                   strerror(result->edges_error));
    if (tally_ok(&result->total) == 0)
        add_silence(reasons, accounting);
    return found;
}
