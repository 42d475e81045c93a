// SPDX-License-Identifier: BSD-3-Clause
// One connection served by a caller that blocks: a process or a thread of its own, or the only one.
//
// A request costs ppoll, recv and send. The socket itself never blocks (MSG_DONTWAIT): all waiting
// is in ppoll, where the stop pipe and the deadline are seen too.
#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "fibonacci.h"
#include "verbose.h"

enum {
    IN_SIZE = 4096,
    // "\n" becomes "error\n", and where --max-n is small "9\n" becomes "out of range\n": the
    // replies to whatever one read brings fit, and go out together. If ever they did not, `answer`
    // sends earlier.
    OUT_SIZE = 7 * IN_SIZE + PROTOCOL_REPLY_SIZE,
    // From here on a computation takes long enough that finished replies should not wait for it.
    LONG_N = 21,
};

struct connection {
    const struct options *options;
    int fd;
    int stop_fd; // -1 where being told to stop no longer matters
    size_t in_used;
    size_t out_used;
    char in[IN_SIZE];
    char out[OUT_SIZE];
};

enum wait_outcome { WAIT_READY, WAIT_OVER };

// Waits for the socket. It is over at the deadline, and at a stop while reading, when nothing that
// was read remains to be answered.
static enum wait_outcome wait_for(const struct connection *c, short events, int64_t deadline_ns)
{
    for (;;) {
        struct pollfd waits[] = {
            {.fd = c->fd, .events = events},
            {.fd = events == POLLIN ? c->stop_fd : -1, .events = POLLIN},
        };
        const struct timespec left = clock_until(deadline_ns);
        int ready = ppoll(waits, 2, &left, NULL);
        if (ready == -1 && errno == EINTR)
            continue;
        return ready > 0 && waits[1].revents == 0 ? WAIT_READY : WAIT_OVER;
    }
}

static int64_t deadline_from_now(const struct connection *c)
{
    return clock_now_ns() + c->options->idle_timeout_ns;
}

// Reads once into the buffer, at most `limit` bytes more: how many came, 0 at the end of input, -1
// when the connection is over.
static ssize_t receive(struct connection *c, size_t limit, int64_t deadline_ns)
{
    for (;;) {
        if (wait_for(c, POLLIN, deadline_ns) == WAIT_OVER)
            return -1;
        ssize_t got = recv(c->fd, c->in + c->in_used, limit, MSG_DONTWAIT);
        if (got == -1 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got > 0)
            c->in_used += (size_t)got;
        return got;
    }
}

// Sends all replies that are ready: 0, or -1 when the client does not take them.
static int flush(struct connection *c)
{
    int64_t deadline_ns = 0; // the clock is read only when the client makes us wait
    size_t sent = 0;

    while (sent < c->out_used) {
        ssize_t got = send(c->fd, c->out + sent, c->out_used - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (got >= 0) {
            sent += (size_t)got;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -1;
        if (deadline_ns == 0)
            deadline_ns = deadline_from_now(c);
        if (wait_for(c, POLLOUT, deadline_ns) == WAIT_OVER)
            return -1;
    }
    c->out_used = 0;
    return 0;
}

// Stands for a slow call to something else: sleeps without using the CPU.
static void io_wait(const struct options *options)
{
    const struct timespec until = clock_timespec(clock_now_ns() + options->io_wait_ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

// Adds the reply to one request to those that are ready. Sends the earlier ones first when this one
// takes long: 0, or -1 when the client does not take them.
static int answer(struct connection *c, const char *bytes, size_t length)
{
    const struct options *options = c->options;
    struct request request = protocol_parse(bytes, length, (unsigned)options->max_n);

    bool no_room = sizeof c->out - c->out_used < PROTOCOL_REPLY_SIZE;
    if ((no_room || request.n >= LONG_N || options->io_wait_ns > 0) && flush(c) == -1)
        return -1;
    if (options->io_wait_ns > 0)
        io_wait(options);
    unsigned result = request.kind == REQUEST_NUMBER ? fibonacci(request.n) : 0;
    size_t size =
        protocol_reply(request, result, options->framing == FRAMING_LINE, c->out + c->out_used);
    if (options->verbose)
        verbose_request(options, c->fd, bytes, length, c->out + c->out_used, size);
    c->out_used += size;
    return 0;
}

// Answers every whole line in the buffer and moves the rest to its beginning: how many lines there
// were, or -1 when the connection is over. A line that is too long is answered, and ends it.
static int answer_lines(struct connection *c)
{
    size_t at = 0;
    int count = 0;

    for (;;) {
        size_t length = 0;
        switch (protocol_next_line(c->in + at, c->in_used - at, &length)) {
        case FRAME_LINE:
            if (answer(c, c->in + at, length) == -1)
                return -1;
            at += length + 1;
            count++;
            break;
        case FRAME_TOO_LONG:
            if (answer(c, c->in + at, PROTOCOL_REQUEST_MAX + 1) == 0)
                flush(c);
            return -1;
        case FRAME_NEED_MORE:
            c->in_used -= at;
            memmove(c->in, c->in + at, c->in_used);
            return count;
        }
    }
}

static void serve_lines(struct connection *c)
{
    int64_t deadline_ns = deadline_from_now(c);

    for (;;) {
        ssize_t got = receive(c, IN_SIZE - c->in_used, deadline_ns);
        if (got == -1)
            return;
        if (got == 0) { // half-closed: what is left is a last request
            if (c->in_used > 0 && answer(c, c->in, c->in_used) == 0)
                flush(c);
            return;
        }
        int lines = answer_lines(c);
        if (lines == -1 || flush(c) == -1)
            return;
        if (lines > 0) // a fragment alone does not buy more time
            deadline_ns = deadline_from_now(c);
    }
}

static void serve_message(struct connection *c)
{
    ssize_t got = receive(c, PROTOCOL_MESSAGE_READ, deadline_from_now(c));

    if (got > 0 && answer(c, c->in, (size_t)got) == 0)
        flush(c);
}

void connection_serve(int fd, int stop_fd, const struct options *options)
{
    struct connection c; // its buffers are not cleared: that would cost more than a request
    c.options = options;
    c.fd = fd;
    c.stop_fd = stop_fd;
    c.in_used = 0;
    c.out_used = 0;

    if (options->verbose)
        verbose_connection(options, fd);
    if (options->framing == FRAMING_LINE)
        serve_lines(&c);
    else
        serve_message(&c);
    close(fd);
}
