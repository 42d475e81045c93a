// SPDX-License-Identifier: BSD-3-Clause
// POSIX AIO: the loop asks for a read or a write with aio_read(3) or aio_write(3) and goes on.
// glibc hands each to a thread of its own, which blocks in it: asynchronous outside, threads
// inside. Without aio_init(3) there would be 20 of them; here there are --workers, and as many
// connections are served.
//
// That something is complete is told by a signal, which ends ppoll(2); what is complete is found by
// asking aio_error(3) of every operation, one after the other.
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/die.h"
#include "serve/acceptor.h"
#include "serve/conversation.h"
#include "serve/last_input.h"
#include "serve/listener.h"
#include "serve/options.h"
#include "serve/posix_operation.h"
#include "serve/signals.h"

// One connection at a time. It has one operation in flight, or waits for --io-wait, or is at rest.
struct seat {
    bool taken;
    int fd;
    bool answered; // something, since it was last read
    bool cut;      // what comes after the last of its input is our end, not the client's
    struct posix_operation operation;
    struct conversation talk;
};

struct server {
    const struct options *options;
    int stop_fd;
    int listener; // -1: the server was told to stop
    sigset_t signal_mask;
    int64_t end_ns;
    uint64_t live;
    uint64_t refused;
    atomic_bool said; // why, where it is for want of something
    struct desks desks;
    struct seat *seats; // --workers of them
    struct seat *seats_end;
};

static void end_seat(struct server *server, struct seat *seat)
{
    conversation_end(&seat->talk);
    close(seat->fd);
    seat->taken = false;
    server->live--;
}

// Closes a connection because an operation of it could not begin.
static bool refuse(struct server *server, const char *lacking)
{
    acceptor_say_why(&server->said, server->options->program, lacking, errno);
    server->refused++;
    return false;
}

static void grant_time(const struct server *server, struct seat *seat)
{
    if (seat->answered) // a fragment alone does not buy more of it
        seat->operation.deadline_ns = clock_now_ns() + server->options->idle_timeout_ns;
    seat->answered = false;
}

// Reads what has arrived, and no more, once the server is to stop.
static void cut_if_stopping(const struct server *server, struct seat *seat)
{
    if (server->listener == -1 && !seat->cut)
        seat->cut = last_input_cut(seat->fd);
}

// Does all that can be done without waiting: false when the connection is over.
static bool proceed(struct server *server, struct seat *seat)
{
    const char *bytes;
    char *room;
    size_t size;

    for (;;) {
        switch (conversation_next(&seat->talk)) {
        case CONVERSATION_READ:
            cut_if_stopping(server, seat);
            grant_time(server, seat);
            room = conversation_room(&seat->talk, &size);
            if (room == NULL)
                return refuse(server, "memory");
            return posix_operation_read(&seat->operation, seat->fd, room, size) ||
                   refuse(server, "threads that read");
        case CONVERSATION_SEND:
            grant_time(server, seat);
            bytes = conversation_unsent(&seat->talk, &size);
            return posix_operation_write(&seat->operation, seat->fd, bytes, size) ||
                   refuse(server, "threads that write");
        case CONVERSATION_WAIT:
            posix_operation_wait(&seat->operation, clock_now_ns() + server->options->io_wait_ns);
            return true;
        case CONVERSATION_ANSWER:
            conversation_answer(&seat->talk);
            seat->answered = true;
            break;
        case CONVERSATION_END:
            return false;
        }
    }
}

// Goes on with a connection, if what it waits for has come.
static void look_at(struct server *server, struct seat *seat, int64_t now_ns)
{
    enum posix_operation_kind kind = seat->operation.kind;
    ssize_t size;

    if (!posix_operation_is_complete(&seat->operation, now_ns, &size))
        return;
    bool over = size < 0 || (size == 0 && kind == POSIX_OPERATION_READ && seat->cut);
    if (!over && kind == POSIX_OPERATION_READ)
        conversation_took(&seat->talk, (size_t)size);
    else if (!over && kind == POSIX_OPERATION_WRITE)
        conversation_sent(&seat->talk, (size_t)size);
    else if (!over)
        conversation_waited(&seat->talk);
    seat->answered = seat->answered || kind == POSIX_OPERATION_WRITE;
    if (over || !proceed(server, seat))
        end_seat(server, seat);
}

// NULL: all are taken.
static struct seat *free_seat(const struct server *server)
{
    for (struct seat *seat = server->seats; seat < server->seats_end; seat++) {
        if (!seat->taken)
            return seat;
    }
    return NULL;
}

static void seat_next(struct server *server, struct seat *seat)
{
    const struct acceptor acceptor = {.listener = server->listener, .stop_fd = server->stop_fd};
    int fd;

    if (acceptor_next(&acceptor, &fd) != ACCEPT_CONNECTION)
        return;
    if (server->live >= server->options->max_connections) {
        server->refused++;
        close(fd);
        return;
    }
    *seat = (struct seat){.taken = true, .fd = fd, .answered = true};
    conversation_begin(&seat->talk, &server->desks, fd);
    server->live++;
    if (!proceed(server, seat))
        end_seat(server, seat);
}

// Told to stop: accepts no more, and ends the reads that wait for a request.
static void begin_stop(struct server *server)
{
    close(server->listener);
    server->listener = -1;
    server->end_ns = clock_now_ns() + SIGNALS_GRACE_NS;
    for (struct seat *seat = server->seats; seat < server->seats_end; seat++) {
        if (seat->taken && seat->operation.kind == POSIX_OPERATION_READ)
            cut_if_stopping(server, seat);
    }
}

static int64_t first_deadline_ns(const struct server *server)
{
    int64_t first_ns = server->listener == -1 ? server->end_ns : INT64_MAX;

    for (const struct seat *seat = server->seats; seat < server->seats_end; seat++) {
        if (seat->taken && !seat->operation.overdue && seat->operation.deadline_ns < first_ns)
            first_ns = seat->operation.deadline_ns;
    }
    return first_ns;
}

static void turn(struct server *server)
{
    struct seat *seat = server->listener == -1 ? NULL : free_seat(server);
    struct pollfd waits[] = {
        {.fd = server->listener == -1 ? -1 : server->stop_fd, .events = POLLIN},
        {.fd = seat != NULL ? server->listener : -1, .events = POLLIN},
    };
    int64_t until_ns = first_deadline_ns(server);
    const struct timespec left = clock_until(until_ns);
    int ready = ppoll(waits, 2, until_ns == INT64_MAX ? NULL : &left, &server->signal_mask);

    if (ready == -1 && errno != EINTR)
        die(server->options->program, "ppoll", errno);
    if (ready > 0 && waits[0].revents != 0)
        begin_stop(server);
    else if (ready > 0 && waits[1].revents != 0)
        seat_next(server, seat);
    for (seat = server->seats; seat < server->seats_end; seat++) {
        if (seat->taken)
            look_at(server, seat, clock_now_ns());
    }
}

int main(int argc, char *argv[])
{
    const struct options options =
        options_parse_or_exit("posix_aio_server", "A Fibonacci server with POSIX AIO.", argc, argv);
    struct server server = {
        .options = &options,
        .desks = {.options = &options},
        .seats = calloc(options.workers, sizeof *server.seats),
    };

    if (server.seats == NULL)
        die(options.program, "cannot prepare", errno);
    server.seats_end = server.seats + options.workers;
    server.stop_fd = signals_install_or_exit(options.program);
    server.signal_mask = posix_operations_prepare_or_exit(options.program, (int)options.workers);
    server.listener = listener_open_or_exit(&options);
    listener_announce_or_exit(&options, server.listener);
    while (server.listener != -1 || (server.live > 0 && clock_now_ns() < server.end_ns))
        turn(&server);
    acceptor_report_refused(server.refused);
    exit(EXIT_SUCCESS); // glibc's threads may still look at the seats
}
