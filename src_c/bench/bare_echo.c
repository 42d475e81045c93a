// SPDX-License-Identifier: BSD-3-Clause
// The floor of the benchmark: an epoll loop that sends back what it receives, and does nothing
// else. What a server costs above it is what the server does.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/small_server.h"
#include "core/die.h"
#include "serve/listener.h"

enum { EVENTS_AT_ONCE = 256, BUFFER_SIZE = 4096 };

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

int main(int argc, char *argv[])
{
    struct small_server server = {.options = options_default("bare_echo")};
    struct epoll_event events[EVENTS_AT_ONCE];

    small_server_read_options(&server.options,
                              "Send back what is received: the least that a server can cost.", argc,
                              argv);
    small_server_open(&server);
    listener_announce_or_exit(&server.options, server.listener);
    for (;;) {
        int count = epoll_wait(server.epoll, events, EVENTS_AT_ONCE, -1);
        if (count == -1 && errno != EINTR)
            die(server.options.program, "epoll_wait", errno);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == server.listener)
                small_server_accept(&server);
            else if (events[i].data.fd == server.stop)
                return EXIT_SUCCESS;
            else
                echo(events[i].data.fd, events[i].events);
        }
    }
}
