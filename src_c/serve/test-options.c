// SPDX-License-Identifier: BSD-3-Clause
// The servers' command line: the defaults, and each option's place and limits.
#include "core/test.h"
#include "serve/cores.h"
#include "serve/options.h"

enum { WORDS = 24 };

static int parse(struct options *options, const char *const words[])
{
    struct argument rows[OPTIONS_COUNT + 1];
    char message[ARGUMENTS_MESSAGE_SIZE];
    char copies[WORDS][32];
    char *argv[WORDS];
    int argc = 0;

    *options = options_default("server");
    const struct arguments table = options_table("A server.", options, rows);
    for (; words[argc] != NULL && argc < WORDS; argc++) {
        snprintf(copies[argc], sizeof copies[argc], "%s", words[argc]);
        argv[argc] = copies[argc];
    }
    return arguments_parse(&table, argc, argv, message);
}

#define COMMAND(...)                                                                               \
    (const char *const[]) { "server", __VA_ARGS__, NULL }

static void a_port_alone_leaves_the_defaults(void)
{
    struct options o;

    CHECK_NUMBER(parse(&o, COMMAND("2999")), 2);
    CHECK_NUMBER(o.port, 2999);
    CHECK_TEXT(o.host, "127.0.0.1");
    CHECK_NUMBER(o.framing, FRAMING_MESSAGE);
    CHECK_NUMBER(o.workers, cores_available(""));
    CHECK_NUMBER(o.io_wait_ns, 0);
    CHECK_NUMBER(o.work.kind, WORK_FIB);
    CHECK_NUMBER(o.work.units, 0);
    CHECK_NUMBER(o.backlog, 4096);
    CHECK_NUMBER(o.max_connections, 65536);
    CHECK_NUMBER(o.idle_timeout_ns, INT64_C(60000000000));
    CHECK_NUMBER(o.max_n, 34);
    CHECK_NUMBER(o.ready_fd, -1);
    CHECK(!o.verbose);
}

static void every_option_reaches_its_place(void)
{
    struct options o;

    CHECK(parse(&o, COMMAND("--framing=line", "--workers=3", "--io-wait=10", "--backlog=11",
                            "--max-connections=12", "--idle-timeout=1.5", "--max-n=45",
                            "--ready-fd=2", "--verbose", "--work=shared", "--work-units=7", "0")) >
          0);
    CHECK_NUMBER(o.port, 0);
    CHECK_NUMBER(o.framing, FRAMING_LINE);
    CHECK_NUMBER(o.workers, 3);
    CHECK_NUMBER(o.io_wait_ns, 10000000);
    CHECK_NUMBER(o.work.kind, WORK_SHARED);
    CHECK_NUMBER(o.work.units, 7);
    CHECK_NUMBER(o.backlog, 11);
    CHECK_NUMBER(o.max_connections, 12);
    CHECK_NUMBER(o.idle_timeout_ns, 1500000000);
    CHECK_NUMBER(o.max_n, 45);
    CHECK_NUMBER(o.ready_fd, 2);
    CHECK(o.verbose);
}

static void what_cannot_be_meant_is_refused(void)
{
    static const char *const OPTIONS[] = {
        "--max-n=46",       "--workers=0",       "--workers=1025",
        "--backlog=0",      "--backlog=65536",   "--max-connections=0",
        "--idle-timeout=0", "--framing=lines",   "--host=",
        "--port=1",         "--switch-interval", "--io-wait=-1",
        "--work=none",      "--work=Hash",       "--work-units=10001",
    };
    struct options o;

    for (size_t i = 0; i < sizeof OPTIONS / sizeof OPTIONS[0]; i++) {
        if (parse(&o, COMMAND(OPTIONS[i], "2999")) != ARGUMENTS_BAD)
            test_fail(__FILE__, __LINE__, OPTIONS[i]);
    }
}

int main(void)
{
    a_port_alone_leaves_the_defaults();
    every_option_reaches_its_place();
    what_cannot_be_meant_is_refused();
    return test_result();
}
