// SPDX-License-Identifier: BSD-3-Clause
// What a run has found.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load/ask/settings.h"
#include "load/count/tally.h"
#include "load/drive/cpu.h"

struct result {
    const struct settings *settings;
    struct tally *groups; // in the order of the settings
    struct tally total;   // of the groups that ask
    struct cpu_use cpu;
    struct cpu_extent extent;
    int64_t zero_ns;   // when the schedules of open loops began
    int64_t warmup_ns; // from the start to the begin
    bool steady;       // the warm-up ended since the server was
    int64_t begin_ns;
    int64_t end_ns;
    bool cooled_down;   // the load went on after it
    int64_t watched_ns; // until when what was unfinished at the end was watched
    bool interrupted;
    bool stalled;             // not enough replies came for --requests
    bool aborted;             // too many requests were overdue
    int64_t begin_late_ns;    // how late the begin was set; not above 0: in time
    int64_t listen_overflows; // during the run, in this network namespace; -1: not known
    int edges_error;          // errno of an announcement that failed; 0: none did
};

// Whether the first round of a closed loop was under way in the window, and mattered.
bool result_is_ramp(const struct result *result);

// How long the window was.
static inline int64_t result_window_ns(const struct result *result)
{
    return result->end_ns - result->begin_ns;
}

// Requests that were served in it, of all groups: see tally_requests().
double result_served(const struct result *result);

// Requests that all open loops together should start in a second; in billionths: exactly.
double result_offered_per_s(const struct result *result);
uint64_t result_offered_billionths(const struct result *result);

// Whether a pipeline may run dry in a group: before a connection is renewed.
bool result_runs_dry(const struct settings *settings, const struct group *group);
