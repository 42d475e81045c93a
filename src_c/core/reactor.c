// SPDX-License-Identifier: BSD-3-Clause
// What servers that wait for readiness share: see reactor.h.
#include "reactor.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "acceptor.h"
#include "die.h"
#include "last_input.h"
#include "signals.h"

enum {
    ACCEPTS_PER_TURN = 64, // a burst of connections does not hold up those that are there
    SPARE_FDS = 4096,      // descriptors that are not connections: listeners, loops, the inherited
};

struct client {
    struct conversation talk;
    uint32_t generation; // of the descriptor
    bool open;
    bool answered;         // something, since it was last read
    enum interest wanted;  // what it waits for
    enum interest watched; // what the design was last told: less often than `wanted` changes
};

// What a client needs of what the design waits with.
static const char PLACES[] = "places to wait in";

static bool watch(const struct reactor *r, int fd, enum interest before, enum interest now)
{
    return r->design->watch(r->waiting, fd, before, now);
}

static void grant_time(struct reactor *r, int fd)
{
    deadlines_set(&r->idle, fd, r->now_ns + r->options->idle_timeout_ns);
}

static void rest_listener(struct reactor *r)
{
    // Ready as it is, it would be found ready again and again.
    if (r->listens && watch(r, r->listener, INTEREST_READ, INTEREST_NONE))
        r->listens = false;
    r->accept_ns = r->now_ns + INT64_C(1) * ACCEPTOR_PAUSE_MS * NS_PER_MS;
}

// A connection is closed unserved, for want of something.
static void count_refused(struct reactor *r, const char *lacking, int error)
{
    atomic_fetch_add(&r->census->refused, 1);
    acceptor_say_why(&r->census->said, r->options->program, lacking, error);
}

static void end_client(struct reactor *r, int fd)
{
    struct client *client = &r->clients[fd];

    deadlines_clear(&r->idle, fd);
    deadlines_clear(&r->io_waits, fd);
    conversation_end(&client->talk);
    if (client->watched != INTEREST_NONE && !r->design->closing_forgets)
        watch(r, fd, client->watched, INTEREST_NONE);
    client->open = false;
    client->generation++;
    r->live--;
    atomic_fetch_sub(&r->census->live, 1); // before the client can see the end, and come again
    close(fd);
    if (r->accept_ns != 0) // a descriptor is free again
        r->accept_ns = r->now_ns;
}

static void begin_client(struct reactor *r, int fd)
{
    uint64_t live = atomic_fetch_add(&r->census->live, 1);

    bool has_place = live < r->options->max_connections && fd < r->capacity;
    if (!has_place || !watch(r, fd, INTEREST_NONE, INTEREST_READ)) {
        if (has_place)
            count_refused(r, PLACES, errno);
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

static void accept_some(struct reactor *r)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd;
        switch (acceptor_try(r->listener, SOCK_NONBLOCK, &fd)) {
        case ACCEPT_CONNECTION:
            begin_client(r, fd);
            break;
        case ACCEPT_EXHAUSTED:
            rest_listener(r);
            return;
        default:
            return;
        }
    }
}

static bool tell_watched(struct reactor *r, int fd, struct client *client)
{
    enum interest before = client->watched;

    if (before != client->wanted && !watch(r, fd, before, client->wanted)) {
        count_refused(r, PLACES, errno);
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
        count_refused(r, "memory", errno);
        return false;
    }
    ssize_t got = recv(fd, room, size, 0);
    if (got == -1 && errno != EAGAIN && errno != EINTR)
        return false;
    if (got >= 0)
        conversation_took(&client->talk, (size_t)got);
    return proceed(r, fd, client);
}

static void client_ready(struct reactor *r, int fd)
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
        end_client(r, fd);
}

// Told to stop: accepts no more, and keeps only the connections that are to get replies. Those that
// have asked and not been read are found ready as ever.
static void begin_stop(struct reactor *r)
{
    watch(r, r->stop_fd, INTEREST_READ, INTEREST_NONE);
    if (r->listens)
        watch(r, r->listener, INTEREST_READ, INTEREST_NONE);
    close(r->listener);
    r->accept_ns = 0;
    r->stopping = true;
    r->end_ns = r->now_ns + SIGNALS_GRACE_NS;
    for (int fd = 0; fd < r->capacity; fd++) {
        if (r->clients[fd].open && r->clients[fd].wanted == INTEREST_READ && !last_input_waits(fd))
            end_client(r, fd);
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
        client_ready(reactor, fd);
    } else if (reactor->accept_ns == 0) {
        accept_some(reactor);
    }
}

bool reactor_give_up(struct reactor *reactor, int fd, int error)
{
    if (!reactor->clients[fd].open)
        return false;
    count_refused(reactor, PLACES, error);
    end_client(reactor, fd);
    return true;
}

void reactor_reply(struct reactor *reactor, struct question question, unsigned fibonacci_n)
{
    struct client *client = &reactor->clients[question.fd];

    if (!client->open || client->generation != question.generation)
        return; // it has gone, and perhaps another came
    conversation_reply(&client->talk, fibonacci_n);
    if (!proceed(reactor, question.fd, client))
        end_client(reactor, question.fd);
}

void reactor_begin_turn(struct reactor *reactor) { reactor->now_ns = clock_now_ns(); }

// Its time is over, unless the server is behind: what it waited for may be there and not be seen
// to.
static void end_idle_client(struct reactor *r, int fd)
{
    struct pollfd ready = {
        .fd = fd,
        .events = r->clients[fd].wanted == INTEREST_WRITE ? POLLOUT : POLLIN,
    };

    if (poll(&ready, 1, 0) == 1)
        grant_time(r, fd);
    else
        end_client(r, fd);
}

void reactor_end_turn(struct reactor *reactor)
{
    struct reactor *r = reactor;
    const int64_t now_ns = r->now_ns; // which goes on where they compute
    int64_t due_ns;
    int fd;

    while ((fd = deadlines_first(&r->io_waits, &due_ns)) != -1 && due_ns <= now_ns) {
        deadlines_clear(&r->io_waits, fd);
        conversation_waited(&r->clients[fd].talk);
        if (!proceed(r, fd, &r->clients[fd]))
            end_client(r, fd);
    }
    while ((fd = deadlines_first(&r->idle, &due_ns)) != -1 && due_ns <= now_ns)
        end_idle_client(r, fd);
    if (r->accept_ns != 0 && r->accept_ns <= r->now_ns) {
        r->listens = r->listens || watch(r, r->listener, INTEREST_NONE, INTEREST_READ);
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

int reactor_capacity(const struct options *options)
{
    return (int)options->max_connections + SPARE_FDS;
}

void reactor_prepare_or_exit(struct reactor *reactor)
{
    struct reactor *r = reactor;

    r->capacity = reactor_capacity(r->options);
    r->desks = (struct desks){.options = r->options, .fixed = r->design->fixed_reply};
    r->clients = calloc((size_t)r->capacity, sizeof *r->clients);
    if (r->clients == NULL || deadlines_init(&r->idle, r->capacity) == -1 ||
        deadlines_init(&r->io_waits, r->capacity) == -1 ||
        (r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) == -1 ||
        !watch(r, r->timer, INTEREST_NONE, INTEREST_READ) ||
        !(r->listens = watch(r, r->listener, INTEREST_NONE, INTEREST_READ)) ||
        !watch(r, r->stop_fd, INTEREST_NONE, INTEREST_READ))
        die(r->options->program, "cannot prepare to serve", errno);
}

void reactor_clean_up(struct reactor *reactor)
{
    for (int fd = 0; fd < reactor->capacity; fd++) {
        if (reactor->clients[fd].open)
            end_client(reactor, fd);
    }
    close(reactor->timer);
    desks_free(&reactor->desks);
    deadlines_free(&reactor->idle);
    deadlines_free(&reactor->io_waits);
    free(reactor->clients);
}
