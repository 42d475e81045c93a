// SPDX-License-Identifier: BSD-3-Clause
// What was counted of a group, or of all, as members of the JSON document.
#include "load/tell/report_tally.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/die.h"
#include "load/count/survival.h"

// A number per second of the window, in thousandths.
static uint64_t per_second(const struct result *result, double number)
{
    double duration_s = (double)(result_window_ns(result)) / (double)NS_PER_S;

    return duration_s > 0 && number > 0 ? (uint64_t)(number / duration_s * 1000 + 0.5) : 0;
}

void report_replies(struct json *json, const struct result *result, const struct tally *tally,
                    double served)
{
    int64_t duration_ns = result_window_ns(result);
    uint64_t ok = tally_ok(tally);
    uint64_t first = timeline_before(&tally->timeline, duration_ns / 2);

    json_unsigned(json, "ok", ok);
    json_open(json, "half_ok", '[');
    json_unsigned(json, NULL, first);
    json_unsigned(json, NULL, ok - first);
    json_close(json, ']');
    json_thousandths(json, "throughput_per_s", per_second(result, (double)ok));
    json_thousandths(json, "served", served > 0 ? (uint64_t)(served * 1000 + 0.5) : 0);
    json_thousandths(json, "served_per_s", per_second(result, served));
}

static void write_counts(struct json *json, const struct accounting *accounting)
{
    json_open(json, "counts", '{');
    json_unsigned(json, "started", accounting->started);
    for (int i = 0; i < OUTCOMES; i++)
        json_unsigned(json, outcome_name((enum outcome)i), accounting->by_outcome[i]);
    json_close(json, '}');
}

void report_counts(struct json *json, const struct tally *tally)
{
    write_counts(json, &tally->accounting);
    json_unsigned(json, "cut_short", tally->accounting.cut_short);
}

void report_cooldown(struct json *json, const struct result *result, const struct tally *tally)
{
    if (!result->cooled_down) {
        json_null(json, "cooldown");
        return;
    }
    json_open(json, "cooldown", '{');
    json_signed(json, "ns", result->watched_ns - result->end_ns);
    write_counts(json, &tally->cooldown);
    json_close(json, '}');
}

void report_clients(struct json *json, const struct tally *tally)
{
    json_open(json, "clients", '{');
    json_unsigned(json, "asked", tally->asked);
    json_unsigned(json, "connected", tally->connected);
    json_unsigned(json, "answered", tally->answered);
    json_close(json, '}');
}

static void write_bin(struct json *json, size_t index, uint64_t count)
{
    json_open(json, NULL, '[');
    json_unsigned(json, NULL, index);
    json_unsigned(json, NULL, count);
    json_close(json, ']');
}

static void write_bins(struct json *json, const struct histogram *histogram)
{
    json_open(json, "counts", '[');
    for (size_t i = 0; i < HISTOGRAM_COUNTS; i++) {
        if (histogram->counts[i] > 0)
            write_bin(json, i, histogram->counts[i]);
    }
    json_close(json, ']');
}

static void write_histogram(struct json *json, const struct histogram *histogram)
{
    json_open(json, "histogram", '{');
    json_signed(json, "lowest_ns", HISTOGRAM_LOWEST_NS);
    json_signed(json, "highest_ns", HISTOGRAM_HIGHEST_NS);
    json_unsigned(json, "significant_digits", HISTOGRAM_SIGNIFICANT_DIGITS);
    write_bins(json, histogram);
    json_close(json, '}');
}

// A value that is null when there is none.
static void write_known(struct json *json, const char *name, bool known, int64_t value)
{
    if (known)
        json_signed(json, name, value);
    else
        json_null(json, name);
}

static void write_lag_figures(struct json *json, const struct histogram *lag)
{
    bool any = lag->total > 0;

    json_unsigned(json, "count", lag->total + lag->out_of_range);
    write_known(json, "p50_ns", any, histogram_percentile(lag, 50));
    write_known(json, "p99_ns", any, histogram_percentile(lag, 99));
    write_known(json, "max_ns", any, histogram_max(lag));
}

static void write_lag(struct json *json, const struct histogram *lag)
{
    json_open(json, "lag", '{');
    write_lag_figures(json, lag);
    write_histogram(json, lag);
    json_close(json, '}');
}

void report_open_loop(struct json *json, const struct result *result, const struct tally *tally,
                      uint64_t rate_billionths)
{
    if (!tally->open) {
        json_null(json, "open_loop");
        return;
    }
    json_open(json, "open_loop", '{');
    json_billionths(json, "offered_per_s", rate_billionths);
    json_unsigned(json, "due", tally->due);
    json_unsigned(json, "sent", tally->sent);
    json_unsigned(json, "unnoticed", tally->unnoticed);
    json_unsigned(json, "waiting_at_begin", tally->waiting_at_begin);
    json_unsigned(json, "waiting_at_end", tally->waiting_at_end);
    json_unsigned(json, "answered_late", tally->late.total);
    json_unsigned(json, "unanswered", tally->unanswered);
    json_unsigned(json, "overdue_at_end", tally->overdue_at_end);
    json_unsigned(json, "most_overdue", tally->most_overdue);
    json_bool(json, "aborted", result->aborted);
    write_known(json, "fastest_ns", tally->fastest_ns > 0, tally->fastest_ns);
    write_lag(json, &tally->lag);
    json_close(json, '}');
}

// Requests in flight by Little's law: exactly, since each counts for the time that it was in flight
// in the window. Null where their number is not fixed: before a connection is renewed its pipeline
// runs dry.
static void write_littles_law(struct json *json, const struct result *result,
                              const struct tally *tally, bool runs_dry)
{
    const struct settings *settings = result->settings;
    int64_t duration_ns = result_window_ns(result);
    double in_flight = 0;

    if (duration_ns > 0)
        in_flight = (double)tally->in_flight_ns / (double)duration_ns;
    json_thousandths(json, "in_flight", (uint64_t)(in_flight * 1000 + 0.5));
    if (duration_ns > 0 && !runs_dry) {
        double most = (double)tally->asked * (double)settings->pipeline;
        json_billionths(json, "littles_law", (uint64_t)(in_flight / most * 1e9 + 0.5));
    } else {
        json_null(json, "littles_law");
    }
}

void report_closed_loop(struct json *json, const struct result *result, const struct tally *tally,
                        bool runs_dry)
{
    if (tally->open || tally->idle) {
        json_null(json, "closed_loop");
        return;
    }
    json_open(json, "closed_loop", '{');
    write_littles_law(json, result, tally, runs_dry);
    json_unsigned(json, "first_round", tally->first_round);
    json_open(json, "lag", '{');
    write_lag_figures(json, &tally->read_lag);
    json_close(json, '}');
    json_close(json, '}');
}

typedef bool percentile_of(const struct lifetimes *lifetimes, double percent, int64_t *value_ns);

// The percentiles that are told, as a function has them; members without brackets.
static void write_percentiles(struct json *json, const struct lifetimes *lifetimes, bool one_clock,
                              percentile_of *find)
{
    static const struct {
        const char *name;
        double percent;
    } percentiles[] = {{"p50_ns", 50}, {"p90_ns", 90}, {"p99_ns", 99}, {"p999_ns", 99.9}};
    for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++) {
        double percent = percentiles[i].percent;
        int64_t value_ns = 0;
        bool known = one_clock && find(lifetimes, percent, &value_ns);
        write_known(json, percentiles[i].name, known, value_ns);
    }
}

static bool at_least(const struct lifetimes *lifetimes, double percent, int64_t *value_ns)
{
    return survival_percentile_if(lifetimes, CUT_OFF_ENDS_NOW, percent, value_ns);
}

static bool at_most(const struct lifetimes *lifetimes, double percent, int64_t *value_ns)
{
    return survival_percentile_if(lifetimes, CUT_OFF_NEVER_ENDS, percent, value_ns);
}

// Between what an open loop's percentiles lie, whatever becomes of what the end cut off.
static void write_bounds(struct json *json, const struct lifetimes *lifetimes, bool is_open,
                         bool one_clock)
{
    static const struct {
        const char *name;
        percentile_of *percentile_of;
    } bounds[] = {{"at_least", at_least}, {"at_most", at_most}, {"last_seen", survival_last_seen}};

    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        if (!is_open) {
            json_null(json, bounds[i].name);
            continue;
        }
        json_open(json, bounds[i].name, '{');
        write_percentiles(json, lifetimes, one_clock, bounds[i].percentile_of);
        json_close(json, '}');
    }
}

// What is known of requests that had no reply when the window ended, or when they were last seen.
static void write_unanswered(struct json *json, const struct tally *tally)
{
    const struct histogram *censored = &tally->censored;

    json_open(json, "censored", '{');
    json_unsigned(json, "count", censored->total + censored->out_of_range);
    write_known(json, "max_ns", censored->total > 0, histogram_max(censored));
    write_bins(json, censored);
    json_close(json, '}');
    json_open(json, "late", '{');
    json_unsigned(json, "count", tally->late.total);
    write_bins(json, &tally->late);
    json_close(json, '}');
    json_open(json, "entered", '{');
    write_bins(json, &tally->entered);
    json_close(json, '}');
}

struct histogram *report_answered(const struct tally *tally)
{
    struct histogram *sum = calloc(1, sizeof *sum);

    if (sum == NULL)
        die("fibload", "cannot report", errno);
    histogram_add(sum, &tally->histogram);
    histogram_add(sum, &tally->late);
    return sum;
}

void report_latency(struct json *json, const struct tally *tally, const char *clock)
{
    struct histogram *answered = report_answered(tally);
    const struct lifetimes lifetimes = {answered, &tally->censored, &tally->entered};
    int64_t max_ns = histogram_max(answered);
    bool any = answered->total > 0;
    bool one_clock = strcmp(clock, CLOCK_MIXED) != 0;

    if (histogram_max(&tally->censored) > max_ns)
        max_ns = histogram_max(&tally->censored);
    json_open(json, "latency", '{');
    json_text(json, "clock", clock);
    json_unsigned(json, "count", tally->histogram.total);
    write_known(json, "min_ns", any, histogram_min(answered));
    write_known(json, "mean_ns", any, (int64_t)histogram_mean(answered));
    write_known(json, "max_ns", any || tally->censored.total > 0, max_ns);
    write_percentiles(json, &lifetimes, one_clock, survival_percentile);
    write_bounds(json, &lifetimes, tally->open, one_clock);
    write_histogram(json, &tally->histogram);
    write_unanswered(json, tally);
    json_close(json, '}');
    free(answered);
}

void report_seconds(struct json *json, const struct tally *tally)
{
    json_open(json, "seconds", '[');
    for (size_t i = 0; i < tally->seconds.kept_count; i++) {
        const struct second *second = &tally->seconds.kept[i];
        json_open(json, NULL, '{');
        json_signed(json, "second", second->number);
        json_unsigned(json, "ok", second->total + second->out_of_range);
        json_open(json, "counts", '[');
        for (size_t j = 0; j < second->bin_count; j++)
            write_bin(json, second->bins[j].index, second->bins[j].count);
        json_close(json, ']');
        json_close(json, '}');
    }
    json_close(json, ']');
}
