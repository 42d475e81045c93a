// SPDX-License-Identifier: BSD-3-Clause
// What is said on a new connection before its requests: greetings, passwords.
#include "load/drive/opening.h"

#include <errno.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "load/drive/failure.h"
#include "load/drive/sending.h"
#include "load/drive/window.h"

// The step that the connection is at; NULL when all are done.
static const struct opening *step_of(const struct client *client)
{
    const struct exchange *exchange = client->share->exchange;

    return client->opening < exchange->opening_count ? &exchange->openings[client->opening] : NULL;
}

static void end_step(struct client *client)
{
    client->opening++;
    client->send_offset = 0;
    reply_reset(&client->reply);
}

// Sends what is left of a step. True when nothing is.
static bool send_step(struct worker *worker, struct client *client, const struct opening *step)
{
    while (client->send_offset < step->send.size) {
        ssize_t sent = send(client->fd, step->send.bytes + client->send_offset,
                            step->send.size - client->send_offset, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            watch_connection(worker, client, true); // as it is since it was opened
            return false;
        }
        if (sent < 0) {
            lose_connection(worker, client, "send", errno, clock_now_ns());
            return false;
        }
        client->send_offset += (size_t)sent;
    }
    return true;
}

// Takes what was received into the steps that expect it. False when the connection was given up.
static bool take_bytes(struct worker *worker, struct client *client, const char *bytes, size_t size,
                       int64_t now_ns)
{
    while (size > 0) {
        const struct opening *step = step_of(client);
        size_t used;
        enum reply_state state = opening_feed(step, &client->reply, bytes, size, &used);
        bytes += used;
        size -= used;
        if (state == REPLY_MORE)
            return true;
        if (state == REPLY_RIGHT) {
            const struct opening *next = step + 1;
            bool goes_on = client->opening + 1 < client->share->exchange->opening_count &&
                           next->send.size == 0;
            if (size == 0 || goes_on) {
                end_step(client);
                continue;
            }
            opening_refuse(step, &client->reply, bytes, size);
        }
        fail_opening(worker, client, step, now_ns);
        return false;
    }
    return true;
}

// Receives what a step expects. False when nothing is there, or the connection is gone.
static bool receive(struct worker *worker, struct client *client)
{
    ssize_t size = recv(client->fd, worker->buffer, sizeof worker->buffer, 0);
    int error = size < 0 ? errno : 0;

    if (error == EINTR)
        return true;
    if (error == EAGAIN)
        return false;
    int64_t now_ns = clock_now_ns();
    if (window_is_over(worker->window, now_ns)) {
        worker->stopped = true;
        return false;
    }
    if (size > 0)
        return take_bytes(worker, client, worker->buffer, (size_t)size, now_ns);
    lose_connection(worker, client, size == 0 ? "send" : "recv", size == 0 ? EPIPE : error, now_ns);
    return false;
}

bool opening_go_on(struct worker *worker, struct client *client)
{
    const struct opening *step;

    while ((step = step_of(client)) != NULL) {
        if (!send_step(worker, client, step))
            return false;
        if (step->expects == EXPECT_NOTHING)
            end_step(client);
        else if (!receive(worker, client))
            return false;
    }
    return true;
}
