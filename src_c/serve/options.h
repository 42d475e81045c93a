// SPDX-License-Identifier: BSD-3-Clause
// The command line that every server shares, read once.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/arguments.h"
#include "core/protocol.h"
#include "core/work.h"

struct options {
    const char *program;
    const char *host;
    uint16_t port; // 0: the kernel picks
    int framing;   // enum framing
    uint64_t workers;
    int64_t io_wait_ns;
    struct work work; // besides fibonacci(n), for each request
    uint64_t backlog;
    uint64_t max_connections;
    int64_t idle_timeout_ns;
    uint64_t max_n;
    int ready_fd; // -1: none
    bool verbose;
};

// What holds when the command line says nothing.
struct options options_default(const char *program);

enum { OPTIONS_COUNT = 12 };

// Fills in the rows of the table that set *options, so that a test can read a command line through
// arguments_parse() without leaving the process.
struct arguments options_table(const char *summary, struct options *options,
                               struct argument rows[static OPTIONS_COUNT + 1]);

// What a main() calls: exits after --help (0) and after an error (2).
struct options options_parse_or_exit(const char *program, const char *summary, int argc,
                                     char *const argv[]);

// The same for a program with defaults of its own.
struct options options_parse_from_or_exit(struct options defaults, const char *summary, int argc,
                                          char *const argv[]);
