// SPDX-License-Identifier: BSD-3-Clause
// Taking leave of the server as a client does: to close a connection on which a reply is unread
// resets it, and that kills many a server.
#include "load/drive/leave.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "load/drive/flight.h"

enum { EVENTS_AT_ONCE = 256 };

// What had to be sent again on it is noted already.
static void end_connection(struct client *client) { close(leave_connection(client)); }

// Level-triggered from here on, so that one who sends without end keeps nobody from being read.
static bool watch_end(const struct worker *worker, struct client *client)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = client};
    int change = client->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    return epoll_ctl(worker->epoll, change, client->fd, &event) == 0;
}

// Says that nothing more will be sent. A connection that does not stand yet is given up by it.
static bool half_close(const struct worker *worker, struct client *client)
{
    if (client->fd == -1)
        return false;
    if (shutdown(client->fd, SHUT_WR) == 0 && watch_end(worker, client))
        return true;
    end_connection(client);
    return false;
}

static size_t half_close_all(const struct worker *worker)
{
    size_t open = 0;

    for (size_t i = 0; i < worker->share_count; i++) {
        struct share *share = &worker->shares[i];
        for (size_t c = 0; c < share->client_count; c++)
            open += half_close(worker, &share->clients[c]);
    }
    return open;
}

// Reads what is there and throws it away. True when the connection has come to its end.
static bool read_on(struct worker *worker, struct client *client)
{
    struct parting *parting = &client->share->tally.accounting.parting;
    ssize_t size = recv(client->fd, worker->buffer, sizeof worker->buffer, 0);

    if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR)))
        return false;
    if (client->state == CLIENT_OPEN) { // one that was on its way may never have stood
        parting->closed += size == 0;
        parting->reset += size < 0;
    }
    end_connection(client);
    return true;
}

static void close_held(const struct worker *worker)
{
    for (size_t i = 0; i < worker->share_count; i++) {
        struct share *share = &worker->shares[i];
        for (size_t c = 0; c < share->client_count; c++) {
            if (share->clients[c].fd == -1)
                continue;
            share->tally.accounting.parting.held++;
            end_connection(&share->clients[c]);
        }
    }
}

// The loop's own descriptors would wake it for ever.
static void forget(const struct worker *worker, int fd)
{
    if (epoll_ctl(worker->epoll, EPOLL_CTL_DEL, fd, NULL) == -1) {
        perror("fibload: epoll_ctl");
        abort();
    }
}

void leave(struct worker *worker, int64_t until_ns)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    forget(worker, worker->stop);
    forget(worker, worker->cooldown);
    forget(worker, worker->timer);
    size_t open = half_close_all(worker);
    for (int64_t left_ns; open > 0 && (left_ns = until_ns - clock_now_ns()) > 0;) {
        int timeout_ms = (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
        int count = epoll_wait(worker->epoll, events, EVENTS_AT_ONCE, timeout_ms);
        if (count == -1 && errno != EINTR) {
            perror("fibload: epoll_wait");
            abort();
        }
        for (int i = 0; i < count; i++)
            open -= read_on(worker, events[i].data.ptr);
    }
    close_held(worker);
    if (worker->spare != -1)
        close(worker->spare);
    worker->spare = -1;
}
