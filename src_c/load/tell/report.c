// SPDX-License-Identifier: BSD-3-Clause
// The answer of a run as one JSON document.
#include "load/tell/report.h"

#include <string.h>

#include "load/tell/difference.h"
#include "load/tell/json.h"
#include "load/tell/reasons.h"
#include "load/tell/report_tally.h"

bool report_is_valid(const struct result *result) { return reasons_collect(result).count == 0; }

// A text that is null when there is none.
static void write_text(struct json *json, const char *name, const char *text)
{
    if (text != NULL)
        json_text(json, name, text);
    else
        json_null(json, name);
}

static void write_settings(struct json *json, const struct settings *s)
{
    json_open(json, "settings", '{');
    json_text(json, "host", s->host);
    json_unsigned(json, "port", s->port);
    json_text(json, "framing", settings_framing_name(s->framing));
    json_unsigned(json, "clients", s->clients);
    json_unsigned(json, "threads", s->threads);
    if (s->asks_fibonacci)
        json_unsigned(json, "n", s->n);
    else
        json_null(json, "n");
    write_text(json, "request", s->request);
    write_text(json, "expect", s->expect);
    write_text(json, "asks", s->asks_path);
    write_text(json, "ask", s->ask_name);
    if (s->requests == 0)
        json_signed(json, "duration_ns", s->duration_ns);
    else
        json_null(json, "duration_ns");
    json_unsigned(json, "requests", s->requests);
    if (s->warms_up_until_steady)
        json_null(json, "warmup_ns");
    else
        json_signed(json, "warmup_ns", s->warmup_ns);
    json_unsigned(json, "pipeline", s->pipeline);
    json_unsigned(json, "requests_per_connection", s->requests_per_connection);
    json_signed(json, "timeout_ns", s->timeout_ns);
    json_signed(json, "start_at_ns", s->start_at_ns);
    json_unsigned(json, "seed", s->seed);
    if (s->rate_billionths > 0)
        json_billionths(json, "rate_per_s", s->rate_billionths);
    else
        json_null(json, "rate_per_s");
    if (settings_have_open_loop(s))
        json_text(json, "arrivals", s->arrivals == ARRIVALS_UNIFORM ? "uniform" : "poisson");
    else
        json_null(json, "arrivals");
    json_bool(json, "spin", s->spin);
    if (s->max_overdue == MAX_OVERDUE_NONE)
        json_null(json, "max_overdue");
    else
        json_unsigned(json, "max_overdue", s->max_overdue);
    json_close(json, '}');
}

static void write_reasons(struct json *json, const char *name, const struct reasons *reasons)
{
    json_open(json, name, '[');
    for (int i = 0; i < reasons->count; i++)
        json_text(json, NULL, reasons->text[i]);
    json_close(json, ']');
}

static void write_validity(struct json *json, const struct result *result)
{
    const struct reasons reasons = reasons_collect(result);
    const struct reasons notes = notes_collect(result);

    json_bool(json, "interrupted", result->interrupted);
    json_bool(json, "valid", reasons.count == 0);
    write_reasons(json, "invalid", &reasons);
    write_reasons(json, "notes", &notes);
}

// How long the warm-up was; whether the server was steady then, if that was looked at; and whether
// it was too short for the first round of a closed loop.
static void write_warmup(struct json *json, const struct result *result)
{
    json_open(json, "warmup", '{');
    json_signed(json, "ns", result->warmup_ns);
    if (result->settings->warms_up_until_steady)
        json_bool(json, "steady", result->steady);
    else
        json_null(json, "steady");
    json_bool(json, "ramp", result_is_ramp(result));
    json_close(json, '}');
}

// How connections fared of which the kernel had to send something again.
static void write_resent(struct json *json, const struct result *result)
{
    const struct accounting *accounting = &result->total.accounting;

    json_unsigned(json, "retransmits", accounting->retransmits);
    json_open(json, "resent", '{');
    json_unsigned(json, "connections", accounting->resent_connections);
    json_unsigned(json, "timeout", accounting->resent[OUTCOME_TIMEOUT]);
    json_unsigned(json, "unfinished", accounting->resent[OUTCOME_UNFINISHED]);
    json_close(json, '}');
    if (result->listen_overflows >= 0)
        json_signed(json, "listen_overflows", result->listen_overflows);
    else
        json_null(json, "listen_overflows");
}

static void write_firsts(struct json *json, const struct result *result)
{
    const struct accounting *accounting = &result->total.accounting;

    const struct accounting *wrong = accounting->wrong_seen ? accounting : &result->total.cooldown;

    if (wrong->wrong_seen)
        difference_write(json, "first_wrong", &wrong->first_wrong);
    else
        json_null(json, "first_wrong");
    json_unsigned(json, "wrong_openings", accounting->wrong_openings);
    if (accounting->wrong_openings > 0)
        difference_write(json, "first_wrong_opening", &accounting->first_opening);
    else
        json_null(json, "first_wrong_opening");
    if (accounting->local_call != NULL) {
        char text[REASON_SIZE];
        snprintf(text, sizeof text, "%s: %s", accounting->local_call,
                 strerror(accounting->local_errno));
        json_text(json, "first_local_error", text);
    } else {
        json_null(json, "first_local_error");
    }
}

// What the latencies of a group include.
static const char *clock_of(const struct settings *s, const struct group *group)
{
    if (group->rate_billionths > 0)
        return "intended";
    return s->framing == FRAMING_MESSAGE || group->ask.per_connection > 0 ? "connection"
                                                                          : "service";
}

// What those of all groups that ask include.
static const char *clock_of_all(const struct settings *s)
{
    const char *clock = NULL;

    for (size_t i = 0; i < s->group_count; i++) {
        if (s->groups[i].idle)
            continue;
        const char *of_group = clock_of(s, &s->groups[i]);
        if (clock != NULL && strcmp(clock, of_group) != 0)
            return CLOCK_MIXED;
        clock = of_group;
    }
    return clock;
}

static void write_group(struct json *json, const struct result *result, size_t number)
{
    const struct group *group = &result->settings->groups[number];
    const struct tally *tally = &result->groups[number];

    json_open(json, NULL, '{');
    json_text(json, "name", group->name);
    json_bool(json, "idle", group->idle);
    report_clients(json, tally);
    if (result->settings->asks_fibonacci && !group->idle)
        json_unsigned(json, "n", group->n);
    else
        json_null(json, "n");
    json_text(json, "framing", settings_framing_name(result->settings->framing));
    write_text(json, "ask", *group->ask.name != '\0' ? group->ask.name : NULL);
    if (tally->open)
        json_billionths(json, "rate_per_s", group->rate_billionths);
    else
        json_null(json, "rate_per_s");
    json_open(json, "window", '{');
    report_replies(json, result, tally, tally_requests(tally, result_window_ns(result)));
    json_close(json, '}');
    report_counts(json, tally);
    report_latency(json, tally, clock_of(result->settings, group));
    report_cooldown(json, result, tally);
    report_open_loop(json, result, tally, group->rate_billionths);
    report_closed_loop(json, result, tally, result_runs_dry(result->settings, group));
    report_seconds(json, tally);
    json_unsigned(json, "lost", tally->lost);
    json_close(json, '}');
}

static void write_total(struct json *json, const struct result *result)
{
    const struct settings *s = result->settings;
    const struct tally *total = &result->total;
    bool runs_dry = false;

    for (size_t i = 0; i < s->group_count; i++)
        runs_dry = runs_dry || (!s->groups[i].idle && result_runs_dry(s, &s->groups[i]));
    json_open(json, "window", '{');
    json_signed(json, "begin_ns", result->begin_ns);
    json_signed(json, "end_ns", result->end_ns);
    json_signed(json, "duration_ns", result->end_ns - result->begin_ns);
    report_replies(json, result, total, result_served(result));
    json_close(json, '}');
    report_counts(json, total);
    json_unsigned(json, "surplus_bytes", total->accounting.surplus_bytes);
    write_firsts(json, result);
    report_clients(json, total);
    json_unsigned(json, "connections_opened", total->accounting.connections_opened);
    json_unsigned(json, "repeated", total->accounting.repeated);
    write_resent(json, result);
    report_cooldown(json, result, total);
    report_open_loop(json, result, total, result_offered_billionths(result));
    report_closed_loop(json, result, total, runs_dry);
    report_latency(json, total, clock_of_all(s));
}

static void write_parting(struct json *json, const struct parting *parting)
{
    json_open(json, "parting", '{');
    json_unsigned(json, "closed", parting->closed);
    json_unsigned(json, "reset", parting->reset);
    json_unsigned(json, "held", parting->held);
    json_close(json, '}');
}

bool report_write(const struct result *result, FILE *out)
{
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    json_unsigned(&json, "schema", 2);
    json_text(&json, "program", "fibload");
    write_settings(&json, result->settings);
    write_validity(&json, result);
    write_warmup(&json, result);
    write_total(&json, result);
    json_open(&json, "groups", '[');
    for (size_t i = 0; i < result->settings->group_count; i++)
        write_group(&json, result, i);
    json_close(&json, ']');
    write_parting(&json, &result->total.accounting.parting);
    json_open(&json, "generator", '{');
    json_signed(&json, "cpu_user_ns", result->cpu.user_ns);
    json_signed(&json, "cpu_system_ns", result->cpu.system_ns);
    if (result->cpu.delay_ns >= 0)
        json_signed(&json, "run_delay_ns", result->cpu.delay_ns);
    else
        json_null(&json, "run_delay_ns");
    json_signed(&json, "wall_ns", result->end_ns - result->begin_ns);
    json_unsigned(&json, "threads", result->settings->threads);
    json_signed(&json, "rss_peak_bytes", result->extent.rss_peak_bytes);
    json_signed(&json, "switches_voluntary", result->extent.switches_voluntary);
    json_signed(&json, "switches_involuntary", result->extent.switches_involuntary);
    json_close(&json, '}');
    json_close(&json, '}');
    putc('\n', out);
    return fflush(out) == 0 && ferror(out) == 0;
}
