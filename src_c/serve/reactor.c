// SPDX-License-Identifier: BSD-3-Clause
// What servers that wait for readiness share, but for one connection: see reactor.h.
#include "serve/reactor.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/die.h"
#include "serve/acceptor.h"
#include "serve/census.h"
#include "serve/reactor_client.h"
#include "serve/signals.h"

enum { ACCEPTS_PER_TURN = 64 }; // a burst of connections does not hold up those that are there

static void rest_listener(struct reactor *r)
{
    // Ready as it is, it would be found ready again and again.
    if (r->listens && reactor_watch(r, r->listener, INTEREST_READ, INTEREST_NONE))
        r->listens = false;
    r->accept_ns = r->now_ns + INT64_C(1) * ACCEPTOR_PAUSE_MS * NS_PER_MS;
}

static void accept_some(struct reactor *r)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd;
        switch (acceptor_try(r->listener, SOCK_NONBLOCK, &fd)) {
        case ACCEPT_CONNECTION:
            reactor_client_begin(r, fd);
            break;
        case ACCEPT_EXHAUSTED:
            rest_listener(r);
            return;
        default:
            return;
        }
    }
}

// Told to stop: accepts no more, and keeps only the connections that are to get replies. Those that
// have asked and not been read are found ready as ever.
static void begin_stop(struct reactor *r)
{
    reactor_watch(r, r->stop_fd, INTEREST_READ, INTEREST_NONE);
    if (r->listens)
        reactor_watch(r, r->listener, INTEREST_READ, INTEREST_NONE);
    close(r->listener);
    r->accept_ns = 0;
    r->stopping = true;
    r->end_ns = r->now_ns + SIGNALS_GRACE_NS;
    for (int fd = 0; fd < r->capacity; fd++) {
        if (r->clients[fd].open)
            reactor_client_hurry(r, fd);
    }
}

static void on_timer(struct reactor *r)
{
    uint64_t expirations;

    // Where it was not set there is nothing to be read; what has fallen due is seen to anyway.
    if (r->timer_is_set && read(r->timer, &expirations, sizeof expirations) > 0)
        r->timer_is_set = false;
}

void reactor_ready(struct reactor *reactor, int fd)
{
    if (fd == reactor->stop_fd) {
        if (!reactor->stopping)
            begin_stop(reactor);
    } else if (fd == reactor->timer) {
        on_timer(reactor);
    } else if (fd != reactor->listener || reactor->stopping) {
        reactor_client_ready(reactor, fd);
    } else if (reactor->accept_ns == 0) {
        accept_some(reactor);
    }
}

bool reactor_give_up(struct reactor *reactor, int fd, int error)
{
    if (!reactor->clients[fd].open)
        return false;
    reactor_client_refuse(reactor, fd, error);
    return true;
}

void reactor_reply(struct reactor *reactor, struct question question, unsigned fibonacci_n)
{
    const struct client *client = &reactor->clients[question.fd];

    // Else it has gone, and perhaps another came.
    if (client->open && client->generation == question.generation)
        reactor_client_reply(reactor, question.fd, fibonacci_n);
}

void reactor_begin_turn(struct reactor *reactor) { reactor->now_ns = clock_now_ns(); }

void reactor_end_turn(struct reactor *reactor)
{
    struct reactor *r = reactor;
    const int64_t now_ns = r->now_ns; // which goes on where they compute
    int64_t due_ns;
    int fd;

    while ((fd = deadlines_first(&r->io_waits, &due_ns)) != -1 && due_ns <= now_ns) {
        deadlines_clear(&r->io_waits, fd);
        reactor_client_waited(r, fd);
    }
    while ((fd = deadlines_first(&r->idle, &due_ns)) != -1 && due_ns <= now_ns)
        reactor_client_overdue(r, fd);
    if (r->accept_ns != 0 && r->accept_ns <= r->now_ns) {
        r->listens = r->listens || reactor_watch(r, r->listener, INTEREST_NONE, INTEREST_READ);
        r->accept_ns = r->listens ? 0 : r->now_ns + INT64_C(1) * ACCEPTOR_PAUSE_MS * NS_PER_MS;
    }
}

bool reactor_runs(const struct reactor *reactor)
{
    return !reactor->stopping || (reactor->live > 0 && reactor->now_ns < reactor->end_ns);
}

// Sees to it that the next idle client is not forgotten. The time of all of them is of one length,
// so that none can come before the one that the timer was set for. Returns when to wake without it:
// never, if it could be set.
static int64_t set_timer(struct reactor *r)
{
    int64_t due_ns;

    if (r->timer_is_set || deadlines_first(&r->idle, &due_ns) == -1)
        return INT64_MAX;
    const struct itimerspec at = {.it_value = clock_timespec(due_ns)};
    r->timer_is_set = timerfd_settime(r->timer, TFD_TIMER_ABSTIME, &at, NULL) == 0;
    return r->timer_is_set ? INT64_MAX : due_ns;
}

const struct timespec *reactor_patience(struct reactor *reactor)
{
    struct reactor *r = reactor;
    int64_t due_ns = r->stopping ? r->end_ns : INT64_MAX;
    int64_t io_ns = INT64_MAX;
    int64_t idle_ns = set_timer(r);

    deadlines_first(&r->io_waits, &io_ns);
    if (idle_ns < due_ns)
        due_ns = idle_ns;
    if (io_ns < due_ns)
        due_ns = io_ns;
    if (r->accept_ns != 0 && r->accept_ns < due_ns)
        due_ns = r->accept_ns;
    if (due_ns == INT64_MAX)
        return NULL;
    r->patience = clock_until(due_ns);
    return &r->patience;
}

void reactor_prepare_or_exit(struct reactor *reactor)
{
    struct reactor *r = reactor;

    r->capacity = census_capacity(r->options);
    r->desks = (struct desks){.options = r->options, .fixed = r->design->fixed_reply};
    r->clients = calloc((size_t)r->capacity, sizeof *r->clients);
    r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (r->clients == NULL || r->timer == -1 || deadlines_init(&r->idle, r->capacity) == -1 ||
        deadlines_init(&r->io_waits, r->capacity) == -1)
        die(r->options->program, "cannot prepare to serve", errno);
    r->listens = reactor_watch(r, r->timer, INTEREST_NONE, INTEREST_READ) &&
                 reactor_watch(r, r->listener, INTEREST_NONE, INTEREST_READ);
    if (!r->listens || !reactor_watch(r, r->stop_fd, INTEREST_NONE, INTEREST_READ))
        die(r->options->program, "cannot prepare to serve", errno);
}

void reactor_clean_up(struct reactor *reactor)
{
    for (int fd = 0; fd < reactor->capacity; fd++) {
        if (reactor->clients[fd].open)
            reactor_client_end(reactor, fd);
    }
    close(reactor->timer);
    desks_free(&reactor->desks);
    deadlines_free(&reactor->idle);
    deadlines_free(&reactor->io_waits);
    free(reactor->clients);
}
