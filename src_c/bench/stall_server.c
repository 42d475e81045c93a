// SPDX-License-Identifier: BSD-3-Clause
// A server with known pauses, to hold a load generator to: it answers "1" to every line at once,
// but at the end of each period it does nothing for a while, as one that collects garbage or waits
// for a disk. Whoever asks then waits until the period is over.
//
// On standard output it says when its first period begins, how long each is and how long the pause
// at its end, in nanoseconds of CLOCK_MONOTONIC, so that the true latencies can be computed.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/small_server.h"
#include "core/clock.h"
#include "core/die.h"
#include "serve/listener.h"

enum { EVENTS_AT_ONCE = 256, BUFFER_SIZE = 4096, OWN_ROWS = 2 };

struct stall_server {
    struct small_server base;
    int64_t start_ns;
    int64_t every_ns;
    int64_t stall_ns;
};

static void read_options(struct stall_server *server, int argc, char *argv[])
{
    struct options *options = &server->base.options;
    struct argument rows[SMALL_SERVER_ROWS + OWN_ROWS] = {
        {"every",
         ARGUMENT_MILLISECONDS,
         {.ns = &server->every_ns},
         "MS",
         .min = NS_PER_MS,
         .help = "length of a period"},
        {"stall",
         ARGUMENT_MILLISECONDS,
         {.ns = &server->stall_ns},
         "MS",
         .help = "length of the pause at its end"},
    };
    const struct argument port = small_server_port(options);
    const struct arguments table = {
        .program = options->program,
        .summary = "Answer 1 to every line at once, but for a pause at the end of each period.",
        .options = rows,
        .option_count = SMALL_SERVER_ROWS + OWN_ROWS,
        .positionals = &port,
        .positional_count = 1,
    };

    small_server_rows(options, rows + OWN_ROWS);
    arguments_parse_or_exit(&table, argc, argv);
    if (server->stall_ns >= server->every_ns) {
        fputs("stall_server: --stall is not shorter than --every (nothing would be answered); "
              "try --help\n",
              stderr);
        exit(2);
    }
}

// Sleeps to the end of the period if it is in its pause.
static void wait_out(const struct stall_server *server)
{
    int64_t since_ns = clock_now_ns() - server->start_ns;
    int64_t left_ns = server->every_ns - since_ns % server->every_ns;
    const struct timespec end = clock_timespec(server->start_ns + since_ns + left_ns);

    if (left_ns > server->stall_ns)
        return;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
        continue;
}

// One reply for each line that has come. A benchmark's requests are short: a client whose replies
// do not fit is closed.
static void answer(int fd, uint32_t events)
{
    char requests[BUFFER_SIZE];
    char replies[2 * BUFFER_SIZE];
    ssize_t size = recv(fd, requests, sizeof requests, 0);
    size_t due = 0;

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    for (ssize_t i = 0; i < size; i++) {
        if (requests[i] == '\n') {
            memcpy(replies + due, "1\n", 2);
            due += 2;
        }
    }
    if (size <= 0 || (due > 0 && send(fd, replies, due, MSG_NOSIGNAL) != (ssize_t)due) ||
        (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        close(fd);
}

int main(int argc, char *argv[])
{
    struct stall_server server = {.every_ns = INT64_C(2) * NS_PER_S,
                                  .stall_ns = INT64_C(500) * NS_PER_MS};
    struct epoll_event events[EVENTS_AT_ONCE];

    server.base.options = options_default("stall_server");
    read_options(&server, argc, argv);
    server.start_ns = clock_now_ns();
    printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", server.start_ns, server.every_ns,
           server.stall_ns);
    if (fflush(stdout) != 0)
        die(server.base.options.program, "standard output", errno);
    small_server_open(&server.base);
    listener_announce_or_exit(&server.base.options, server.base.listener);
    for (;;) {
        int count = epoll_wait(server.base.epoll, events, EVENTS_AT_ONCE, -1);
        if (count == -1 && errno != EINTR)
            die(server.base.options.program, "epoll_wait", errno);
        wait_out(&server);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == server.base.listener)
                small_server_accept(&server.base);
            else if (events[i].data.fd == server.base.stop)
                return EXIT_SUCCESS;
            else
                answer(events[i].data.fd, events[i].events);
        }
    }
}
