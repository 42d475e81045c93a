// SPDX-License-Identifier: BSD-3-Clause
// Connections that stand before the load begins: those of an open loop, so that opening them delays
// nothing that is due, and idle ones.
#include "load/drive/standing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "core/clock.h"
#include "load/drive/client.h"
#include "load/drive/sending.h"

enum {
    EVENTS_AT_ONCE = 256,
    CONNECT_AT_ONCE = 64, // with TURN_MS 16,000 per second: less than a backlog of 4096 in 250 ms
    TURN_MS = 4,
};

static const int64_t PATIENCE_NS = INT64_C(5) * NS_PER_S;

static bool group_stands(const struct settings *settings, const struct group *group)
{
    bool is_kept = settings->framing != FRAMING_MESSAGE && group->ask.per_connection != 1;

    return group->idle || (group->rate_billionths > 0 && is_kept);
}

bool standing_is_needed(const struct settings *settings)
{
    for (size_t i = 0; i < settings->group_count; i++) {
        if (group_stands(settings, &settings->groups[i]))
            return true;
    }
    return false;
}

// Handles what has happened to the connections, or does within a time.
static void turn(struct worker *worker, int timeout_ms)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int count = epoll_wait(worker->epoll, events, EVENTS_AT_ONCE, timeout_ms);

    if (count == -1 && errno != EINTR) {
        perror("fibload: epoll_wait");
        abort();
    }
    for (int i = 0; i < count; i++) {
        void *mark = events[i].data.ptr;
        if (mark != &worker->stop && mark != &worker->timer && mark != &worker->cooldown)
            client_event(worker, mark, events[i].events);
    }
}

// Lets the server catch up.
static void pause_a_turn(struct worker *worker)
{
    int64_t until_ns = clock_now_ns() + (int64_t)TURN_MS * NS_PER_MS;

    for (int64_t now_ns = until_ns - 1; now_ns < until_ns; now_ns = clock_now_ns())
        turn(worker, TURN_MS);
}

static bool is_told_to_hurry(const struct worker *worker)
{
    return atomic_load_explicit(&worker->run->hurry, memory_order_relaxed);
}

// Begins to connect the clients of a share, not so fast that they outrun a server that accepts.
static void connect_all(struct worker *worker, struct share *share)
{
    for (size_t i = 0; i < share->client_count && !is_told_to_hurry(worker); i++) {
        if (i > 0 && i % CONNECT_AT_ONCE == 0)
            pause_a_turn(worker);
        connect_client(worker, &share->clients[i], clock_now_ns());
    }
}

// Waits until no client of a share is on its way, or until there is no more patience.
static void await_all(struct worker *worker, const struct share *share, int64_t until_ns)
{
    size_t settled = 0;

    while (settled < share->client_count && clock_now_ns() < until_ns &&
           !is_told_to_hurry(worker)) {
        enum client_state state = share->clients[settled].state;
        if (state == CLIENT_CONNECTING || state == CLIENT_OPENING)
            turn(worker, TURN_MS);
        else
            settled++;
    }
}

void standing_connect(struct worker *worker)
{
    const struct settings *settings = worker->settings;
    int64_t patience_ns = settings->timeout_ns < PATIENCE_NS ? settings->timeout_ns : PATIENCE_NS;

    for (size_t i = 0; i < worker->share_count; i++) {
        if (group_stands(settings, worker->shares[i].group))
            connect_all(worker, &worker->shares[i]);
    }
    int64_t until_ns = clock_now_ns() + patience_ns;
    for (size_t i = 0; i < worker->share_count; i++) {
        if (group_stands(settings, worker->shares[i].group))
            await_all(worker, &worker->shares[i], until_ns);
    }
}
