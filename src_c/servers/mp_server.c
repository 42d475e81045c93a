// SPDX-License-Identifier: BSD-3-Clause
// Multiprocess: a child process is forked for every connection, and ends with it.
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "serve/acceptor.h"
#include "serve/children.h"
#include "serve/connection.h"
#include "serve/listener.h"
#include "serve/options.h"
#include "serve/signals.h"

// Gives the connection to a child; false where the system has no room for one more process.
static bool start_child(struct children *children, const struct acceptor *acceptor, int fd,
                        const struct options *options)
{
    pid_t pid = children_fork(children);

    if (pid == 0) {
        close(acceptor->listener); // else the port stays taken while this child lives
        _exit(connection_serve(fd, acceptor->stop_fd, options) ? EXIT_SUCCESS : CHILDREN_NO_MEMORY);
    }
    return pid > 0;
}

static void accept_until_stopped(struct children *children, const struct acceptor *acceptor,
                                 const struct options *options, uint64_t *refused)
{
    atomic_bool said = false;

    for (;;) {
        int fd;
        enum accept_outcome outcome = acceptor_next(acceptor, &fd);
        // At every turn, since a busy listener makes ppoll(2) return without a look at signals.
        while (children_reap(children) != 0)
            continue;
        if (children->failed > 0)
            acceptor_say_why(&said, options->program, "memory in a child", ENOMEM);
        if (outcome == ACCEPT_STOP)
            return;
        if (outcome != ACCEPT_CONNECTION)
            continue;
        if (children->count == options->max_connections) {
            ++*refused;
        } else if (!start_child(children, acceptor, fd, options)) {
            acceptor_say_why(&said, options->program, "processes", errno);
            ++*refused;
            close(fd);
            acceptor_pause(acceptor);
            continue;
        }
        close(fd); // the child has its own: the connection ends when that one is closed
    }
}

int main(int argc, char *argv[])
{
    const struct options options = options_parse_or_exit(
        "mp_server", "A Fibonacci server that forks a process for every connection.", argc, argv);
    struct children children = children_prepare_or_exit(options.program, options.max_connections);
    int stop_fd = signals_install_with_children_or_exit(options.program);
    const struct acceptor acceptor = {
        .stop_fd = stop_fd,
        .listener = listener_open_or_exit(&options),
        .signal_mask = &children.signal_mask,
    };
    uint64_t refused = 0;

    listener_announce_or_exit(&options, acceptor.listener);
    accept_until_stopped(&children, &acceptor, &options, &refused);
    close(acceptor.listener);
    children_end(&children);
    acceptor_report_refused(refused + children.failed);
    return 0;
}
