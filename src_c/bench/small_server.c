// SPDX-License-Identifier: BSD-3-Clause
// What the small servers of the benchmark share: a listener, an epoll loop's beginnings, an end.
#include "bench/small_server.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/die.h"
#include "serve/listener.h"
#include "serve/signals.h"

void small_server_rows(struct options *options, struct argument rows[static SMALL_SERVER_ROWS])
{
    rows[0] = (struct argument){.name = "host",
                                .kind = ARGUMENT_TEXT,
                                .to.text = &options->host,
                                .placeholder = "ADDR",
                                .help = "address to listen on"};
    rows[1] = (struct argument){.name = "ready-fd",
                                .kind = ARGUMENT_FD,
                                .to.fd = &options->ready_fd,
                                .placeholder = "FD",
                                .help = "once able to serve, write the port there and close it"};
}

struct argument small_server_port(struct options *options)
{
    return (struct argument){.name = "PORT",
                             .kind = ARGUMENT_PORT,
                             .to.port = &options->port,
                             .help = "TCP port to listen on; 0: the kernel picks"};
}

void small_server_read_options(struct options *options, const char *summary, int argc, char *argv[])
{
    struct argument rows[SMALL_SERVER_ROWS];
    const struct argument port = small_server_port(options);
    const struct arguments table = {
        .program = options->program,
        .summary = summary,
        .options = rows,
        .option_count = SMALL_SERVER_ROWS,
        .positionals = &port,
        .positional_count = 1,
    };

    small_server_rows(options, rows);
    arguments_parse_or_exit(&table, argc, argv);
}

void small_server_watch(const struct small_server *server, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == -1)
        die(server->options.program, "epoll_ctl", errno);
}

void small_server_open(struct small_server *server)
{
    server->stop = signals_install_or_exit(server->options.program);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll == -1)
        die(server->options.program, "epoll_create1", errno);
    server->listener = listener_open_or_exit(&server->options);
    small_server_watch(server, server->stop, EPOLLIN);
    small_server_watch(server, server->listener, EPOLLIN);
}

void small_server_accept(const struct small_server *server)
{
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd != -1)
            small_server_watch(server, fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR && errno != ECONNABORTED)
            die(server->options.program, "accept4", errno);
    }
}
