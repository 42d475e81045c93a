// SPDX-License-Identifier: BSD-3-Clause
// The work alone: computes fibonacci(n) again and again, and what is to be done besides, with no
// server around it, and says how often it could, a line for each process. The functions are those
// that the servers call.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arguments.h"
#include "core/clock.h"
#include "core/work.h"

enum { PROCESSES_MAX = 4096 };

struct settings {
    uint64_t n;
    int64_t duration_ns;
    uint64_t processes;
    struct work work;
};

static struct settings read_settings(int argc, char *argv[])
{
    struct settings settings = {.n = 34, .duration_ns = NS_PER_S, .processes = 1};
    const struct argument rows[] = {
        {"n",
         ARGUMENT_UNSIGNED,
         {.number = &settings.n},
         "N",
         .max = FIBONACCI_LARGEST_N,
         .help = "what to compute: fibonacci(N)"},
        {"duration",
         ARGUMENT_SECONDS,
         {.ns = &settings.duration_ns},
         "S",
         .min = NS_PER_MS,
         .help = "begin no other one after this long"},
        {"processes",
         ARGUMENT_UNSIGNED,
         {.number = &settings.processes},
         "N",
         .min = 1,
         .max = PROCESSES_MAX,
         .help = "so many do so at once"},
        {"work",
         ARGUMENT_CHOICE,
         {.choice = &settings.work.kind},
         .choices = WORK_KINDS,
         .help = "what is done besides, in units"},
        {"work-units",
         ARGUMENT_UNSIGNED,
         {.number = &settings.work.units},
         "N",
         .max = WORK_UNITS_MAX,
         .help = "so many of them; 0: one, of fib none"},
    };
    const struct arguments table = {
        .program = "bare_fibonacci",
        .summary = "Compute fibonacci(n) again and again: as fast as a core can without a server.",
        .options = rows,
        .option_count = sizeof rows / sizeof *rows,
    };

    arguments_parse_or_exit(&table, argc, argv);
    work_prepare_or_exit(&settings.work, table.program);
    return settings;
}

static int compute(const struct settings *settings)
{
    const int64_t begin_ns = clock_now_ns();
    int64_t now_ns = begin_ns;
    uint64_t computed = 0;

    while (now_ns - begin_ns < settings->duration_ns) {
        work_answer(&settings->work, (unsigned)settings->n);
        computed++;
        now_ns = clock_now_ns();
    }
    printf("{\"program\": \"bare_fibonacci\", \"computed\": %" PRIu64 ", \"wall_ns\": %" PRId64
           "}\n",
           computed, now_ns - begin_ns);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
    const struct settings settings = read_settings(argc, argv);
    int outcome = EXIT_SUCCESS;
    int status;

    for (uint64_t i = 0; i < settings.processes; i++) {
        pid_t child = fork();
        if (child == -1) {
            perror("bare_fibonacci: fork");
            outcome = EXIT_FAILURE;
        } else if (child == 0) {
            return compute(&settings);
        }
    }
    while (wait(&status) != -1) {
        if (status != 0)
            outcome = EXIT_FAILURE;
    }
    return outcome;
}
