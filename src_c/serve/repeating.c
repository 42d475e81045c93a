// SPDX-License-Identifier: BSD-3-Clause
// What null_server has beside a design: see repeating.h.
#include "serve/repeating.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/die.h"
#include "serve/repeater.h"
#include "serve/shards.h"

__attribute__((noreturn)) static void reject(const char *program, const char *why)
{
    fprintf(stderr, "%s: %s; try --help\n", program, why);
    exit(2);
}

struct options repeating_parse_or_exit(const char *program, const char *summary, int argc,
                                       char *const argv[], const struct replies **replies)
{
    static struct replies read; // too large for the stack's taste
    struct options options = options_default(program);
    const char *path = NULL;
    const char *ask = NULL;
    struct argument rows[OPTIONS_COUNT + 1];
    struct arguments table = options_table(summary, &options, rows);
    struct argument all[OPTIONS_COUNT + 2] = {
        [OPTIONS_COUNT] = {.name = "replies",
                           .kind = ARGUMENT_TEXT,
                           .to.text = &path,
                           .placeholder = "FILE",
                           .help = "repeat a reply of this file of fibload --check instead"},
        [OPTIONS_COUNT + 1] = {.name = "ask",
                               .kind = ARGUMENT_TEXT,
                               .to.text = &ask,
                               .placeholder = "NAME",
                               .help = "the reply to this request, if there are several"},
    };

    memcpy(all, rows, OPTIONS_COUNT * sizeof *all);
    table.options = all;
    table.option_count = OPTIONS_COUNT + 2;
    arguments_parse_or_exit(&table, argc, argv);
    options.work = (struct work){0}; // it answers at once, whatever is asked
    *replies = path != NULL ? &read : NULL;
    if (ask != NULL && path == NULL)
        reject(program, "--ask needs --replies (the file with the replies)");
    if (path != NULL && options.io_wait_ns > 0)
        reject(program, "--replies and --io-wait exclude each other (a reply is repeated at once)");
    if (path != NULL)
        replies_load_or_exit(&read, program, ask, path);
    return options;
}

void repeating_run_or_exit(const struct options *options, const struct replies *replies,
                           const int listeners[], int stop_fd, struct census *census)
{
    static const struct shard_steps steps = {.prepare = repeater_prepare_or_exit,
                                             .run = repeater_run};
    struct repeater *repeaters = calloc(options->workers, sizeof *repeaters);

    if (repeaters == NULL)
        die(options->program, "cannot prepare", errno);
    for (size_t i = 0; i < options->workers; i++) {
        repeaters[i].options = options;
        repeaters[i].replies = replies;
        repeaters[i].census = census;
        repeaters[i].listener = listeners[i];
        repeaters[i].stop_fd = stop_fd;
    }
    shards_run_or_exit(options, listeners, &steps, repeaters, sizeof *repeaters);
    free(repeaters);
}
