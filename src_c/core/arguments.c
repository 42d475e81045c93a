// SPDX-License-Identifier: BSD-3-Clause
// Command lines read by a table: `--name value` or `--name=value`, never a guess.
#include "core/arguments.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/numbers.h"

enum { SHOWN_LENGTH = 60 }; // of a wrong value quoted in a message

static const int64_t NS_PER_SECOND = 1000000000;
static const int64_t NS_PER_MILLISECOND = 1000000;

// What a parse carries along: where its message goes.
struct parse {
    const struct arguments *table;
    char *message;
};

__attribute__((format(printf, 2, 3))) static int fail(const struct parse *parse, const char *format,
                                                      ...)
{
    char what[ARGUMENTS_MESSAGE_SIZE];
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    for (char *c = what; *c != '\0'; c++) { // the message stays one line whatever was typed
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
    snprintf(parse->message, ARGUMENTS_MESSAGE_SIZE, "%.80s: %.200s; try --help",
             parse->table->program, what);
    return ARGUMENTS_BAD;
}

// The largest value a row may take; its target bounds it when the row does not.
static uint64_t largest(const struct argument *argument)
{
    switch (argument->kind) {
    case ARGUMENT_PORT:
        return UINT16_MAX;
    case ARGUMENT_FD:
        return INT_MAX;
    case ARGUMENT_SECONDS:
    case ARGUMENT_MILLISECONDS:
    case ARGUMENT_DECIMAL:
        return argument->max != 0 ? argument->max : INT64_MAX;
    default:
        return argument->max != 0 ? argument->max : UINT64_MAX;
    }
}

static uint64_t unit_of(const struct argument *argument)
{
    return (uint64_t)(argument->kind == ARGUMENT_MILLISECONDS ? NS_PER_MILLISECOND : NS_PER_SECOND);
}

// Says which values a row allows.
static void describe_allowed(const struct argument *argument, char *out, size_t size)
{
    uint64_t high = largest(argument);
    size_t used = 0;

    switch (argument->kind) {
    case ARGUMENT_SECONDS:
    case ARGUMENT_MILLISECONDS:
    case ARGUMENT_DECIMAL: {
        const char *unit = argument->kind == ARGUMENT_SECONDS        ? " seconds"
                           : argument->kind == ARGUMENT_MILLISECONDS ? " milliseconds"
                                                                     : "";
        double low = (double)argument->min / (double)unit_of(argument);
        if (high == INT64_MAX)
            snprintf(out, size, "%.9g or more%s", low, unit);
        else
            snprintf(out, size, "%.9g to %.9g%s", low, (double)high / (double)unit_of(argument),
                     unit);
        return;
    }
    case ARGUMENT_CHOICE:
        out[0] = '\0';
        for (size_t i = 0; argument->choices[i] != NULL && used < size; i++)
            used += (size_t)snprintf(out + used, size - used, "%s%s", i == 0 ? "" : " or ",
                                     argument->choices[i]);
        return;
    case ARGUMENT_TEXT:
    case ARGUMENT_TEXTS:
        snprintf(out, size, "%s",
                 argument->may_be_empty ? "any text" : "any text but an empty one");
        return;
    case ARGUMENT_FD:
        snprintf(out, size, "an open file descriptor");
        return;
    default:
        if (high == UINT64_MAX)
            snprintf(out, size, "%" PRIu64 " or more", argument->min);
        else
            snprintf(out, size, "%" PRIu64 " to %" PRIu64, argument->min, high);
    }
}

// Puts the dashes before an option's name; a positional has none.
static const char *dashes(const struct argument *argument)
{
    return argument->name[0] >= 'A' && argument->name[0] <= 'Z' ? "" : "--";
}

static int fail_value(const struct parse *parse, const struct argument *argument, const char *value,
                      const char *what)
{
    char allowed[120];
    describe_allowed(argument, allowed, sizeof allowed);
    return fail(parse, "%s%s '%.*s' %s (%s)", dashes(argument), argument->name, SHOWN_LENGTH, value,
                what, allowed);
}

static int store_choice(const struct parse *parse, const struct argument *argument,
                        const char *value)
{
    for (int i = 0; argument->choices[i] != NULL; i++) {
        if (strcmp(argument->choices[i], value) == 0) {
            *argument->to.choice = i;
            return 0;
        }
    }
    return fail_value(parse, argument, value, "is not a choice");
}

static int store_number(const struct parse *parse, const struct argument *argument,
                        const char *value)
{
    bool is_time = argument->kind == ARGUMENT_SECONDS || argument->kind == ARGUMENT_MILLISECONDS;
    bool has_decimals = is_time || argument->kind == ARGUMENT_DECIMAL;
    uint64_t number = 0;
    enum number_outcome outcome = has_decimals
                                      ? numbers_read_time(value, unit_of(argument), &number)
                                      : numbers_read(value, &number);

    if (outcome == NUMBER_BAD)
        return fail_value(parse, argument, value, is_time ? "is not a time" : "is not a number");
    if (outcome == NUMBER_TOO_LARGE || number < argument->min || number > largest(argument))
        return fail_value(parse, argument, value, "is out of range");
    switch (argument->kind) {
    case ARGUMENT_PORT:
        *argument->to.port = (uint16_t)number;
        return 0;
    case ARGUMENT_FD:
        if (fcntl((int)number, F_GETFD) == -1)
            return fail_value(parse, argument, value, "is not open");
        *argument->to.fd = (int)number;
        return 0;
    case ARGUMENT_SECONDS:
    case ARGUMENT_MILLISECONDS:
    case ARGUMENT_DECIMAL:
        *argument->to.ns = (int64_t)number;
        return 0;
    default:
        *argument->to.number = number;
        return 0;
    }
}

static int store_text(const struct parse *parse, const struct argument *argument, const char *value)
{
    if (*value == '\0' && !argument->may_be_empty)
        return fail_value(parse, argument, value, "is empty");
    if (argument->kind == ARGUMENT_TEXT) {
        *argument->to.text = value;
        return 0;
    }
    struct argument_texts *texts = argument->to.texts;
    if (texts->count == ARGUMENT_TEXTS_MAX)
        return fail(parse, "--%s is given too often (at most %d times)", argument->name,
                    ARGUMENT_TEXTS_MAX);
    texts->texts[texts->count++] = value;
    return 0;
}

// Reads one value into its target: 0, or ARGUMENTS_BAD.
static int store(const struct parse *parse, const struct argument *argument, const char *value)
{
    switch (argument->kind) {
    case ARGUMENT_FLAG:
        *argument->to.flag = true;
        return 0;
    case ARGUMENT_TEXT:
    case ARGUMENT_TEXTS:
        return store_text(parse, argument, value);
    case ARGUMENT_CHOICE:
        return store_choice(parse, argument, value);
    default:
        return store_number(parse, argument, value);
    }
}

// Finds the option that argv's word names, `--name` or `--name=value`; NULL when there is none.
static const struct argument *find_option(const struct arguments *table, const char *word)
{
    size_t length = strcspn(word + 2, "=");

    for (size_t i = 0; i < table->option_count; i++) {
        const char *name = table->options[i].name;
        if (strlen(name) == length && memcmp(name, word + 2, length) == 0)
            return &table->options[i];
    }
    return NULL;
}

// Reads the option at argv[at]: how many words it took, or ARGUMENTS_BAD.
static int parse_option(const struct parse *parse, int argc, char *const argv[], int at,
                        uint64_t *seen)
{
    const char *word = argv[at];
    const struct argument *option =
        strncmp(word, "--", 2) == 0 ? find_option(parse->table, word) : NULL;
    if (option == NULL)
        return fail(parse, "unknown option '%.*s' (options are listed by --help)", SHOWN_LENGTH,
                    word);

    uint64_t bit = UINT64_C(1) << (option - parse->table->options);
    if ((*seen & bit) != 0 && option->kind != ARGUMENT_TEXTS)
        return fail(parse, "--%s is given twice (once is enough)", option->name);
    *seen |= bit;

    const char *equals = strchr(word, '=');
    if (option->kind == ARGUMENT_FLAG) {
        if (equals != NULL)
            return fail(parse, "--%s takes no value (it is on when it is there)", option->name);
        return store(parse, option, NULL) == 0 ? 1 : ARGUMENTS_BAD;
    }
    if (equals != NULL)
        return store(parse, option, equals + 1) == 0 ? 1 : ARGUMENTS_BAD;
    if (at + 1 == argc) {
        char allowed[120];
        describe_allowed(option, allowed, sizeof allowed);
        return fail(parse, "--%s needs a value (%s)", option->name, allowed);
    }
    return store(parse, option, argv[at + 1]) == 0 ? 2 : ARGUMENTS_BAD;
}

static int parse_positional(const struct parse *parse, const char *value, size_t *count)
{
    if (*count == parse->table->positional_count)
        return fail(parse, "'%.*s' is one argument too many (%zu expected)", SHOWN_LENGTH, value,
                    parse->table->positional_count);
    return store(parse, &parse->table->positionals[(*count)++], value);
}

// Checks that nothing is missing at the end.
static int check_complete(const struct parse *parse, size_t count, int rest, int argc)
{
    const struct arguments *table = parse->table;

    if (count < table->positional_count) {
        const struct argument *missing = &table->positionals[count];
        char allowed[120];
        describe_allowed(missing, allowed, sizeof allowed);
        return fail(parse, "%s is missing (%s)", missing->name, allowed);
    }
    if (table->rest != NULL && rest == argc)
        return fail(parse, "nothing to run (-- %s)", table->rest);
    return rest;
}

int arguments_parse(const struct arguments *table, int argc, char *const argv[],
                    char message[static ARGUMENTS_MESSAGE_SIZE])
{
    const struct parse parse = {.table = table, .message = message};
    uint64_t seen = 0;
    size_t count = 0;
    bool options_ended = false;
    int at = 1;

    while (at < argc) {
        const char *word = argv[at];
        int used = 1;
        if (!options_ended && strcmp(word, "--") == 0) {
            if (table->rest != NULL)
                return check_complete(&parse, count, at + 1, argc);
            options_ended = true;
        } else if (!options_ended && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            return ARGUMENTS_HELP;
        } else if (!options_ended && word[0] == '-') {
            used = parse_option(&parse, argc, argv, at, &seen);
        } else if (parse_positional(&parse, word, &count) != 0) {
            return ARGUMENTS_BAD;
        }
        if (used < 0)
            return ARGUMENTS_BAD;
        at += used;
    }
    return check_complete(&parse, count, argc, argc);
}

// Writes ` (default X)` for a row whose target holds one.
static void print_default(const struct argument *argument)
{
    switch (argument->kind) {
    case ARGUMENT_UNSIGNED:
        printf(" (default %" PRIu64 ")", *argument->to.number);
        return;
    case ARGUMENT_SECONDS:
    case ARGUMENT_MILLISECONDS:
        printf(" (default %.9g)", (double)*argument->to.ns / (double)unit_of(argument));
        return;
    case ARGUMENT_TEXT:
        if (*argument->to.text != NULL)
            printf(" (default %s)", *argument->to.text);
        return;
    case ARGUMENT_CHOICE:
        printf(" (default %s)", argument->choices[*argument->to.choice]);
        return;
    default:
        return;
    }
}

static void print_option(const struct argument *option)
{
    char left[80];
    size_t used = (size_t)snprintf(left, sizeof left, "--%s", option->name);

    if (option->placeholder != NULL)
        used += (size_t)snprintf(left + used, sizeof left - used, " %s", option->placeholder);
    for (size_t i = 0; option->kind == ARGUMENT_CHOICE && option->choices[i] != NULL; i++)
        used += (size_t)snprintf(left + used, sizeof left - used, "%c%s", i == 0 ? ' ' : '|',
                                 option->choices[i]);
    printf("  %-28s %s", left, option->help);
    print_default(option);
    putchar('\n');
}

static void print_help(const struct arguments *table)
{
    printf("Usage: %s [options]", table->program);
    for (size_t i = 0; i < table->positional_count; i++)
        printf(" %s", table->positionals[i].name);
    if (table->rest != NULL)
        printf(" -- %s", table->rest);
    printf("\n\n%s\n\n", table->summary);
    for (size_t i = 0; i < table->positional_count; i++)
        printf("  %-28s %s\n", table->positionals[i].name, table->positionals[i].help);
    for (size_t i = 0; i < table->option_count; i++)
        print_option(&table->options[i]);
    printf("  %-28s %s\n", "--help", "print this and exit");
}

int arguments_parse_or_exit(const struct arguments *table, int argc, char *const argv[])
{
    char message[ARGUMENTS_MESSAGE_SIZE];
    int index = arguments_parse(table, argc, argv, message);

    if (index == ARGUMENTS_HELP) {
        print_help(table);
        exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    if (index == ARGUMENTS_BAD) {
        fprintf(stderr, "%s\n", message);
        exit(2);
    }
    return index;
}
