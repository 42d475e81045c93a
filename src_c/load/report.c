// SPDX-License-Identifier: BSD-3-Clause
// What a run has found, and its answer as one JSON document.
#include "report.h"

#include "clock.h"
#include "json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum { REASONS_MAX = 10, REASON_SIZE = 240 };

struct reasons {
    int count;
    char text[REASONS_MAX][REASON_SIZE];
};

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

// Collects why the measurement must not be used. Connections that were refused, closed or reset
// before the first byte of a reply are counted, and judged by who knows what the server promises.
static void collect_reasons(const struct result *result, struct reasons *reasons)
{
    const struct accounting *accounting = &result->accounting;
    const uint64_t *by = accounting->by_outcome;

    reasons->count = 0;
    if (by[OUTCOME_WRONG] > 0)
        add_reason(reasons, "wrong replies: %" PRIu64, by[OUTCOME_WRONG]);
    if (accounting->surplus_bytes > 0)
        add_reason(reasons, "bytes that nobody asked for: %" PRIu64, accounting->surplus_bytes);
    if (accounting->cut_short > 0)
        add_reason(reasons, "replies cut short by the server: %" PRIu64, accounting->cut_short);
    if (by[OUTCOME_TIMEOUT] > 0)
        add_reason(reasons, "requests given up as too old: %" PRIu64, by[OUTCOME_TIMEOUT]);
    if (by[OUTCOME_LOCAL] > 0)
        add_reason(reasons, "failures on the generator's own side: %" PRIu64 ", the first %s: %s",
                   by[OUTCOME_LOCAL], accounting->local_call, strerror(accounting->local_errno));
    if (result->histogram.out_of_range > 0)
        add_reason(reasons, "latencies outside 1 ns to 60 s: %" PRIu64,
                   result->histogram.out_of_range);
    if (result->stalled)
        add_reason(reasons, "stopped before the wanted number of replies: none came for too long");
    if (result->edges_error != 0)
        add_reason(reasons, "the window's edges could not be announced: %s",
                   strerror(result->edges_error));
    if (result->histogram.total + result->histogram.out_of_range == 0)
        add_silence(reasons, accounting);
}

bool report_is_valid(const struct result *result)
{
    struct reasons reasons;

    collect_reasons(result, &reasons);
    return reasons.count == 0;
}

static void write_settings(struct json *json, const struct settings *s)
{
    json_open(json, "settings", '{');
    json_text(json, "host", s->host);
    json_unsigned(json, "port", s->port);
    json_text(json, "framing", s->framing == FRAMING_LINE ? "line" : "message");
    json_unsigned(json, "clients", s->clients);
    json_unsigned(json, "threads", s->threads);
    if (s->asks_fibonacci)
        json_unsigned(json, "n", s->n);
    else
        json_null(json, "n");
    json_text(json, "request", s->request);
    json_text(json, "expect", s->expect);
    if (s->requests == 0)
        json_signed(json, "duration_ns", s->duration_ns);
    else
        json_null(json, "duration_ns");
    json_unsigned(json, "requests", s->requests);
    json_signed(json, "warmup_ns", s->warmup_ns);
    json_unsigned(json, "pipeline", s->pipeline);
    json_unsigned(json, "requests_per_connection", s->requests_per_connection);
    json_signed(json, "timeout_ns", s->timeout_ns);
    json_signed(json, "start_at_ns", s->start_at_ns);
    json_unsigned(json, "seed", s->seed);
    json_close(json, '}');
}

static void write_validity(struct json *json, const struct result *result)
{
    struct reasons reasons;

    collect_reasons(result, &reasons);
    json_bool(json, "interrupted", result->interrupted);
    json_bool(json, "valid", reasons.count == 0);
    json_open(json, "invalid", '[');
    for (int i = 0; i < reasons.count; i++)
        json_text(json, NULL, reasons.text[i]);
    json_close(json, ']');
}

static void write_window(struct json *json, const struct result *result)
{
    int64_t duration_ns = result->end_ns - result->begin_ns;
    uint64_t ok = result->histogram.total + result->histogram.out_of_range;
    uint64_t first = timeline_before(&result->timeline, duration_ns / 2);
    double per_s = duration_ns > 0 ? (double)ok * NS_PER_S / (double)duration_ns : 0;

    json_open(json, "window", '{');
    json_signed(json, "begin_ns", result->begin_ns);
    json_signed(json, "end_ns", result->end_ns);
    json_signed(json, "duration_ns", duration_ns);
    json_unsigned(json, "ok", ok);
    json_open(json, "half_ok", '[');
    json_unsigned(json, NULL, first);
    json_unsigned(json, NULL, ok - first);
    json_close(json, ']');
    json_thousandths(json, "throughput_per_s", (uint64_t)(per_s * 1000 + 0.5));
    json_close(json, '}');
}

static void write_counts(struct json *json, const struct result *result)
{
    const struct accounting *accounting = &result->accounting;

    json_open(json, "counts", '{');
    json_unsigned(json, "started", accounting->started);
    for (int i = 0; i < OUTCOMES; i++)
        json_unsigned(json, outcome_name((enum outcome)i), accounting->by_outcome[i]);
    json_close(json, '}');
    json_unsigned(json, "cut_short", accounting->cut_short);
    json_unsigned(json, "surplus_bytes", accounting->surplus_bytes);
}

static void write_firsts(struct json *json, const struct result *result)
{
    const struct accounting *accounting = &result->accounting;

    if (accounting->wrong_seen) {
        const char *expect = result->settings->expect;
        json_open(json, "first_wrong", '{');
        json_bytes(json, "expected", expect, strnlen(expect, WRONG_SHOWN));
        json_bytes(json, "got", accounting->first_wrong.bytes, accounting->first_wrong.size);
        json_bool(json, "cut", accounting->first_wrong.cut);
        json_close(json, '}');
    } else {
        json_null(json, "first_wrong");
    }
    if (accounting->local_call != NULL) {
        char text[REASON_SIZE];
        snprintf(text, sizeof text, "%s: %s", accounting->local_call,
                 strerror(accounting->local_errno));
        json_text(json, "first_local_error", text);
    } else {
        json_null(json, "first_local_error");
    }
}

static void write_clients(struct json *json, const struct result *result)
{
    json_open(json, "clients", '{');
    json_unsigned(json, "asked", result->settings->clients);
    json_unsigned(json, "connected", result->connected);
    json_unsigned(json, "answered", result->answered);
    json_close(json, '}');
    json_unsigned(json, "connections_opened", result->accounting.connections_opened);
    json_unsigned(json, "retransmits", result->accounting.retransmits);
}

static void write_histogram(struct json *json, const struct histogram *histogram)
{
    json_open(json, "histogram", '{');
    json_signed(json, "lowest_ns", HISTOGRAM_LOWEST_NS);
    json_signed(json, "highest_ns", HISTOGRAM_HIGHEST_NS);
    json_unsigned(json, "significant_digits", HISTOGRAM_SIGNIFICANT_DIGITS);
    json_open(json, "counts", '[');
    for (size_t i = 0; i < HISTOGRAM_COUNTS; i++) {
        if (histogram->counts[i] == 0)
            continue;
        json_open(json, NULL, '[');
        json_unsigned(json, NULL, i);
        json_unsigned(json, NULL, histogram->counts[i]);
        json_close(json, ']');
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void write_latency(struct json *json, const struct result *result)
{
    static const struct {
        const char *name;
        double percent;
    } percentiles[] = {{"p50_ns", 50}, {"p90_ns", 90}, {"p99_ns", 99}, {"p999_ns", 99.9}};
    const struct histogram *histogram = &result->histogram;
    const struct settings *s = result->settings;
    bool with_connection = s->framing == FRAMING_MESSAGE || s->requests_per_connection > 0;
    bool empty = histogram->total == 0;

    json_open(json, "latency", '{');
    json_text(json, "clock", with_connection ? "connection" : "service");
    json_unsigned(json, "count", histogram->total);
    if (empty) {
        json_null(json, "min_ns");
        json_null(json, "mean_ns");
        json_null(json, "max_ns");
    } else {
        json_signed(json, "min_ns", histogram_min(histogram));
        json_unsigned(json, "mean_ns", histogram_mean(histogram));
        json_signed(json, "max_ns", histogram_max(histogram));
    }
    for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++) {
        if (empty)
            json_null(json, percentiles[i].name);
        else
            json_signed(json, percentiles[i].name,
                        histogram_percentile(histogram, percentiles[i].percent));
    }
    write_histogram(json, histogram);
    json_close(json, '}');
}

bool report_write(const struct result *result, FILE *out)
{
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    json_unsigned(&json, "schema", 1);
    json_text(&json, "program", "fibload");
    write_settings(&json, result->settings);
    write_validity(&json, result);
    write_window(&json, result);
    write_counts(&json, result);
    write_firsts(&json, result);
    write_clients(&json, result);
    write_latency(&json, result);
    json_open(&json, "generator", '{');
    json_signed(&json, "cpu_user_ns", result->cpu.user_ns);
    json_signed(&json, "cpu_system_ns", result->cpu.system_ns);
    json_signed(&json, "wall_ns", result->end_ns - result->begin_ns);
    json_unsigned(&json, "threads", result->settings->threads);
    json_close(&json, '}');
    json_close(&json, '}');
    putc('\n', out);
    return fflush(out) == 0 && ferror(out) == 0;
}
