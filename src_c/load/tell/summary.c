// SPDX-License-Identifier: BSD-3-Clause
// The answer of a run in a few lines, for whoever sits at a terminal.
#include "load/tell/summary.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/clock.h"
#include "load/count/survival.h"
#include "load/tell/reasons.h"
#include "load/tell/report_tally.h"

// A percentile, and how many replies it needs: ten beyond it.
static const struct rank {
    const char *name;
    double percent;
    uint64_t replies;
} RANKS[] = {{"p50", 50, 10}, {"p90", 90, 100}, {"p99", 99, 1000}, {"p999", 99.9, 10000}};

enum { RANK_COUNT = sizeof RANKS / sizeof *RANKS };

// Three digits, and never an exponent.
static void write_figure(FILE *out, double figure)
{
    double limit = 99.5;
    int places = 0;

    while (places < 6 && figure < limit) {
        limit /= 10;
        places++;
    }
    fprintf(out, "%.*f", places, figure);
}

static void write_time(FILE *out, int64_t ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"s", 1e9}, {"ms", 1e6}, {"µs", 1e3}, {"ns", 1}};
    size_t unit = 0;

    while (unit < sizeof units / sizeof *units - 1 && (double)ns < units[unit].ns)
        unit++;
    write_figure(out, (double)ns / units[unit].ns);
    fprintf(out, " %s", units[unit].name);
}

static void write_replies(FILE *out, const struct result *result)
{
    const struct settings *settings = result->settings;
    double window_s = (double)result_window_ns(result) / (double)NS_PER_S;
    uint64_t ok = tally_ok(&result->total);

    write_figure(out, window_s > 0 ? (double)ok / window_s : 0);
    fprintf(out, "/s: %" PRIu64 " right %s in ", ok, ok == 1 ? "reply" : "replies");
    write_time(out, result_window_ns(result));
    fprintf(out, " to %" PRIu64 " %s in %s loop", settings->clients,
            settings->clients == 1 ? "client" : "clients",
            settings_have_open_loop(settings) ? "an open" : "a closed");
    if (settings_have_open_loop(settings)) {
        fputs(" that asked for ", out);
        write_figure(out, result_offered_per_s(result));
        fputs("/s", out);
    }
    if (settings->framing == FRAMING_MESSAGE)
        fputs(", a connection for each request", out);
    putc('\n', out);
}

// The percentiles that enough replies stand behind; what more would do is said of the first of the
// others.
static void write_latency(FILE *out, const struct result *result)
{
    const struct tally *total = &result->total;
    struct histogram *answered = report_answered(total);
    const struct lifetimes lifetimes = {answered, &total->censored, &total->entered};
    const struct rank *lacking = NULL;

    fputs("latency:", out);
    for (size_t i = 0; i < RANK_COUNT && lacking == NULL; i++) {
        int64_t ns = 0;
        if (answered->total < RANKS[i].replies ||
            !survival_percentile(&lifetimes, RANKS[i].percent, &ns)) {
            lacking = &RANKS[i];
            continue;
        }
        fprintf(out, " %s ", RANKS[i].name);
        write_time(out, ns);
        putc(',', out);
    }
    fputs(" longest ", out);
    if (answered->total > 0)
        write_time(out, histogram_max(answered));
    else
        putc('-', out);
    if (lacking != NULL)
        fprintf(out, " (%s needs %" PRIu64 " replies)", lacking->name, lacking->replies);
    putc('\n', out);
    free(answered);
}

// What became of the requests that had no right reply; those under way at the end are none of it.
static void write_failures(FILE *out, const struct result *result)
{
    const struct accounting *accounting = &result->total.accounting;
    bool any = false;

    for (int i = 0; i < OUTCOMES; i++) {
        if (i == OUTCOME_OK || i == OUTCOME_UNFINISHED || accounting->by_outcome[i] == 0)
            continue;
        fprintf(out, "%s%" PRIu64 " %s",
                any ? ", " : "not answered right: ", accounting->by_outcome[i],
                outcome_name((enum outcome)i));
        any = true;
    }
    if (any)
        putc('\n', out);
}

static void write_generator(FILE *out, const struct result *result)
{
    double used_ns = (double)(result->cpu.user_ns + result->cpu.system_ns);
    double wall_ns = (double)result_window_ns(result);

    fputs("the load generator used ", out);
    write_figure(out, wall_ns > 0 ? used_ns / wall_ns : 0);
    fputs(" cores\n", out);
}

static void write_lines(FILE *out, const char *head, const struct reasons *reasons)
{
    for (int i = 0; i < reasons->count; i++)
        fprintf(out, "%s: %s\n", head, reasons->text[i]);
}

bool summary_write(const struct result *result, FILE *out)
{
    const struct reasons invalid = reasons_collect(result);
    const struct reasons notes = notes_collect(result);

    write_replies(out, result);
    write_latency(out, result);
    write_failures(out, result);
    write_generator(out, result);
    if (result->interrupted)
        fputs("interrupted\n", out);
    write_lines(out, "NOT VALID", &invalid);
    write_lines(out, "note", &notes);
    return fflush(out) == 0 && ferror(out) == 0;
}
