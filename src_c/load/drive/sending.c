// SPDX-License-Identifier: BSD-3-Clause
// Requests on their way out: over a connection that is there, or over one that is opened for them.
#include "load/drive/sending.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "load/drive/failure.h"
#include "load/drive/flight.h"
#include "load/drive/free_clients.h"

// A socket to connect with; -1 with errno when there is none to be had.
static int make_socket(const struct settings *settings)
{
    const int on = 1;
    int fd = socket(settings->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd != -1 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

void make_spare_socket(struct worker *worker)
{
    if (worker->spare == -1)
        worker->spare = make_socket(worker->settings);
}

void fill_pipeline(struct worker *worker, struct client *client, int64_t now_ns)
{
    uint64_t limit = worker->settings->requests_per_connection;

    while (client->in_flight < worker->settings->pipeline &&
           (limit == 0 || client->on_connection < limit)) {
        client->share->accounting->started++;
        start_request(worker, client, now_ns, now_ns);
    }
}

// The first bytes have gone out, so the connection stands.
static void note_connected(struct worker *worker, struct client *client, int64_t send_ns)
{
    const struct settings *settings = worker->settings;

    client->state = CLIENT_OPEN;
    client->was_connected = true;
    client->share->tally.accounting.connections_opened++;
    if (client->share->is_open) { // where the time runs from when it was due
        free_clients_offer(worker, client);
        return;
    }
    // On a kept connection opening it is no part of the service.
    if (settings->framing == FRAMING_LINE && settings->requests_per_connection == 0)
        client->started_ns[client->oldest] = send_ns;
    if (settings->pipeline > 1)
        fill_pipeline(worker, client, clock_now_ns());
}

// Sends what is unsent, as far as the kernel takes it. A connection on its way is tried as well:
// on loopback it stands at once, and otherwise send(2) says EAGAIN or why it failed.
static void send_requests(struct worker *worker, struct client *client)
{
    const struct exchange *exchange = client->share->exchange;
    size_t end = exchange->repeats * exchange->request_size;

    while (client->unsent > 0) {
        size_t room = end - client->send_offset;
        int64_t send_ns = client->state == CLIENT_CONNECTING ? clock_now_ns() : 0;
        ssize_t sent = send(client->fd, exchange->requests + client->send_offset,
                            client->unsent < room ? client->unsent : room, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0) {
            if (client->state == CLIENT_OPEN && (errno == EPIPE || errno == ECONNRESET)) {
                // What the server sent before it is still to be read; the event comes.
                client->send_failed = true;
                client->send_errno = errno;
                client->unsent = 0;
                return;
            }
            lose_connection(worker, client, client->state == CLIENT_CONNECTING ? "connect" : "send",
                            errno, clock_now_ns());
            return;
        }
        client->unsent -= (size_t)sent;
        client->send_offset += (size_t)sent;
        if (client->send_offset == end)
            client->send_offset = 0;
        if (client->state == CLIENT_CONNECTING)
            note_connected(worker, client, send_ns);
    }
    client->send_offset = 0; // the next byte begins a request
}

// Edge-triggered, so that one registration lasts as long as the connection; output is watched once
// a send has fallen short.
void send_and_watch(struct worker *worker, struct client *client)
{
    send_requests(worker, client);
    if (client->state == CLIENT_ABSENT)
        return;

    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = client};
    if (client->unsent > 0 || client->state == CLIENT_CONNECTING)
        event.events |= EPOLLOUT;
    if ((event.events & ~client->watched) == 0)
        return;
    if (epoll_ctl(worker->epoll, client->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, client->fd,
                  &event) == -1) {
        fail_locally(worker, client, "epoll_ctl", errno, clock_now_ns());
        return;
    }
    client->watched = event.events;
}

void connect_client(struct worker *worker, struct client *client, int64_t now_ns)
{
    const struct settings *settings = worker->settings;

    client->fd = worker->spare != -1 ? worker->spare : make_socket(settings);
    worker->spare = -1;
    if (client->fd == -1) {
        fail_locally(worker, client, "socket", errno, now_ns);
        return;
    }
    if (!client->share->is_open && client->in_flight > 0)
        client->started_ns[client->oldest] = clock_now_ns(); // making a socket is no part of it
    if (connect(client->fd, (const struct sockaddr *)&settings->address, settings->address_size) ==
            -1 &&
        errno != EINPROGRESS && errno != EINTR) {
        lose_connection(worker, client, "connect", errno, clock_now_ns());
        return;
    }
    client->state = CLIENT_CONNECTING;
    send_and_watch(worker, client);
}

void send_request(struct worker *worker, struct client *client, int64_t intended_ns, int64_t now_ns)
{
    start_request(worker, client, intended_ns, now_ns);
    if (client->state == CLIENT_ABSENT)
        connect_client(worker, client, now_ns);
    else
        send_and_watch(worker, client);
}
