// SPDX-License-Identifier: BSD-3-Clause
// Synchronous: one process serves one connection at a time; the next one waits in the backlog.
#include <errno.h>

#include "serve/acceptor.h"
#include "serve/connection.h"
#include "serve/listener.h"
#include "serve/options.h"
#include "serve/signals.h"

int main(int argc, char *argv[])
{
    const struct options options = options_parse_or_exit(
        "server", "A Fibonacci server that serves one connection at a time.", argc, argv);
    int stop_fd = signals_install_or_exit(options.program);
    const struct acceptor acceptor = {
        .listener = listener_open_or_exit(&options),
        .stop_fd = stop_fd,
    };
    uint64_t refused = 0;
    atomic_bool said = false;

    listener_announce_or_exit(&options, acceptor.listener);
    for (;;) {
        int fd;
        switch (acceptor_next(&acceptor, &fd)) {
        case ACCEPT_CONNECTION:
            if (!connection_serve(fd, stop_fd, &options)) {
                acceptor_say_why(&said, options.program, "memory", errno);
                refused++;
            }
            break;
        case ACCEPT_STOP:
            acceptor_report_refused(refused);
            return 0;
        default:
            break;
        }
    }
}
