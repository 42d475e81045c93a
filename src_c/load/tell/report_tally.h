// SPDX-License-Identifier: BSD-3-Clause
// What was counted of a group, or of all, as members of the JSON document.
#pragma once

#include <stdint.h>

#include "load/count/tally.h"
#include "load/tell/json.h"
#include "load/tell/result.h"

// The clock of totals whose parts have different ones: they have no percentiles in common.
#define CLOCK_MIXED "mixed"

// Right replies inside the window: how many, when, how fast; and `served`, which has those at its
// edges in part. Members without brackets.
void report_replies(struct json *json, const struct result *result, const struct tally *tally,
                    double served);

void report_counts(struct json *json, const struct tally *tally);
void report_clients(struct json *json, const struct tally *tally);

// "cooldown": what became of what was unfinished at the window's end; null where the load ended
// then.
void report_cooldown(struct json *json, const struct result *result, const struct tally *tally);

// "open_loop", null for a closed loop.
void report_open_loop(struct json *json, const struct result *result, const struct tally *tally,
                      uint64_t rate_billionths);

// "closed_loop", null for an open loop and an idle group. `runs_dry`: pipelines may.
void report_closed_loop(struct json *json, const struct result *result, const struct tally *tally,
                        bool runs_dry);

// All right replies whose time is known: in the window, and late ones to what was due in it. To be
// freed.
struct histogram *report_answered(const struct tally *tally);

// "latency"; `clock` says what it includes.
void report_latency(struct json *json, const struct tally *tally, const char *clock);

void report_seconds(struct json *json, const struct tally *tally);
