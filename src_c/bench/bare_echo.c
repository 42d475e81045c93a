// SPDX-License-Identifier: BSD-3-Clause
// The floor of the benchmark: an epoll loop that sends back what it receives, and does nothing
// else. What a server costs above it is what the server does.
#include "arguments.h"
#include "listener.h"
#include "options.h"
#include "signals.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 256, BUFFER_SIZE = 4096 };

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "bare_echo: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void watch(int epoll, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
        die("epoll_ctl");
}

// Takes every connection that waits. Edge-triggered, so that a quiet connection costs nothing.
static void accept_all(int epoll, int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd != -1)
            watch(epoll, fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR && errno != ECONNABORTED)
            die("accept4");
    }
}

// One recv and one send. A benchmark's request is short: what does not fit is a mistake in its use,
// and the connection is closed.
static void echo(int fd, uint32_t events)
{
    char buffer[BUFFER_SIZE];
    ssize_t size = recv(fd, buffer, sizeof buffer, 0);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0 || send(fd, buffer, (size_t)size, MSG_NOSIGNAL) != size ||
        (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        close(fd);
}

static struct options read_options(int argc, char *argv[])
{
    struct options options = options_default("bare_echo");
    const struct argument rows[] = {
        {"host", ARGUMENT_TEXT, {.text = &options.host}, "ADDR", .help = "address to listen on"},
        {"ready-fd",
         ARGUMENT_FD,
         {.fd = &options.ready_fd},
         "FD",
         .help = "once listening, write the port there and close it"},
    };
    const struct argument positionals[] = {
        {"PORT",
         ARGUMENT_PORT,
         {.port = &options.port},
         .help = "TCP port to listen on; 0: the kernel picks"},
    };
    const struct arguments table = {
        .program = options.program,
        .summary = "Send back what is received: the least that a server can cost.",
        .options = rows,
        .option_count = sizeof rows / sizeof *rows,
        .positionals = positionals,
        .positional_count = 1,
    };

    arguments_parse_or_exit(&table, argc, argv);
    return options;
}

int main(int argc, char *argv[])
{
    const struct options options = read_options(argc, argv);
    int stop = signals_install_or_exit(options.program);
    int listener = listener_open_or_exit(&options);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[EVENTS_AT_ONCE];

    if (epoll == -1)
        die("epoll_create1");
    watch(epoll, stop, EPOLLIN);
    watch(epoll, listener, EPOLLIN);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_AT_ONCE, -1);
        if (count == -1 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all(epoll, listener);
            else if (events[i].data.fd == stop)
                return EXIT_SUCCESS;
            else
                echo(events[i].data.fd, events[i].events);
        }
    }
}
