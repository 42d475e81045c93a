// SPDX-License-Identifier: BSD-3-Clause
// select: one loop gives the kernel the set of all descriptors it waits for, anew in every turn,
// and looks through all of them for those that are ready. A set has room for descriptors below 1024
// (FD_SETSIZE): connections above it are refused, since nothing checks what FD_SET writes.
#include <errno.h>
#include <sys/select.h>

#include "core/die.h"
#include "serve/acceptor.h"
#include "serve/census.h"
#include "serve/listener.h"
#include "serve/options.h"
#include "serve/reactor.h"
#include "serve/signals.h"

struct sets {
    fd_set reads;
    fd_set writes;
    int highest; // descriptor that was ever in one
};

static bool watch(void *waiting, int fd, enum interest before, enum interest now)
{
    struct sets *sets = waiting;

    (void)before;
    if (fd >= FD_SETSIZE) {
        errno = EMFILE;
        return false;
    }
    FD_CLR(fd, &sets->reads);
    FD_CLR(fd, &sets->writes);
    if (now == INTEREST_READ)
        FD_SET(fd, &sets->reads);
    if (now == INTEREST_WRITE)
        FD_SET(fd, &sets->writes);
    if (fd > sets->highest)
        sets->highest = fd;
    return true;
}

static const struct design SELECT = {.watch = watch};

static void turn(struct reactor *reactor, const struct sets *sets)
{
    fd_set reads = sets->reads; // select(2) overwrites what it is given
    fd_set writes = sets->writes;
    int left = pselect(sets->highest + 1, &reads, &writes, NULL, reactor_patience(reactor), NULL);

    if (left == -1 && errno != EINTR)
        die(reactor->options->program, "pselect", errno);
    reactor_begin_turn(reactor);
    for (int fd = 0; left > 0; fd++) {
        if (!FD_ISSET(fd, &reads) && !FD_ISSET(fd, &writes))
            continue;
        reactor_ready(reactor, fd);
        left--;
    }
    reactor_end_turn(reactor);
}

int main(int argc, char *argv[])
{
    const struct options options = options_parse_or_exit(
        "select_server", "A Fibonacci server with one select loop.", argc, argv);
    struct census census = {0};
    struct sets sets = {.highest = -1};
    int stop_fd = signals_install_or_exit(options.program);
    struct reactor reactor = {
        .options = &options,
        .design = &SELECT,
        .waiting = &sets,
        .census = &census,
        .stop_fd = stop_fd,
        .listener = listener_open_or_exit(&options),
    };

    reactor_prepare_or_exit(&reactor);
    listener_announce_or_exit(&options, reactor.listener);
    while (reactor_runs(&reactor))
        turn(&reactor, &sets);
    reactor_clean_up(&reactor);
    acceptor_report_refused(atomic_load(&census.refused));
    return 0;
}
