// SPDX-License-Identifier: BSD-3-Clause
// A request that is asked once on a connection of its own, its opening included, and what came.
#include "load/check/asked.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "load/check/ending.h"

// How long to look for more behind what has come: behind a right reply, until the server closes,
// and behind the first wrong byte, so that more of it can be shown.
static const int64_t BEHIND_NS = INT64_C(250) * NS_PER_MS;

static const struct opening ANY_LINE = {.expects = EXPECT_LINE};

bool asked_make(struct asked *asked, const struct ask *ask, const struct exchange *exchange,
                struct http_memory *memory, size_t *kept)
{
    *asked = (struct asked){.ask = ask, .exchange = exchange, .fd = -1, .kept = {.room = kept}};
    if (exchange->framing == FRAMING_HTTP) {
        asked->reply.http = &asked->http;
        asked->reply.memory = memory;
    }
    if (kept == NULL || ask->opening_count == 0)
        return true;
    asked->step_ends = calloc(ask->opening_count, sizeof *asked->step_ends);
    return asked->step_ends != NULL;
}

void asked_free(struct asked *asked)
{
    kept_free(&asked->kept);
    free(asked->step_ends);
    asked->step_ends = NULL;
}

// The reply is right and whole: more should not come.
static void leave(struct asked *asked)
{
    asked->outcome = ASKED_RIGHT;
    asked->state = ASKED_LEAVING;
    asked->deadline_ns = clock_now_ns() + BEHIND_NS;
    if (shutdown(asked->fd, SHUT_WR) == -1) // the server has gone already
        ending_close(asked);
}

static void note_right(struct asked *asked)
{
    asked->took_ns = clock_now_ns() - asked->sent_ns;
    if (!asked->kept.lost && asked->kept.size > asked->came)
        asked->kept.size = asked->came;
}

// Sends what is left of a text. True when nothing is.
static bool send_text(struct asked *asked, struct text text)
{
    while (asked->sent < text.size && !asked->send_fails) {
        ssize_t sent =
            send(asked->fd, text.bytes + asked->sent, text.size - asked->sent, MSG_NOSIGNAL);
        if (sent >= 0)
            asked->sent += (size_t)sent;
        else if (errno == EPIPE || errno == ECONNRESET) // what came before it is still to be read
            asked->send_fails = true;
        else if (errno == EAGAIN)
            return false;
        else if (errno != EINTR) {
            ending_fail_call(asked, "send");
            return false;
        }
    }
    return asked->sent == text.size;
}

static const struct opening *step_of(const struct asked *asked)
{
    return asked->step < asked->ask->opening_count ? &asked->ask->openings[asked->step] : NULL;
}

static void end_step(struct asked *asked)
{
    if (asked->step_ends != NULL)
        asked->step_ends[asked->step] = asked->came;
    asked->step++;
    asked->sent = 0;
    reply_reset(&asked->reply);
}

// Sends whatever is to be sent without an answer before it.
static void send_on(struct asked *asked)
{
    const struct opening *step;

    while (asked->state == ASKED_IN_OPENING && (step = step_of(asked)) != NULL) {
        if (!send_text(asked, step->send) || step->expects != EXPECT_NOTHING)
            return;
        end_step(asked);
    }
    if (asked->state == ASKED_IN_OPENING) {
        asked->state = ASKED_WAITING;
        asked->reply_at = asked->came;
        asked->sent_ns = clock_now_ns();
    }
    if (asked->state == ASKED_WAITING)
        send_text(asked, asked->ask->send);
}

// Takes bytes into the step that the opening is at. Returns how many.
static size_t take_step(struct asked *asked, const char *bytes, size_t size)
{
    const struct opening *step = step_of(asked);
    const struct opening *next = step + 1;
    bool goes_on = asked->step + 1 < asked->ask->opening_count && next->send.size == 0;
    size_t used;
    enum reply_state state = opening_feed(step, &asked->reply, bytes, size, &used);

    asked->came += used;
    if (state == REPLY_MORE)
        return used;
    if (state == REPLY_RIGHT && (used == size || goes_on)) {
        end_step(asked);
        send_on(asked);
        return used;
    }
    if (state == REPLY_RIGHT)
        opening_refuse(step, &asked->reply, bytes + used, size - used);
    const struct difference difference = {asked->reply.got, step->expected.bytes,
                                          step->expected.size, NULL};
    ending_fail_with(asked, ASKED_OPENING, &difference);
    return used;
}

// A body that is learned is compared byte by byte from then on.
static bool is_too_long(const struct asked *asked)
{
    return asked->ask->expects == EXPECT_LEARN && asked->http.body_size > ASKS_TEXT_MAX;
}

// Takes bytes into the reply.
static void take_reply(struct asked *asked, const char *bytes, size_t size)
{
    size_t used;
    enum reply_state state = asked->ask->expects == EXPECT_LINE
                                 ? opening_feed(&ANY_LINE, &asked->reply, bytes, size, &used)
                                 : reply_feed(asked->exchange, &asked->reply, bytes, size, &used);

    asked->came += used;
    if (is_too_long(asked)) {
        ending_fail_too_long(asked);
    } else if (state == REPLY_MORE) {
        if (asked->reply.wrong && asked->deadline_ns > clock_now_ns() + BEHIND_NS)
            asked->deadline_ns = clock_now_ns() + BEHIND_NS;
    } else if (state != REPLY_RIGHT) {
        // In bytes framing the frame says nothing of a wrong reply: what is behind it tells more.
        wrong_reply_keep(&asked->reply.got, bytes + used, size - used);
        ending_fail_wrong(asked);
    } else {
        note_right(asked);
        if (used < size)
            ending_fail_surplus(asked, bytes + used, size - used);
        else
            leave(asked);
    }
}

static void take(struct asked *asked, const char *bytes, size_t size)
{
    if (asked->state == ASKED_LEAVING) {
        ending_fail_surplus(asked, bytes, size);
        return;
    }
    kept_add(&asked->kept, bytes, size);
    while (size > 0 && asked->state == ASKED_IN_OPENING) {
        size_t used = take_step(asked, bytes, size);
        bytes += used;
        size -= used;
    }
    if (size > 0 && asked->state == ASKED_WAITING)
        take_reply(asked, bytes, size);
}

// The server has closed in order.
static void meet_end(struct asked *asked)
{
    enum reply_state state = REPLY_MORE;

    if (asked->state == ASKED_LEAVING) {
        ending_close(asked);
        return;
    }
    if (asked->state == ASKED_WAITING && asked->ask->expects != EXPECT_LINE)
        state = reply_end(asked->exchange, &asked->reply);
    if (state == REPLY_RIGHT) {
        note_right(asked);
        asked->outcome = ASKED_RIGHT;
        ending_close(asked);
    } else if (state == REPLY_WRONG) {
        ending_fail_wrong(asked);
    } else {
        ending_fail_cut(asked, ASKED_CLOSED);
    }
}

static void receive(struct asked *asked, char *buffer, size_t room)
{
    ssize_t size = recv(asked->fd, buffer, room, 0);

    if (size > 0)
        take(asked, buffer, (size_t)size);
    else if (size == 0)
        meet_end(asked);
    else if (errno == EAGAIN || errno == EINTR)
        return;
    else if (asked->state == ASKED_LEAVING)
        ending_close(asked); // how it ends is the server's own affair
    else if (errno == ECONNRESET || errno == ETIMEDOUT)
        ending_fail_cut(asked, ASKED_RESET);
    else
        ending_fail_call(asked, "recv");
}

void asked_begin(struct asked *asked, const struct settings *settings)
{
    const int on = 1;

    asked->begun_ns = clock_now_ns();
    asked->deadline_ns = asked->begun_ns + settings->timeout_ns;
    asked->fd = socket(settings->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (asked->fd == -1 || setsockopt(asked->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1) {
        ending_fail_call(asked, "socket");
        return;
    }
    if (connect(asked->fd, (const struct sockaddr *)&settings->address, settings->address_size) ==
            -1 &&
        errno != EINPROGRESS && errno != EINTR)
        ending_fail_connect(asked, errno);
}

// The connection stands, or has failed.
static void meet_outcome(struct asked *asked)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (getsockopt(asked->fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
        error = errno;
    if (error != 0) {
        ending_fail_connect(asked, error);
        return;
    }
    asked->state = ASKED_IN_OPENING;
}

static bool has_unsent(const struct asked *asked)
{
    const struct opening *step = step_of(asked);
    size_t size = asked->ask->send.size;

    if (asked->state == ASKED_IN_OPENING && step != NULL)
        size = step->send.size;
    return asked->state != ASKED_LEAVING && !asked->send_fails && asked->sent < size;
}

short asked_events(const struct asked *asked)
{
    if (asked->state == ASKED_CONNECTING)
        return POLLOUT;
    return has_unsent(asked) ? POLLIN | POLLOUT : POLLIN;
}

void asked_ready(struct asked *asked, short events, char *buffer, size_t size)
{
    if (asked->state == ASKED_CONNECTING) {
        meet_outcome(asked);
        if (asked->state == ASKED_IN_OPENING)
            send_on(asked);
        return;
    }
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0)
        receive(asked, buffer, size);
    if (asked->state != ASKED_OVER && (events & POLLOUT) != 0)
        send_on(asked);
}

void asked_overdue(struct asked *asked)
{
    double time_s = (double)(asked->deadline_ns - asked->begun_ns) / (double)NS_PER_S;

    if (asked->state == ASKED_LEAVING) {
        ending_close(asked);
    } else if (asked->state == ASKED_CONNECTING) {
        ending_fail(asked, ASKED_TIMEOUT, "no connection within %.3g s", time_s);
    } else if (asked->state == ASKED_WAITING && asked->reply.wrong) {
        ending_fail_wrong(asked);
    } else {
        ending_fail(asked, ASKED_TIMEOUT,
                    "its %s was not complete within %.3g s (%zu bytes had come)",
                    ending_part_of(asked), time_s, asked->came - asked->reply_at);
    }
}
