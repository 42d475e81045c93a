// SPDX-License-Identifier: BSD-3-Clause
// The work alone: computes fibonacci(n) again and again, with no server around it, and says how
// often it could. The function is the one that the servers call.
#include "arguments.h"
#include "clock.h"
#include "fibonacci.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct settings {
    uint64_t n;
    int64_t duration_ns;
};

static struct settings read_settings(int argc, char *argv[])
{
    struct settings settings = {.n = 34, .duration_ns = NS_PER_S};
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
    };
    const struct arguments table = {
        .program = "bare_fibonacci",
        .summary = "Compute fibonacci(n) again and again: as fast as a core can without a server.",
        .options = rows,
        .option_count = sizeof rows / sizeof *rows,
    };

    arguments_parse_or_exit(&table, argc, argv);
    return settings;
}

int main(int argc, char *argv[])
{
    const struct settings settings = read_settings(argc, argv);
    const int64_t begin_ns = clock_now_ns();
    int64_t now_ns = begin_ns;
    uint64_t computed = 0;

    while (now_ns - begin_ns < settings.duration_ns) {
        fibonacci((unsigned)settings.n);
        computed++;
        now_ns = clock_now_ns();
    }
    printf("{\"program\": \"bare_fibonacci\", \"computed\": %" PRIu64 ", \"wall_ns\": %" PRId64
           "}\n",
           computed, now_ns - begin_ns);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
