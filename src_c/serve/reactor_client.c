// SPDX-License-Identifier: BSD-3-Clause
// One connection of a reactor: see reactor_client.h.
#include "serve/reactor_client.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "serve/census.h"
#include "serve/deadlines.h"
#include "serve/last_input.h"

// What a client needs of what the design waits with.
static const char PLACES[] = "places to wait in";

static void grant_time(struct reactor *r, int fd)
{
    deadlines_set(&r->idle, fd, r->now_ns + r->options->idle_timeout_ns);
}

void reactor_client_end(struct reactor *r, int fd)
{
    struct client *client = &r->clients[fd];

    deadlines_clear(&r->idle, fd);
    deadlines_clear(&r->io_waits, fd);
    conversation_end(&client->talk);
    if (client->watched != INTEREST_NONE && !r->design->closing_forgets)
        reactor_watch(r, fd, client->watched, INTEREST_NONE);
    client->open = false;
    client->generation++;
    r->live--;
    atomic_fetch_sub(&r->census->live, 1); // before the client can see the end, and come again
    close(fd);
    if (r->accept_ns != 0) // a descriptor is free again
        r->accept_ns = r->now_ns;
}

void reactor_client_begin(struct reactor *r, int fd)
{
    uint64_t live = atomic_fetch_add(&r->census->live, 1);

    bool has_place = live < r->options->max_connections && fd < r->capacity;
    if (!has_place || !reactor_watch(r, fd, INTEREST_NONE, INTEREST_READ)) {
        if (has_place)
            census_refuse(r->census, r->options, PLACES, errno);
        else
            atomic_fetch_add(&r->census->refused, 1);
        atomic_fetch_sub(&r->census->live, 1);
        close(fd);
        return;
    }
    struct client *client = &r->clients[fd];
    client->open = true;
    client->answered = false;
    client->wanted = client->watched = INTEREST_READ;
    conversation_begin(&client->talk, &r->desks, fd);
    r->live++;
    grant_time(r, fd);
}

static bool tell_watched(struct reactor *r, int fd, struct client *client)
{
    enum interest before = client->watched;

    if (before != client->wanted && !reactor_watch(r, fd, before, client->wanted)) {
        census_refuse(r->census, r->options, PLACES, errno);
        return false;
    }
    client->watched = client->wanted;
    return true;
}

// What the client is to do next: false when it cannot be waited for. Where it is to do nothing, the
// design learns of it only if the client does something all the same: most do not, and are waited
// for again before they do.
static bool want(struct reactor *r, int fd, struct client *client, enum interest interest)
{
    if (interest == INTEREST_NONE)
        deadlines_clear(&r->idle, fd);
    else if (interest != client->wanted || client->answered)
        grant_time(r, fd); // a fragment alone does not buy more of it
    client->answered = false;
    client->wanted = interest;
    return interest == INTEREST_NONE || tell_watched(r, fd, client);
}

// Sends once: false when the connection is over.
static bool send_some(int fd, struct conversation *talk)
{
    size_t size;
    const char *bytes = conversation_unsent(talk, &size);
    ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

    if (sent >= 0)
        conversation_sent(talk, (size_t)sent);
    return sent >= 0 || errno == EAGAIN || errno == EINTR;
}

// Has the number computed elsewhere, where the design does so.
static bool ask(const struct reactor *r, int fd, const struct client *client)
{
    const struct question question = {
        .fd = fd,
        .generation = client->generation,
        .n = client->talk.request.n,
    };
    return r->design->ask != NULL && client->talk.request.kind == REQUEST_NUMBER &&
           r->design->ask(r->waiting, question);
}

// Computes here and now. The time of clients runs from when it is over.
static void answer(struct reactor *r, struct client *client)
{
    bool is_long = conversation_takes_long(&client->talk);

    conversation_answer(&client->talk);
    if (is_long)
        r->now_ns = clock_now_ns();
}

// What comes next: where numbers are computed elsewhere, in a queue behind those of others, replies
// that are ready are sent before.
static enum conversation_step next_step(const struct reactor *r, struct client *client)
{
    enum conversation_step step = conversation_next(&client->talk);
    size_t unsent = 0;

    if (step == CONVERSATION_ANSWER && r->design->ask != NULL && client->talk.desk != NULL)
        conversation_unsent(&client->talk, &unsent);
    return unsent > 0 ? CONVERSATION_SEND : step;
}

// Does all that can be done without waiting: false when the connection is over.
static bool proceed(struct reactor *r, int fd, struct client *client)
{
    size_t unsent;

    for (;;) {
        switch (next_step(r, client)) {
        case CONVERSATION_READ:
            return (!r->stopping || last_input_waits(fd)) && want(r, fd, client, INTEREST_READ);
        case CONVERSATION_SEND:
            if (!send_some(fd, &client->talk))
                return false;
            conversation_unsent(&client->talk, &unsent);
            if (unsent > 0)
                return want(r, fd, client, INTEREST_WRITE);
            break;
        case CONVERSATION_WAIT:
            deadlines_set(&r->io_waits, fd, clock_now_ns() + r->options->io_wait_ns);
            return want(r, fd, client, INTEREST_NONE);
        case CONVERSATION_ANSWER:
            client->answered = true;
            if (ask(r, fd, client))
                return want(r, fd, client, INTEREST_NONE);
            answer(r, client);
            break;
        case CONVERSATION_END:
            return false;
        }
    }
}

// Reads once, and goes on: false when the connection is over.
static bool receive(struct reactor *r, int fd, struct client *client)
{
    size_t size;
    char *room = conversation_room(&client->talk, &size);

    if (room == NULL) {
        census_refuse(r->census, r->options, "memory", errno);
        return false;
    }
    ssize_t got = recv(fd, room, size, 0);
    if (got == -1 && errno != EAGAIN && errno != EINTR)
        return false;
    if (got >= 0)
        conversation_took(&client->talk, (size_t)got);
    return proceed(r, fd, client);
}

void reactor_client_ready(struct reactor *r, int fd)
{
    struct client *client = &r->clients[fd];
    bool goes_on = false;

    if (!client->open) // closed by an event before this one
        return;
    if (client->wanted == INTEREST_READ)
        goes_on = receive(r, fd, client);
    else if (client->wanted == INTEREST_WRITE)
        goes_on = proceed(r, fd, client);
    else if (client->watched != INTEREST_NONE)
        goes_on = tell_watched(r, fd, client);
    // else it waits for nothing, and is woken only because the client has reset it
    if (!goes_on)
        reactor_client_end(r, fd);
}

void reactor_client_waited(struct reactor *reactor, int fd)
{
    conversation_waited(&reactor->clients[fd].talk);
    if (!proceed(reactor, fd, &reactor->clients[fd]))
        reactor_client_end(reactor, fd);
}

void reactor_client_hurry(struct reactor *reactor, int fd)
{
    if (reactor->clients[fd].wanted == INTEREST_READ && !last_input_waits(fd))
        reactor_client_end(reactor, fd);
}

void reactor_client_overdue(struct reactor *r, int fd)
{
    struct pollfd ready = {
        .fd = fd,
        .events = r->clients[fd].wanted == INTEREST_WRITE ? POLLOUT : POLLIN,
    };

    if (poll(&ready, 1, 0) == 1)
        grant_time(r, fd);
    else
        reactor_client_end(r, fd);
}

void reactor_client_refuse(struct reactor *reactor, int fd, int error)
{
    census_refuse(reactor->census, reactor->options, PLACES, error);
    reactor_client_end(reactor, fd);
}

void reactor_client_reply(struct reactor *reactor, int fd, unsigned fibonacci_n)
{
    struct client *client = &reactor->clients[fd];

    conversation_reply(&client->talk, fibonacci_n);
    if (!proceed(reactor, fd, client))
        reactor_client_end(reactor, fd);
}
