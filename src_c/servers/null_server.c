// SPDX-License-Identifier: BSD-3-Clause
// The ceiling of the meter: epoll_server, but that it answers 1 to every request and looks at none.
// With --replies it repeats what another server has answered, of any protocol. Not a server to
// compare with.
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/die.h"
#include "serve/acceptor.h"
#include "serve/census.h"
#include "serve/epolling.h"
#include "serve/listener.h"
#include "serve/options.h"
#include "serve/reactor.h"
#include "serve/repeating.h"
#include "serve/shards.h"
#include "serve/signals.h"

enum { EVENTS_PER_TURN = 256 };

struct loop {
    struct reactor reactor;
    struct epolling epolling;
};

static bool watch(void *waiting, int fd, enum interest before, enum interest now)
{
    const struct loop *loop = waiting;
    return epolling_watch(&loop->epolling, fd, before, now);
}

static const struct design NULL_SERVER = {
    .watch = watch, .closing_forgets = true, .fixed_reply = true};

static void prepare(void *shard)
{
    struct loop *loop = shard;

    loop->epolling = epolling_open_or_exit(loop->reactor.options);
    reactor_prepare_or_exit(&loop->reactor);
}

static void run(void *shard)
{
    struct loop *loop = shard;
    struct reactor *reactor = &loop->reactor;
    struct epoll_event events[EVENTS_PER_TURN];

    while (reactor_runs(reactor)) {
        int count =
            epolling_wait(&loop->epolling, events, EVENTS_PER_TURN, reactor_patience(reactor));
        reactor_begin_turn(reactor);
        for (int i = 0; i < count; i++)
            reactor_ready(reactor, events[i].data.fd);
        reactor_end_turn(reactor);
    }
    reactor_clean_up(reactor);
    close(loop->epolling.fd);
}

static const struct shard_steps STEPS = {.prepare = prepare, .run = run};

int main(int argc, char *argv[])
{
    const struct replies *replies;
    const struct options options = repeating_parse_or_exit(
        "null_server", "Answers 1 to everything: the ceiling of what can be measured.", argc, argv,
        &replies);
    int stop_fd = signals_install_or_exit(options.program);
    struct loop *loops = calloc(options.workers, sizeof *loops);
    int *listeners = calloc(options.workers, sizeof *listeners);
    struct census census = {0};

    if (loops == NULL || listeners == NULL)
        die(options.program, "cannot prepare", errno);
    listener_open_shared_or_exit(&options, (unsigned)options.workers, listeners);
    for (size_t i = 0; i < options.workers; i++) {
        loops[i].reactor = (struct reactor){
            .options = &options,
            .design = &NULL_SERVER,
            .waiting = &loops[i],
            .census = &census,
            .listener = listeners[i],
            .stop_fd = stop_fd,
        };
    }
    if (replies != NULL)
        repeating_run_or_exit(&options, replies, listeners, stop_fd, &census);
    else
        shards_run_or_exit(&options, listeners, &STEPS, loops, sizeof *loops);
    acceptor_report_refused(atomic_load(&census.refused));
    free(listeners);
    free(loops);
    return 0;
}
