// SPDX-License-Identifier: BSD-3-Clause
// What the command-line parser takes, and how it words what it does not take.
#include "core/arguments.h"
#include "core/test.h"

struct values {
    bool quiet;
    uint64_t number;
    int64_t seconds_ns;
    int64_t wait_ns;
    const char *text;
    const char *maybe;
    struct argument_texts several;
    int64_t decimal;
    int colour;
    int fd;
    uint16_t port;
};

enum { OPTIONS = 10, WORDS = 80 };

static const char *const COLOURS[] = {"red", "green", NULL};

// Parses words ended by NULL; with `rest` when given.
static int parse(struct values *v, const char *rest, const char *const words[], char *message)
{
    const struct argument options[OPTIONS] = {
        {.name = "quiet", .kind = ARGUMENT_FLAG, .to.flag = &v->quiet},
        {.name = "number", .kind = ARGUMENT_UNSIGNED, .to.number = &v->number, .min = 1, .max = 9},
        {.name = "seconds",
         .kind = ARGUMENT_SECONDS,
         .to.ns = &v->seconds_ns,
         .max = UINT64_C(60000000000)},
        {.name = "wait", .kind = ARGUMENT_MILLISECONDS, .to.ns = &v->wait_ns},
        {.name = "text", .kind = ARGUMENT_TEXT, .to.text = &v->text},
        {.name = "maybe", .kind = ARGUMENT_TEXT, .to.text = &v->maybe, .may_be_empty = true},
        {.name = "several", .kind = ARGUMENT_TEXTS, .to.texts = &v->several},
        {.name = "decimal",
         .kind = ARGUMENT_DECIMAL,
         .to.ns = &v->decimal,
         .min = 1000000,
         .max = UINT64_C(5000000000)},
        {.name = "colour", .kind = ARGUMENT_CHOICE, .to.choice = &v->colour, .choices = COLOURS},
        {.name = "fd", .kind = ARGUMENT_FD, .to.fd = &v->fd},
    };
    const struct argument port = {.name = "PORT", .kind = ARGUMENT_PORT, .to.port = &v->port};
    const struct arguments table = {
        .program = "prog",
        .summary = "A test.",
        .options = options,
        .option_count = OPTIONS,
        .positionals = &port,
        .positional_count = 1,
        .rest = rest,
    };
    char *argv[WORDS] = {(char[]){"prog"}};
    char copies[WORDS][64];
    int argc = 1;

    for (; words[argc - 1] != NULL && argc < WORDS; argc++) {
        snprintf(copies[argc], sizeof copies[argc], "%s", words[argc - 1]);
        argv[argc] = copies[argc];
    }
    return arguments_parse(&table, argc, argv, message);
}

#define WORDS_OF(...)                                                                              \
    (const char *const[]) { __VA_ARGS__, NULL }

static void values_come_after_a_space_or_an_equals_sign(void)
{
    struct values v = {0};
    char message[ARGUMENTS_MESSAGE_SIZE];

    CHECK_NUMBER(parse(&v, NULL,
                       WORDS_OF("--number", "3", "2999", "--wait=0.5", "--seconds=1.000000001",
                                "--quiet", "--colour", "green", "--fd=0"),
                       message),
                 10);
    CHECK_NUMBER(v.number, 3);
    CHECK_NUMBER(v.port, 2999);
    CHECK_NUMBER(v.wait_ns, 500000);
    CHECK_NUMBER(v.seconds_ns, 1000000001);
    CHECK(v.quiet);
    CHECK_NUMBER(v.colour, 1);
    CHECK_NUMBER(v.fd, 0);
}

static void a_text_may_look_like_an_option_or_hold_equals_signs(void)
{
    struct values v = {0};
    char message[ARGUMENTS_MESSAGE_SIZE];
    const char *const words[] = {"--text=a=b", "--maybe", "-1", "7", NULL};

    CHECK_NUMBER(parse(&v, NULL, words, message), 5);
    CHECK_NUMBER(v.port, 7);
    CHECK_NUMBER(parse(&v, NULL, WORDS_OF("--maybe=", "7"), message), 3);
}

static void a_text_that_may_come_again_is_kept_in_order(void)
{
    struct values v = {0};
    char message[ARGUMENTS_MESSAGE_SIZE];
    const char *words[WORDS] = {"--several=x", "7", "--several", "y=1"};

    CHECK_NUMBER(parse(&v, NULL, words, message), 5);
    CHECK_NUMBER(v.several.count, 2);
    CHECK(v.several.texts[0] != NULL && v.several.texts[1] != NULL);
    v.several.count = 0;
    for (int i = 0; i <= ARGUMENT_TEXTS_MAX; i++)
        words[i] = "--several=x";
    CHECK_NUMBER(parse(&v, NULL, words, message), ARGUMENTS_BAD);
    CHECK_TEXT(message, "prog: --several is given too often (at most 32 times); try --help");
}

static void decimals_are_read_to_the_billionth(void)
{
    struct values v = {0};
    char message[ARGUMENTS_MESSAGE_SIZE];

    CHECK_NUMBER(parse(&v, NULL, WORDS_OF("--decimal", "2.000000001", "7"), message), 4);
    CHECK_NUMBER(v.decimal, 2000000001);
}

static void two_dashes_end_the_options(void)
{
    struct values v = {0};
    char message[ARGUMENTS_MESSAGE_SIZE];

    CHECK_NUMBER(parse(&v, NULL, WORDS_OF("--quiet", "--", "7"), message), 4);
    CHECK_NUMBER(v.port, 7);
    CHECK_NUMBER(parse(&v, "COMMAND", WORDS_OF("8", "--", "sh", "--number", "x"), message), 3);
    CHECK_NUMBER(v.port, 8);
}

static void help_wins_over_what_comes_later(void)
{
    struct values v = {0};
    char message[ARGUMENTS_MESSAGE_SIZE];

    CHECK_NUMBER(parse(&v, NULL, WORDS_OF("--help", "--nonsense"), message), ARGUMENTS_HELP);
}

static const struct {
    const char *words[4];
    const char *rest;
    const char *message; // between "prog: " and "; try --help"
} ERRORS[] = {
    {{NULL}, NULL, "PORT is missing (0 to 65535)"},
    {{"12x"}, NULL, "PORT '12x' is not a number (0 to 65535)"},
    {{""}, NULL, "PORT '' is not a number (0 to 65535)"},
    {{"+1"}, NULL, "PORT '+1' is not a number (0 to 65535)"},
    {{" 1"}, NULL, "PORT ' 1' is not a number (0 to 65535)"},
    {{"65536"}, NULL, "PORT '65536' is out of range (0 to 65535)"},
    {{"18446744073709551616"}, NULL, "PORT '18446744073709551616' is out of range (0 to 65535)"},
    {{"-1"}, NULL, "unknown option '-1' (options are listed by --help)"},
    {{"1", "2"}, NULL, "'2' is one argument too many (1 expected)"},
    {{"--num", "1"}, NULL, "unknown option '--num' (options are listed by --help)"},
    {{"--numbers=1"}, NULL, "unknown option '--numbers=1' (options are listed by --help)"},
    {{"--n\new"}, NULL, "unknown option '--n?ew' (options are listed by --help)"},
    {{"--number"}, NULL, "--number needs a value (1 to 9)"},
    {{"--number="}, NULL, "--number '' is not a number (1 to 9)"},
    {{"--number", "0"}, NULL, "--number '0' is out of range (1 to 9)"},
    {{"--number", "10"}, NULL, "--number '10' is out of range (1 to 9)"},
    {{"--number=1", "--number=1"}, NULL, "--number is given twice (once is enough)"},
    {{"--quiet=yes"}, NULL, "--quiet takes no value (it is on when it is there)"},
    {{"--seconds", "1s"}, NULL, "--seconds '1s' is not a time (0 to 60 seconds)"},
    {{"--seconds", "1."}, NULL, "--seconds '1.' is not a time (0 to 60 seconds)"},
    {{"--seconds", ".5"}, NULL, "--seconds '.5' is not a time (0 to 60 seconds)"},
    {{"--seconds", "1e1"}, NULL, "--seconds '1e1' is not a time (0 to 60 seconds)"},
    {{"--seconds", "60.000000001"},
     NULL,
     "--seconds '60.000000001' is out of range (0 to 60 seconds)"},
    {{"--seconds", "0.0000000001"},
     NULL,
     "--seconds '0.0000000001' is not a time (0 to 60 seconds)"},
    {{"--wait", "99999999999999999"},
     NULL,
     "--wait '99999999999999999' is out of range (0 or more milliseconds)"},
    {{"--text", ""}, NULL, "--text '' is empty (any text but an empty one)"},
    {{"--several="}, NULL, "--several '' is empty (any text but an empty one)"},
    {{"--decimal", "0"}, NULL, "--decimal '0' is out of range (0.001 to 5)"},
    {{"--decimal", "2/s"}, NULL, "--decimal '2/s' is not a number (0.001 to 5)"},
    {{"--colour", "gre"}, NULL, "--colour 'gre' is not a choice (red or green)"},
    {{"--fd", "1000000"}, NULL, "--fd '1000000' is not open (an open file descriptor)"},
    {{"--fd", "4294967296"}, NULL, "--fd '4294967296' is out of range (an open file descriptor)"},
    {{"7"}, "COMMAND [ARG ...]", "nothing to run (-- COMMAND [ARG ...])"},
    {{"7", "--"}, "COMMAND [ARG ...]", "nothing to run (-- COMMAND [ARG ...])"},
};

static void an_error_is_one_line_that_says_what_is_allowed(void)
{
    for (size_t i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++) {
        struct values v = {0};
        char message[ARGUMENTS_MESSAGE_SIZE] = "";
        char wanted[ARGUMENTS_MESSAGE_SIZE];
        CHECK_NUMBER(parse(&v, ERRORS[i].rest, ERRORS[i].words, message), ARGUMENTS_BAD);
        snprintf(wanted, sizeof wanted, "prog: %s; try --help", ERRORS[i].message);
        CHECK_TEXT(message, wanted);
    }
}

int main(void)
{
    values_come_after_a_space_or_an_equals_sign();
    a_text_may_look_like_an_option_or_hold_equals_signs();
    a_text_that_may_come_again_is_kept_in_order();
    decimals_are_read_to_the_billionth();
    two_dashes_end_the_options();
    help_wins_over_what_comes_later();
    an_error_is_one_line_that_says_what_is_allowed();
    return test_result();
}
