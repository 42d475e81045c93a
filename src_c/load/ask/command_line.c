// SPDX-License-Identifier: BSD-3-Clause
// The command line of fibload, read, checked and resolved.
#include "load/ask/command_line.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "core/arguments.h"
#include "core/clock.h"
#include "core/numbers.h"
#include "load/ask/asking.h"

enum { THREADS_MAX = 1024, PIPELINE_MAX = 1024 };

static const int64_t TIMEOUT_MAX_NS =
    INT64_C(60) * NS_PER_S; // no longer than the histogram reaches
static const int64_t DURATION_MAX_NS = INT64_C(366) * 24 * 3600 * NS_PER_S;

static const char *const ARRIVALS[] = {
    [ARRIVALS_POISSON] = "poisson", [ARRIVALS_UNIFORM] = "uniform", NULL};
static const char *const FORMATS[] = {
    [TOLD_AUTO] = "auto", [TOLD_JSON] = "json", [TOLD_TEXT] = "text", NULL};

// Parses into `s`, whose values so far are the defaults.
// NOLINTNEXTLINE(readability-function-size): a table
static void parse(struct settings *s, struct argument_texts *groups, int argc, char *const argv[])
{
    int framing = (int)s->framing;
    int arrivals = (int)s->arrivals;
    int told = (int)s->told;
    int64_t rate_billionths = 0;
    uint64_t start_at_ns = (uint64_t)s->start_at_ns;
    const uint64_t timeout_max = (uint64_t)TIMEOUT_MAX_NS;
    const uint64_t duration_max = (uint64_t)DURATION_MAX_NS;
    const struct argument options[] = {
        {"host", ARGUMENT_TEXT, {.text = &s->host}, "ADDR", .help = "address of the server"},
        {"framing",
         ARGUMENT_CHOICE,
         {.choice = &framing},
         .choices = SETTINGS_FRAMINGS,
         .help = "how a reply ends: with its connection, its line, its size, or as HTTP says"},
        {"clients",
         ARGUMENT_UNSIGNED,
         {.number = &s->clients},
         "N",
         .min = 1,
         .max = GROUP_CLIENTS_MAX,
         .help = "connections driven at once"},
        {"threads",
         ARGUMENT_UNSIGNED,
         {.number = &s->threads},
         "N",
         .min = 1,
         .max = THREADS_MAX,
         .help = "event loops that share the clients"},
        {"n",
         ARGUMENT_UNSIGNED,
         {.number = &s->n},
         "N",
         .max = EXCHANGE_MAX_N,
         .help = "ask for fibonacci(N)"},
        {"request",
         ARGUMENT_TEXT,
         {.text = &s->request},
         "TEXT",
         .may_be_empty = true,
         .help = "ask this instead; needs --expect"},
        {"expect",
         ARGUMENT_TEXT,
         {.text = &s->expect},
         "TEXT",
         .may_be_empty = true,
         .help = "the only right reply to it"},
        {"asks",
         ARGUMENT_TEXT,
         {.text = &s->asks_path},
         "FILE",
         .help = "named requests of any bytes; bytes and http framing"},
        {"ask",
         ARGUMENT_TEXT,
         {.text = &s->ask_name},
         "NAME",
         .help = "which of them to send, if there are several"},
        {"check",
         ARGUMENT_FLAG,
         {.flag = &s->check},
         .help = "ask each of them once on each of --clients connections, and measure nothing"},
        {"learned",
         ARGUMENT_TEXT,
         {.text = &s->learned_path},
         "FILE",
         .help = "write the requests there with the bodies that came; of --check"},
        {"replies",
         ARGUMENT_TEXT,
         {.text = &s->replies_path},
         "FILE",
         .help = "write the replies there, for null_server; of --check"},
        {"duration",
         ARGUMENT_SECONDS,
         {.ns = &s->duration_ns},
         "S",
         .min = 1,
         .max = duration_max,
         .help = "length of the window"},
        {"requests",
         ARGUMENT_UNSIGNED,
         {.number = &s->requests},
         "N",
         .help = "end the window with the Nth reply instead; 0 for never"},
        {"warmup",
         ARGUMENT_TEXT,
         {.text = &s->warmup},
         "S",
         .help = "load before the window; auto: until the server is steady, at most 10"},
        {"pipeline",
         ARGUMENT_UNSIGNED,
         {.number = &s->pipeline},
         "D",
         .min = 1,
         .max = PIPELINE_MAX,
         .help = "requests in flight on a connection; not in message framing"},
        {"requests-per-connection",
         ARGUMENT_UNSIGNED,
         {.number = &s->requests_per_connection},
         "K",
         .help = "connect anew after K replies, 0 for never; not in message framing"},
        {"timeout",
         ARGUMENT_SECONDS,
         {.ns = &s->timeout_ns},
         "S",
         .min = NS_PER_MS,
         .max = timeout_max,
         .help = "give a request up after this long, at most 60"},
        {"start-at",
         ARGUMENT_UNSIGNED,
         {.number = &start_at_ns},
         "NS",
         .max = INT64_MAX,
         .help = "begin at this time of CLOCK_MONOTONIC; 0 for now"},
        {"seed",
         ARGUMENT_UNSIGNED,
         {.number = &s->seed},
         "N",
         .help = "of what is drawn at random: Poisson arrivals"},
        {"rate",
         ARGUMENT_DECIMAL,
         {.ns = &rate_billionths},
         "R",
         .min = GROUP_RATE_MIN,
         .max = GROUP_RATE_MAX,
         .help = "requests due per second, whatever becomes of them: an open loop"},
        {"arrivals",
         ARGUMENT_CHOICE,
         {.choice = &arrivals},
         .choices = ARRIVALS,
         .help = "when they are due: at random, or evenly spaced"},
        {"spin", ARGUMENT_FLAG, {.flag = &s->spin}, .help = "never sleep: for a core of its own"},
        {"max-overdue",
         ARGUMENT_UNSIGNED,
         {.number = &s->max_overdue},
         "N",
         .max = INT64_MAX,
         .help = "give the run up when more requests than this wait for a client"},
        {"group",
         ARGUMENT_TEXTS,
         {.texts = groups},
         "SPEC",
         .help =
             "clients to be measured apart: name=A[,clients=N][,n=N|,ask=NAME][,rate=R][,arrivals=KIND], "
             "or name=A[,clients=N],idle"},
        {"format",
         ARGUMENT_CHOICE,
         {.choice = &told},
         .choices = FORMATS,
         .help = "tell the answer as JSON, or in a few lines of text; auto: as text to a terminal"},
        {"edges-fd",
         ARGUMENT_FD,
         {.fd = &s->edges_fd},
         "FD",
         .help = "announce the start of the warm-up, and the window's begin and end, there"},
    };
    const struct argument positionals[] = {
        {"PORT", ARGUMENT_PORT, {.port = &s->port}, .help = "TCP port of the server"},
    };
    const struct arguments table = {
        .program = "fibload",
        .summary =
            "Load one server in a closed or an open loop, compare every reply, say how long they took.",
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .positionals = positionals,
        .positional_count = 1,
    };

    arguments_parse_or_exit(&table, argc, argv);
    s->framing = (enum framing)framing;
    s->arrivals = (enum arrivals)arrivals;
    s->told = (enum told)told;
    s->rate_billionths = (uint64_t)rate_billionths;
    s->start_at_ns = (int64_t)start_at_ns;
}

static void resolve_warmup(struct settings *s)
{
    uint64_t ns = 0;

    s->warms_up_until_steady = strcmp(s->warmup, "auto") == 0;
    if (!s->warms_up_until_steady && (numbers_read_time(s->warmup, NS_PER_S, &ns) != NUMBER_GOOD ||
                                      ns > (uint64_t)DURATION_MAX_NS))
        settings_reject("--warmup '%.60s' is not a time (auto, or 0 to %" PRId64 " seconds)",
                        s->warmup, DURATION_MAX_NS / NS_PER_S);
    s->warmup_ns = (int64_t)ns;
}

static void resolve_address(struct settings *s)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&s->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&s->address;

    if (s->port == 0)
        settings_reject("PORT '0' cannot be connected to (1 to 65535)");
    memset(&s->address, 0, sizeof s->address);
    if (inet_pton(AF_INET, s->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(s->port);
        s->address_size = sizeof *v4;
    } else if (inet_pton(AF_INET6, s->host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(s->port);
        s->address_size = sizeof *v6;
    } else {
        settings_reject("--host '%.60s' is not an address (IPv4 or IPv6, in numbers)", s->host);
    }
}

static void check_combinations(const struct settings *s, bool arrivals_given)
{
    if (s->threads > s->clients) {
        settings_reject("--threads %" PRIu64 " is more than --clients %" PRIu64
                        " (a thread needs a client)",
                        s->threads, s->clients);
    }
    if (s->framing == FRAMING_MESSAGE && s->pipeline > 1) {
        settings_reject("--pipeline %" PRIu64
                        " needs another --framing (a message has its own connection)",
                        s->pipeline);
    }
    if (s->framing == FRAMING_MESSAGE && s->requests_per_connection > 0)
        settings_reject(
            "--requests-per-connection needs another --framing (a message has its own connection)");
    if (arrivals_given && !settings_have_open_loop(s))
        settings_reject("--arrivals needs --rate (a closed loop sends when it is answered)");
}

void command_line_read(struct settings *settings, int argc, char *const argv[])
{
    static const struct settings defaults = {
        .host = "127.0.0.1",
        .framing = FRAMING_MESSAGE,
        .clients = 1,
        .threads = 1,
        .n = 1,
        .warmup = "0",
        .duration_ns = NS_PER_S,
        .pipeline = 1,
        .timeout_ns = INT64_C(30) * NS_PER_S,
        .max_overdue = MAX_OVERDUE_NONE,
        .edges_fd = -1,
    };
    // Read a second time over other defaults: where both agree, a value was given.
    static struct settings probe; // too large for the stack's taste
    struct argument_texts groups = {0};
    struct argument_texts same_groups = {0};
    probe = defaults;
    probe.n = defaults.n + 1;
    probe.duration_ns = defaults.duration_ns + 1;
    probe.max_overdue = MAX_OVERDUE;
    probe.arrivals = ARRIVALS_UNIFORM;

    *settings = defaults;
    parse(settings, &groups, argc, argv);
    parse(&probe, &same_groups, argc, argv);
    bool duration_given = settings->duration_ns == probe.duration_ns;

    resolve_address(settings);
    resolve_warmup(settings);
    bool n_given = settings->n == probe.n;
    asking_resolve(settings, &groups, n_given);
    check_combinations(settings, settings->arrivals == probe.arrivals);
    if (settings->requests > 0) {
        if (duration_given)
            settings_reject("--duration and --requests exclude each other (one ends the window)");
        settings->duration_ns = 0;
        if (settings->max_overdue != probe.max_overdue)
            settings->max_overdue = MAX_OVERDUE;
    }
}
