// SPDX-License-Identifier: BSD-3-Clause
// One connection served by a caller that blocks: a process or a thread of its own, or the only one.
//
// A request costs ppoll, recv and send. The socket itself never blocks (MSG_DONTWAIT): all waiting
// is in ppoll, where the stop pipe and the deadline are seen too.
#include "serve/connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "serve/conversation.h"

struct connection {
    int fd;
    int stop_fd;   // -1 where being told to stop no longer matters
    bool stopping; // told to: what is there is read, and no more waited for
    const struct options *options;
    int error;           // ENOMEM: there is no memory to serve it with
    int64_t deadline_ns; // for the client: a whole request, or to take its replies
    struct conversation talk;
};

enum wait_outcome { WAIT_READY, WAIT_STOP, WAIT_OVER };

// Waits for the socket; while reading, for the stop as well. It is over at the deadline.
static enum wait_outcome wait_for(const struct connection *c, short events)
{
    for (;;) {
        struct pollfd waits[] = {
            {.fd = c->fd, .events = events},
            {.fd = events == POLLIN ? c->stop_fd : -1, .events = POLLIN},
        };
        const struct timespec left = clock_until(c->deadline_ns);
        int ready = ppoll(waits, 2, &left, NULL);
        if (ready == -1 && errno == EINTR)
            continue;
        if (ready <= 0)
            return WAIT_OVER;
        return waits[0].revents != 0 ? WAIT_READY : WAIT_STOP;
    }
}

static void grant_time(struct connection *c)
{
    c->deadline_ns = clock_now_ns() + c->options->idle_timeout_ns;
}

// Waits for bytes, unless it is to stop: false when they are not to be waited for.
static bool await_bytes(struct connection *c)
{
    enum wait_outcome outcome = c->stopping ? WAIT_STOP : wait_for(c, POLLIN);

    c->stopping = outcome == WAIT_STOP;
    return outcome != WAIT_OVER;
}

// Reads once: false when the connection is over. What came before the stop may not have been there
// when ppoll(2) looked, so that a last read decides.
static bool receive(struct connection *c)
{
    size_t size;
    char *room = conversation_room(&c->talk, &size);

    if (room == NULL) {
        c->error = ENOMEM;
        return false;
    }
    for (;;) {
        if (!await_bytes(c))
            return false;
        ssize_t got = recv(c->fd, room, size, MSG_DONTWAIT);
        if (got == -1 && (errno == EINTR || (errno == EAGAIN && !c->stopping)))
            continue;
        if (got >= 0)
            conversation_took(&c->talk, (size_t)got);
        return got >= 0;
    }
}

// Sends all replies that are ready: false when the client does not take them.
static bool flush(struct connection *c)
{
    bool granted = false; // the clock is read only when the client makes us wait
    size_t left;
    const char *bytes;

    while (bytes = conversation_unsent(&c->talk, &left), left > 0) {
        ssize_t got = send(c->fd, bytes, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (got >= 0) {
            conversation_sent(&c->talk, (size_t)got);
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return false;
        if (!granted)
            grant_time(c);
        granted = true;
        if (wait_for(c, POLLOUT) == WAIT_OVER)
            return false;
    }
    return true;
}

// Stands for a slow call to something else: sleeps without using the CPU.
static void io_wait(const struct options *options)
{
    const struct timespec until = clock_timespec(clock_now_ns() + options->io_wait_ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

static void serve(struct connection *c)
{
    bool answered = true; // a fragment alone does not buy more time

    for (;;) {
        switch (conversation_next(&c->talk)) {
        case CONVERSATION_READ:
            if (answered)
                grant_time(c);
            answered = false;
            if (!receive(c))
                return;
            break;
        case CONVERSATION_SEND:
            if (!flush(c))
                return;
            break;
        case CONVERSATION_WAIT:
            io_wait(c->options);
            conversation_waited(&c->talk);
            break;
        case CONVERSATION_ANSWER:
            conversation_answer(&c->talk);
            answered = true;
            break;
        case CONVERSATION_END:
            return;
        }
    }
}

bool connection_serve(int fd, int stop_fd, const struct options *options)
{
    // On the stack its buffers would be touched, every page of them, as soon as the frame is made
    // (-fstack-clash-protection); of what malloc(3) gives, only what is used.
    struct desks desks = {.options = options};
    struct connection c = {.fd = fd, .stop_fd = stop_fd, .options = options};

    conversation_begin(&c.talk, &desks, fd);
    serve(&c);
    conversation_end(&c.talk);
    desks_free(&desks);
    close(fd);
    errno = c.error;
    return c.error == 0;
}
