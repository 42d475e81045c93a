// SPDX-License-Identifier: BSD-3-Clause
// A loop that counts the bytes of requests and repeats their replies: see repeater.h.
#include "serve/repeater.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/die.h"
#include "serve/acceptor.h"

enum {
    EVENTS_PER_TURN = 256,
    ACCEPTS_PER_TURN = 64,
    COPIES_MAX = 1024, // of a reply, however short
};

struct repeater_client {
    bool open;
    bool ended;            // no more will come
    bool parts;            // all is said: what comes is thrown away until it ends
    enum interest watched; // read or write
    size_t step;           // of the openings; behind them come the requests
    uint64_t came;         // bytes that are not yet answered
    const char *unsent;
    size_t unsent_size;
};

static bool watch(struct repeater *repeater, int fd, struct repeater_client *client,
                  enum interest interest)
{
    if (client->watched == interest)
        return true;
    if (!epolling_watch(&repeater->epolling, fd, client->watched, interest))
        return false;
    client->watched = interest;
    return true;
}

static void end(struct repeater *repeater, int fd)
{
    repeater->clients[fd].open = false;
    atomic_fetch_sub(&repeater->census->live, 1);
    close(fd);
    if (repeater->accept_ns != 0) // a descriptor is free again
        repeater->accept_ns = 1;
}

// Takes the next bytes to send: false when what came is answered.
static bool take_next(const struct repeater *repeater, struct repeater_client *client)
{
    const struct replies *replies = repeater->replies;

    if (client->step < replies->opening_count) {
        const struct replies_step *step = &replies->openings[client->step];
        if (client->came < step->in)
            return false;
        client->came -= step->in;
        client->unsent = step->bytes;
        client->unsent_size = step->out;
        client->step++;
        return true;
    }
    uint64_t whole = client->came / replies->reply.in;
    if (whole == 0 || client->parts)
        return false;
    if (whole > repeater->copy_count)
        whole = repeater->copy_count;
    if (replies->closes) {
        whole = 1;
        client->parts = true;
    }
    client->came -= whole * replies->reply.in;
    client->unsent = repeater->copies;
    client->unsent_size = (size_t)whole * replies->reply.out;
    return true;
}

// Answers what came, as far as the client takes it: false when the connection is over.
static bool answer(struct repeater *repeater, int fd, struct repeater_client *client)
{
    while (client->unsent_size > 0 || take_next(repeater, client)) {
        if (client->unsent_size == 0) // an opening that nothing answers
            continue;
        ssize_t sent = send(fd, client->unsent, client->unsent_size, MSG_NOSIGNAL);
        if (sent >= 0) {
            client->unsent += sent;
            client->unsent_size -= (size_t)sent;
        } else if (errno == EAGAIN) {
            return watch(repeater, fd, client, INTEREST_WRITE);
        } else if (errno != EINTR) {
            return false;
        }
    }
    if (client->ended)
        return false;
    // What the client has sent behind it would have a plain close(2) reset the connection.
    if (client->parts && (client->came == 0 || shutdown(fd, SHUT_WR) == -1))
        return false;
    return watch(repeater, fd, client, INTEREST_READ);
}

static bool receive(struct repeater *repeater, int fd, struct repeater_client *client)
{
    ssize_t size = recv(fd, repeater->buffer, sizeof repeater->buffer, 0);

    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    if (size == 0)
        client->ended = true;
    if (client->parts)
        return size > 0;
    client->came += (uint64_t)size;
    return answer(repeater, fd, client);
}

static void begin(struct repeater *repeater, int fd)
{
    uint64_t live = atomic_fetch_add(&repeater->census->live, 1);

    if (live >= repeater->options->max_connections || fd >= repeater->capacity) {
        atomic_fetch_add(&repeater->census->refused, 1);
        atomic_fetch_sub(&repeater->census->live, 1);
        close(fd);
        return;
    }
    struct repeater_client *client = &repeater->clients[fd];
    *client = (struct repeater_client){.open = true, .watched = INTEREST_NONE};
    if (!watch(repeater, fd, client, INTEREST_READ)) {
        census_refuse(repeater->census, repeater->options, "places to wait in", errno);
        end(repeater, fd);
    } else if (!answer(repeater, fd, client)) { // which may be for it to begin
        end(repeater, fd);
    }
}

static void rest(struct repeater *repeater)
{
    // Ready as it is, it would be found ready again and again.
    if (epolling_watch(&repeater->epolling, repeater->listener, INTEREST_READ, INTEREST_NONE))
        repeater->accept_ns = clock_now_ns() + INT64_C(1) * ACCEPTOR_PAUSE_MS * NS_PER_MS;
}

static void accept_some(struct repeater *repeater)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd;
        switch (acceptor_try(repeater->listener, SOCK_NONBLOCK, &fd)) {
        case ACCEPT_CONNECTION:
            begin(repeater, fd);
            break;
        case ACCEPT_EXHAUSTED:
            rest(repeater);
            return;
        default:
            return;
        }
    }
}

static void serve(struct repeater *repeater, int fd)
{
    struct repeater_client *client = &repeater->clients[fd];

    if (client->watched == INTEREST_WRITE ? !answer(repeater, fd, client)
                                          : !receive(repeater, fd, client))
        end(repeater, fd);
}

void repeater_prepare_or_exit(void *argument)
{
    struct repeater *repeater = argument;
    const struct replies_step *reply = &repeater->replies->reply;

    repeater->epolling = epolling_open_or_exit(repeater->options);
    repeater->capacity = census_capacity(repeater->options);
    repeater->clients = calloc((size_t)repeater->capacity, sizeof *repeater->clients);
    repeater->copy_count =
        reply->out < REPEATER_BUFFER_SIZE ? REPEATER_BUFFER_SIZE / reply->out : 1;
    if (repeater->copy_count > COPIES_MAX)
        repeater->copy_count = COPIES_MAX;
    repeater->copies = malloc(repeater->copy_count * reply->out);
    if (repeater->clients == NULL || repeater->copies == NULL ||
        !epolling_watch(&repeater->epolling, repeater->listener, INTEREST_NONE, INTEREST_READ) ||
        !epolling_watch(&repeater->epolling, repeater->stop_fd, INTEREST_NONE, INTEREST_READ))
        die(repeater->options->program, "cannot prepare to serve", errno);
    for (size_t i = 0; i < repeater->copy_count; i++)
        memcpy(repeater->copies + i * reply->out, reply->bytes, reply->out);
}

static void clean_up(struct repeater *repeater)
{
    for (int fd = 0; fd < repeater->capacity; fd++) {
        if (repeater->clients[fd].open)
            end(repeater, fd);
    }
    close(repeater->listener);
    close(repeater->epolling.fd);
    free(repeater->clients);
    free(repeater->copies);
}

// The rest is over, unless the listener still cannot be watched.
static void accept_again(struct repeater *repeater)
{
    bool watched =
        epolling_watch(&repeater->epolling, repeater->listener, INTEREST_NONE, INTEREST_READ);

    repeater->accept_ns = watched ? 0 : clock_now_ns() + INT64_C(1) * ACCEPTOR_PAUSE_MS * NS_PER_MS;
}

static int wait_for_events(struct repeater *repeater, struct epoll_event *events)
{
    struct timespec patience;

    if (repeater->accept_ns == 0)
        return epolling_wait(&repeater->epolling, events, EVENTS_PER_TURN, NULL);
    patience = clock_until(repeater->accept_ns);
    return epolling_wait(&repeater->epolling, events, EVENTS_PER_TURN, &patience);
}

void repeater_run(void *argument)
{
    struct repeater *repeater = argument;
    struct epoll_event events[EVENTS_PER_TURN];

    for (bool stops = false; !stops;) {
        int count = wait_for_events(repeater, events);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == repeater->stop_fd)
                stops = true;
            else if (fd == repeater->listener)
                accept_some(repeater);
            else if (repeater->clients[fd].open) // else closed by an event before this one
                serve(repeater, fd);
        }
        if (repeater->accept_ns != 0 && repeater->accept_ns <= clock_now_ns())
            accept_again(repeater);
    }
    clean_up(repeater);
}
