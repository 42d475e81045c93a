// SPDX-License-Identifier: BSD-3-Clause
// Command lines read by a table: `--name value` or `--name=value`, never a guess.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum argument_kind {
    ARGUMENT_FLAG,         // takes no value             → bool
    ARGUMENT_UNSIGNED,     // digits                     → uint64_t
    ARGUMENT_SECONDS,      // digits, decimals           → int64_t, nanoseconds
    ARGUMENT_MILLISECONDS, // digits, decimals           → int64_t, nanoseconds
    ARGUMENT_DECIMAL,      // digits, decimals           → int64_t, billionths
    ARGUMENT_TEXT,         // anything                   → const char *, points into argv
    ARGUMENT_TEXTS,        // the same, any number of times → struct argument_texts
    ARGUMENT_CHOICE,       // one of `choices`           → int, its index
    ARGUMENT_PORT,         // 0 to 65535                 → uint16_t
    ARGUMENT_FD,           // an open file descriptor    → int
};

enum { ARGUMENT_TEXTS_MAX = 32 };

// The values of an option that may be given more than once, in order.
struct argument_texts {
    size_t count;
    const char *texts[ARGUMENT_TEXTS_MAX];
};

// One row of the table. What the target holds before parsing is the default that --help shows.
struct argument {
    const char *name; // "workers" for --workers; for a positional, as usage shows it: "PORT"
    enum argument_kind kind;
    union { // the member that belongs to the kind
        bool *flag;
        uint64_t *number;
        int64_t *ns;
        const char **text;
        struct argument_texts *texts;
        int *choice;
        uint16_t *port;
        int *fd;
    } to;
    const char *placeholder;    // "N" in `--workers N`; NULL for flags, choices and positionals
    const char *help;           // what it means, one line
    uint64_t min;               // unsigned: the number; times: ns; decimals: billionths
    uint64_t max;               // likewise; 0 means as much as the target holds
    const char *const *choices; // of a choice, ended by NULL
    bool may_be_empty;          // of a text: "" is a value, not an error
};

struct arguments {
    const char *program;
    const char *summary; // what the program is, one line, for --help
    const struct argument *options;
    size_t option_count;                // at most 64
    const struct argument *positionals; // every one is required, in this order
    size_t positional_count;
    const char *rest; // what must follow `--`, as usage shows it; NULL: `--` only ends the options
};

enum {
    ARGUMENTS_HELP = 0, // --help was asked for
    ARGUMENTS_BAD = -1, // the message says what is wrong and what is allowed
    ARGUMENTS_MESSAGE_SIZE = 320,
};

// Reads argv into the table's targets. Returns the index of the first argument after `--` (argc
// when the table has no `rest`), ARGUMENTS_HELP, or ARGUMENTS_BAD with one line, without its
// newline, in `message`. Targets read before an error was met have changed.
int arguments_parse(const struct arguments *table, int argc, char *const argv[],
                    char message[static ARGUMENTS_MESSAGE_SIZE]);

// The same for a main(): prints the help on stdout and exits with 0, or the message on stderr and
// exits with 2, so that it returns only an index.
int arguments_parse_or_exit(const struct arguments *table, int argc, char *const argv[]);
