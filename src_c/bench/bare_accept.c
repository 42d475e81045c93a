// SPDX-License-Identifier: BSD-3-Clause
// The floor where each request has a connection of its own: a loop that accepts, receives, sends
// back what it received, and closes. It blocks in these calls, and ends wherever it is.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/small_server.h"
#include "core/die.h"
#include "serve/listener.h"

enum { BUFFER_SIZE = 4096 };

static void echo_once(int fd)
{
    char buffer[BUFFER_SIZE];
    ssize_t size = recv(fd, buffer, sizeof buffer, 0);

    if (size > 0)
        (void)send(fd, buffer, (size_t)size, MSG_NOSIGNAL); // the client sees what is missing
    close(fd);
}

static void end(int signal_number)
{
    (void)signal_number;
    _exit(EXIT_SUCCESS);
}

int main(int argc, char *argv[])
{
    struct small_server server = {.options = options_default("bare_accept")};

    small_server_read_options(
        &server.options,
        "Accept, send back what is received, close: the least that a connection costs.", argc,
        argv);
    if (signal(SIGTERM, end) == SIG_ERR || signal(SIGINT, end) == SIG_ERR)
        die(server.options.program, "signal", errno);
    server.listener = listener_open_or_exit(&server.options);
    int flags = fcntl(server.listener, F_GETFL);
    if (flags == -1 || fcntl(server.listener, F_SETFL, flags & ~O_NONBLOCK) == -1)
        die(server.options.program, "fcntl", errno);
    listener_announce_or_exit(&server.options, server.listener);
    for (;;) {
        int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd != -1)
            echo_once(fd);
        else if (errno != EINTR && errno != ECONNABORTED)
            die(server.options.program, "accept4", errno);
    }
}
