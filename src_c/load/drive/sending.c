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
    uint64_t limit = client->share->exchange->per_connection;

    while (client->in_flight < worker->settings->pipeline &&
           (limit == 0 || client->on_connection < limit)) {
        client->share->accounting->started++;
        start_request(worker, client, now_ns, now_ns);
    }
}

// A connection stands, and its requests can be sent.
static inline void open_for_requests(struct worker *worker, struct client *client, int64_t send_ns)
{
    client->state = CLIENT_OPEN;
    client->was_connected = true;
    client->share->tally.accounting.connections_opened++;
    if (client->share->is_open) { // where the time runs from when it was due
        free_clients_offer(worker, client);
        return;
    }
    // On a kept connection opening it is no part of the service.
    if (client->share->exchange->per_connection == 0 && !client->is_repeating)
        client->started_ns[client->oldest] = send_ns;
    if (worker->settings->pipeline > 1)
        fill_pipeline(worker, client, clock_now_ns());
}

void note_connected(struct worker *worker, struct client *client, int64_t send_ns)
{
    open_for_requests(worker, client, send_ns);
}

// Sends what is unsent, as far as the kernel takes it. A connection on its way is tried as well:
// on loopback it stands at once, and otherwise send(2) says EAGAIN or why it failed.
static void send_requests(struct worker *worker, struct client *client)
{
    const struct exchange *exchange = client->share->exchange;
    size_t end = exchange->repeats * exchange->request_size;

    while (client->unsent > 0) {
        size_t room = end - client->send_offset;
        bool matters = client->state == CLIENT_CONNECTING && exchange->per_connection == 0;
        int64_t send_ns = matters ? clock_now_ns() : 0; // see open_for_requests()
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
            open_for_requests(worker, client, send_ns);
    }
    client->send_offset = 0; // the next byte begins a request
}

// Has the event loop bring other events than those that it was asked for.
__attribute__((noinline)) static void watch(struct worker *worker, struct client *client,
                                            uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};

    if (epoll_ctl(worker->epoll, client->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, client->fd,
                  &event) == -1) {
        fail_locally(worker, client, "epoll_ctl", errno, clock_now_ns());
        return;
    }
    client->watched = events;
}

// One registration lasts as long as the connection, so there is mostly nothing to do.
static inline void watch_once(struct worker *worker, struct client *client, bool for_output)
{
    uint32_t events = EPOLLIN | EPOLLRDHUP | EPOLLET | (for_output ? EPOLLOUT : 0);

    if ((events & ~client->watched) != 0)
        watch(worker, client, events);
}

void watch_connection(struct worker *worker, struct client *client, bool for_output)
{
    watch_once(worker, client, for_output);
}

// Output is watched once a send has fallen short.
void send_and_watch(struct worker *worker, struct client *client)
{
    send_requests(worker, client);
    if (client->state != CLIENT_ABSENT)
        watch_once(worker, client, client->unsent > 0 || client->state == CLIENT_CONNECTING);
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
    if (!client->share->is_open && client->in_flight > 0 && !client->is_repeating)
        client->started_ns[client->oldest] = clock_now_ns(); // making a socket is no part of it
    if (connect(client->fd, (const struct sockaddr *)&settings->address, settings->address_size) ==
            -1 &&
        errno != EINPROGRESS && errno != EINTR) {
        lose_connection(worker, client, "connect", errno, clock_now_ns());
        return;
    }
    client->state = CLIENT_CONNECTING;
    if (client->share->exchange->opening_count > 0) {
        client->opening = 0;
        watch_connection(worker, client, true);
    } else {
        send_and_watch(worker, client);
    }
}

void repeat_requests(struct worker *worker, struct client *client, int64_t now_ns)
{
    close_connection(client);
    client->is_repeating = true;
    client->on_connection = client->in_flight;
    client->unsent = client->in_flight * client->share->exchange->request_size;
    client->share->tally.accounting.repeated += client->in_flight;
    connect_client(worker, client, now_ns);
}

void send_request(struct worker *worker, struct client *client, int64_t intended_ns, int64_t now_ns)
{
    start_request(worker, client, intended_ns, now_ns);
    if (client->state == CLIENT_ABSENT)
        connect_client(worker, client, now_ns);
    else
        send_and_watch(worker, client);
}
