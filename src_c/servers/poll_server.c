// SPDX-License-Identifier: BSD-3-Clause
// poll: one loop gives the kernel the list of all descriptors it waits for, anew in every turn, and
// looks through all of it for those that are ready. The list may be as long as it likes, and the
// kernel and the loop read it from end to end, however few are ready.
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
    struct pollfd *of; // the first `length` are waited for
    nfds_t length;
    nfds_t *place; // by descriptor: where it is in the list, plus one; 0: it is not
};

static void leave(struct list *list, int fd)
{
    nfds_t place = list->place[fd] - 1;
    struct pollfd last = list->of[--list->length];

    list->of[place] = last; // which takes the place of the one that leaves
    list->place[last.fd] = place + 1;
    list->place[fd] = 0;
}

static bool watch(void *waiting, int fd, enum interest before, enum interest now)
{
    struct list *list = waiting;

    if (before == INTEREST_NONE) {
        list->of[list->length++].fd = fd;
        list->place[fd] = list->length;
    }
    // What poll(2) has reported in this turn, and the loop not seen yet, is of no account any more.
    list->of[list->place[fd] - 1] =
        (struct pollfd){.fd = fd, .events = now == INTEREST_WRITE ? POLLOUT : POLLIN};
    if (now == INTEREST_NONE)
        leave(list, fd);
    return true;
}

static const struct design POLL = {.watch = watch};

static void turn(struct reactor *reactor, struct list *list)
{
    int left = ppoll(list->of, list->length, reactor_patience(reactor), NULL);

    if (left == -1 && errno != EINTR)
        die(reactor->options->program, "ppoll", errno);
    reactor_begin_turn(reactor);
    // From the end, since the last one takes the place of one that leaves; those that are new in
    // this turn are not looked at.
    for (nfds_t i = list->length; i > 0 && left > 0; i--) {
        if (i > list->length || list->of[i - 1].revents == 0)
            continue;
        reactor_ready(reactor, list->of[i - 1].fd);
        left--;
    }
    reactor_end_turn(reactor);
}

int main(int argc, char *argv[])
{
    const struct options options =
        options_parse_or_exit("poll_server", "A Fibonacci server with one poll loop.", argc, argv);
    struct census census = {0};
    struct list list = {0};
    int stop_fd = signals_install_or_exit(options.program);
    struct reactor reactor = {
        .options = &options,
        .design = &POLL,
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
