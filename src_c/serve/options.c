// SPDX-License-Identifier: BSD-3-Clause
// The command line that every server shares, read once.
#include "serve/options.h"

#include <string.h>

#include "core/clock.h"
#include "core/fibonacci.h"
#include "serve/cores.h"

static const char *const FRAMINGS[] = {
    [FRAMING_MESSAGE] = "message",
    [FRAMING_LINE] = "line",
    NULL,
};

struct options options_default(const char *program)
{
    return (struct options){
        .program = program,
        .host = "127.0.0.1",
        .framing = FRAMING_MESSAGE,
        .workers = cores_available(""),
        .backlog = 4096,
        .max_connections = 65536,
        .idle_timeout_ns = INT64_C(60) * NS_PER_S,
        .max_n = 34,
        .ready_fd = -1,
    };
}

// NOLINTNEXTLINE(readability-function-size): a table
struct arguments options_table(const char *summary, struct options *options,
                               struct argument rows[static OPTIONS_COUNT + 1])
{
    const struct argument table[OPTIONS_COUNT + 1] = {
        {.name = "host",
         .kind = ARGUMENT_TEXT,
         .to.text = &options->host,
         .placeholder = "ADDR",
         .help = "address to listen on"},
        {.name = "framing",
         .kind = ARGUMENT_CHOICE,
         .to.choice = &options->framing,
         .choices = FRAMINGS,
         .help = "one request per connection, or one per line"},
        {.name = "workers",
         .kind = ARGUMENT_UNSIGNED,
         .to.number = &options->workers,
         .min = 1,
         .max = 1024,
         .placeholder = "N",
         .help = "loops or processes, where the design has them"},
        {.name = "io-wait",
         .kind = ARGUMENT_MILLISECONDS,
         .to.ns = &options->io_wait_ns,
         .max = UINT64_C(3600) * NS_PER_S,
         .placeholder = "MS",
         .help = "wait so long before each reply, without using the CPU"},
        {.name = "work",
         .kind = ARGUMENT_CHOICE,
         .to.choice = &options->work.kind,
         .choices = WORK_KINDS,
         .help = "what a request does besides fibonacci(n), in units"},
        {.name = "work-units",
         .kind = ARGUMENT_UNSIGNED,
         .to.number = &options->work.units,
         .max = WORK_UNITS_MAX,
         .placeholder = "N",
         .help = "so many of them, each about a fibonacci(20); 0: one, of fib none"},
        {.name = "backlog",
         .kind = ARGUMENT_UNSIGNED,
         .to.number = &options->backlog,
         .min = 1,
         .max = 65535,
         .placeholder = "N",
         .help = "connections the kernel may hold for accept"},
        {.name = "max-connections",
         .kind = ARGUMENT_UNSIGNED,
         .to.number = &options->max_connections,
         .min = 1,
         .max = 1048576,
         .placeholder = "N",
         .help = "refuse connections over so many"},
        {.name = "idle-timeout",
         .kind = ARGUMENT_SECONDS,
         .to.ns = &options->idle_timeout_ns,
         .min = NS_PER_MS,
         .max = UINT64_C(86400) * NS_PER_S,
         .placeholder = "S",
         .help = "close a client that keeps the server waiting so long"},
        {.name = "max-n",
         .kind = ARGUMENT_UNSIGNED,
         .to.number = &options->max_n,
         .max = FIBONACCI_LARGEST_N,
         .placeholder = "N",
         .help = "largest n served"},
        {.name = "ready-fd",
         .kind = ARGUMENT_FD,
         .to.fd = &options->ready_fd,
         .placeholder = "FD",
         .help = "once able to serve, write the port there and close it"},
        {.name = "verbose",
         .kind = ARGUMENT_FLAG,
         .to.flag = &options->verbose,
         .help = "a line on stderr for each connection and request"},
        {.name = "PORT",
         .kind = ARGUMENT_PORT,
         .to.port = &options->port,
         .help = "TCP port; 0: the kernel picks"},
    };

    memcpy(rows, table, sizeof table);
    return (struct arguments){
        .program = options->program,
        .summary = summary,
        .options = rows,
        .option_count = OPTIONS_COUNT,
        .positionals = &rows[OPTIONS_COUNT],
        .positional_count = 1,
    };
}

struct options options_parse_or_exit(const char *program, const char *summary, int argc,
                                     char *const argv[])
{
    return options_parse_from_or_exit(options_default(program), summary, argc, argv);
}

struct options options_parse_from_or_exit(struct options defaults, const char *summary, int argc,
                                          char *const argv[])
{
    struct options options = defaults;
    struct argument rows[OPTIONS_COUNT + 1];
    const struct arguments table = options_table(summary, &options, rows);

    arguments_parse_or_exit(&table, argc, argv);
    work_prepare_or_exit(&options.work, options.program);
    return options;
}
