// SPDX-License-Identifier: BSD-3-Clause
// What fibload was asked to do: its command line, checked and resolved.
#include "load/ask/settings.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arguments.h"
#include "core/clock.h"
#include "core/numbers.h"

enum { THREADS_MAX = 1024, PIPELINE_MAX = 1024 };

static const int64_t TIMEOUT_MAX_NS =
    INT64_C(60) * NS_PER_S; // no longer than the histogram reaches
static const int64_t DURATION_MAX_NS = INT64_C(366) * 24 * 3600 * NS_PER_S;

static const char *const ARRIVALS[] = {
    [ARRIVALS_POISSON] = "poisson", [ARRIVALS_UNIFORM] = "uniform", NULL};
static const char *const FRAMINGS[] = {
    [FRAMING_MESSAGE] = "message", [FRAMING_LINE] = "line", NULL};

__attribute__((format(printf, 1, 2), noreturn)) static void reject(const char *format, ...)
{
    va_list list;

    fputs("fibload: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputs("; try --help\n", stderr);
    exit(2);
}

// Parses into `s`, whose values so far are the defaults.
// NOLINTNEXTLINE(readability-function-size): a table
static void parse(struct settings *s, struct argument_texts *groups, int argc, char *const argv[])
{
    int framing = (int)s->framing;
    int arrivals = (int)s->arrivals;
    int64_t rate_billionths = 0;
    uint64_t start_at_ns = (uint64_t)s->start_at_ns;
    const uint64_t timeout_max = (uint64_t)TIMEOUT_MAX_NS;
    const uint64_t duration_max = (uint64_t)DURATION_MAX_NS;
    const struct argument options[] = {
        {"host", ARGUMENT_TEXT, {.text = &s->host}, "ADDR", .help = "address of the server"},
        {"framing",
         ARGUMENT_CHOICE,
         {.choice = &framing},
         .choices = FRAMINGS,
         .help = "a connection for each request, or lines on a kept one"},
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
         .help = "requests in flight on a connection; line framing"},
        {"requests-per-connection",
         ARGUMENT_UNSIGNED,
         {.number = &s->requests_per_connection},
         "K",
         .help = "connect anew after K replies, 0 for never; line framing"},
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
         .help = "clients to be measured apart: name=A[,clients=N][,n=N][,rate=R][,arrivals=KIND], "
                 "or name=A[,clients=N],idle"},
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
            "Load one server in a closed or an open loop, compare every reply, report as JSON.",
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .positionals = positionals,
        .positional_count = 1,
    };

    arguments_parse_or_exit(&table, argc, argv);
    s->framing = (enum framing)framing;
    s->arrivals = (enum arrivals)arrivals;
    s->rate_billionths = (uint64_t)rate_billionths;
    s->start_at_ns = (int64_t)start_at_ns;
}

static void resolve_warmup(struct settings *s)
{
    uint64_t ns = 0;

    s->warms_up_until_steady = strcmp(s->warmup, "auto") == 0;
    if (!s->warms_up_until_steady && (numbers_read_time(s->warmup, NS_PER_S, &ns) != NUMBER_GOOD ||
                                      ns > (uint64_t)DURATION_MAX_NS))
        reject("--warmup '%.60s' is not a time (auto, or 0 to %" PRId64 " seconds)", s->warmup,
               DURATION_MAX_NS / NS_PER_S);
    s->warmup_ns = (int64_t)ns;
}

static void resolve_address(struct settings *s)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&s->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&s->address;

    if (s->port == 0)
        reject("PORT '0' cannot be connected to (1 to 65535)");
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
        reject("--host '%.60s' is not an address (IPv4 or IPv6, in numbers)", s->host);
    }
}

// Decides what a group asks and what must come back.
static void resolve_group_texts(const struct settings *s, struct group *group)
{
    if (!s->asks_fibonacci) {
        group->request = s->request;
        group->expect = s->expect;
        return;
    }
    snprintf(group->request_digits, sizeof group->request_digits, "%" PRIu64, group->n);
    snprintf(group->expect_digits, sizeof group->expect_digits, "%" PRIu32,
             exchange_fibonacci((unsigned)group->n));
    group->request = group->request_digits;
    group->expect = group->expect_digits;
}

// Checks the texts of the user's own, if there are any.
static void check_texts(struct settings *s, bool n_given)
{
    if ((s->request == NULL) != (s->expect == NULL))
        reject("--request and --expect need each other (give both or neither)");
    s->asks_fibonacci = s->request == NULL;
    if (s->asks_fibonacci)
        return;
    if (n_given)
        reject("--n and --request exclude each other (one says what is asked)");
    if (strlen(s->request) > EXCHANGE_TEXT_MAX || strlen(s->expect) > EXCHANGE_TEXT_MAX)
        reject("--request or --expect is too long (at most %d bytes)", EXCHANGE_TEXT_MAX);
    if (s->framing == FRAMING_MESSAGE && (*s->request == '\0' || *s->expect == '\0'))
        reject("--request and --expect are not empty in message framing (the bytes are the frame)");
}

// Checks a group against the groups before it and against the options.
static void check_group(const struct settings *s, const struct group *group)
{
    for (const struct group *other = s->groups; other < group; other++) {
        if (strcmp(other->name, group->name) == 0)
            reject("--group: the name %s is given twice (each group needs its own)", group->name);
    }
    if (group->n_given && !s->asks_fibonacci)
        reject("--group: n and --request exclude each other (one says what is asked)");
    if (group->arrivals_given && group->rate_billionths == 0)
        reject("--group: arrivals needs a rate (a closed loop sends when it is answered)");
}

// Makes the groups that are asked for, or the one of all clients.
static void resolve_groups(struct settings *s, const struct argument_texts *specs)
{
    const struct group defaults = {.name = "all",
                                   .clients = s->clients,
                                   .n = s->n,
                                   .rate_billionths = s->rate_billionths,
                                   .arrivals = s->arrivals};

    s->group_count = specs->count > 0 ? specs->count : 1;
    s->clients = 0;
    for (size_t i = 0; i < s->group_count; i++) {
        struct group *group = &s->groups[i];
        char message[GROUP_MESSAGE_SIZE];
        *group = defaults;
        if (specs->count > 0 && !group_read(specs->texts[i], group, message))
            reject("--group '%.60s': %s", specs->texts[i], message);
        check_group(s, group);
        resolve_group_texts(s, group);
        s->clients += group->idle ? 0 : group->clients;
    }
    if (s->clients == 0)
        reject("--group: all groups are idle (at least one must ask)");
    if (settings_all_clients(s) > GROUP_CLIENTS_MAX)
        reject("--group: more than %d clients in all (that is the most)", GROUP_CLIENTS_MAX);
    const struct group *first = s->groups;
    while (first->idle)
        first++;
    s->n = first->n;
    s->request = first->request;
    s->expect = first->expect;
}

static void check_combinations(const struct settings *s, bool arrivals_given)
{
    if (s->threads > s->clients)
        reject("--threads %" PRIu64 " is more than --clients %" PRIu64 " (a thread needs a client)",
               s->threads, s->clients);
    if (s->framing == FRAMING_MESSAGE && s->pipeline > 1)
        reject("--pipeline %" PRIu64 " needs --framing line (a message has its own connection)",
               s->pipeline);
    if (s->framing == FRAMING_MESSAGE && s->requests_per_connection > 0)
        reject("--requests-per-connection needs --framing line (a message has its own connection)");
    if (arrivals_given && !settings_have_open_loop(s))
        reject("--arrivals needs --rate (a closed loop sends when it is answered)");
}

uint64_t settings_all_clients(const struct settings *settings)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < settings->group_count; i++)
        sum += settings->groups[i].clients;
    return sum;
}

uint32_t settings_in_flight(const struct settings *settings)
{
    uint64_t limit = settings->requests_per_connection;

    return (uint32_t)(limit > 0 && limit < settings->pipeline ? limit : settings->pipeline);
}

bool settings_have_open_loop(const struct settings *settings)
{
    for (size_t i = 0; i < settings->group_count; i++) {
        if (settings->groups[i].rate_billionths > 0)
            return true;
    }
    return false;
}

void settings_read(struct settings *settings, int argc, char *const argv[])
{
    const struct settings defaults = {
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
    struct settings probe = defaults;
    struct argument_texts groups = {0};
    struct argument_texts same_groups = {0};
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
    check_texts(settings, settings->n == probe.n);
    resolve_groups(settings, &groups);
    check_combinations(settings, settings->arrivals == probe.arrivals);
    if (settings->requests > 0) {
        if (duration_given)
            reject("--duration and --requests exclude each other (one ends the window)");
        settings->duration_ns = 0;
        if (settings->max_overdue != probe.max_overdue)
            settings->max_overdue = MAX_OVERDUE;
    }
}
