// SPDX-License-Identifier: BSD-3-Clause
// Non-blocking: one loop tries every socket in turn. An operation that cannot go on now fails at
// once with EAGAIN, "try again later", and later is the next turn: with nobody asking anything, a
// core is burnt on asking.
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "core/die.h"
#include "serve/acceptor.h"
#include "serve/census.h"
#include "serve/listener.h"
#include "serve/options.h"
#include "serve/reactor.h"
#include "serve/signals.h"

struct list {
    int *of; // descriptors to try
    int length;
    int *place; // by descriptor: where it is in the list
};

static bool watch(void *waiting, int fd, enum interest before, enum interest now)
{
    struct list *list = waiting;

    if (before == INTEREST_NONE) {
        list->place[fd] = list->length;
        list->of[list->length++] = fd;
    }
    if (now == INTEREST_NONE) { // the last one takes its place
        int last = list->of[--list->length];
        list->of[list->place[fd]] = last;
        list->place[last] = list->place[fd];
    }
    return true;
}

static const struct design NONBLOCKING = {.watch = watch};

static bool is_readable(int fd)
{
    struct pollfd now = {.fd = fd, .events = POLLIN};
    return poll(&now, 1, 0) == 1;
}

static void turn(struct reactor *reactor, const struct list *list)
{
    reactor_begin_turn(reactor);
    // From the end, for the same reason: whoever takes a place has been tried in this turn.
    for (int i = list->length - 1; i >= 0; i--) {
        if (i >= list->length)
            continue;
        int fd = list->of[i];
        // The stop pipe is not there to be read.
        if (fd != reactor->stop_fd || is_readable(fd))
            reactor_ready(reactor, fd);
    }
    reactor_end_turn(reactor);
}

int main(int argc, char *argv[])
{
    const struct options options = options_parse_or_exit(
        "nonblocking_server", "A Fibonacci server that tries one socket after the other.", argc,
        argv);
    struct census census = {0};
    struct list list = {0};
    int stop_fd = signals_install_or_exit(options.program);
    struct reactor reactor = {
        .options = &options,
        .design = &NONBLOCKING,
        .waiting = &list,
        .census = &census,
        .stop_fd = stop_fd,
        .listener = listener_open_or_exit(&options),
    };

    list.of = calloc((size_t)census_capacity(&options), sizeof *list.of);
    list.place = calloc((size_t)census_capacity(&options), sizeof *list.place);
    if (list.of == NULL || list.place == NULL)
        die(options.program, "cannot prepare", errno);
    reactor_prepare_or_exit(&reactor);
    listener_announce_or_exit(&options, reactor.listener);
    while (reactor_runs(&reactor))
        turn(&reactor, &list);
    reactor_clean_up(&reactor);
    acceptor_report_refused(atomic_load(&census.refused));
    free(list.place);
    free(list.of);
    return 0;
}
