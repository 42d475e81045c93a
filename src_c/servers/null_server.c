// SPDX-License-Identifier: BSD-3-Clause
// The ceiling of the meter: an epoll loop that answers "1" to everything and looks at nothing. Not
// a server to compare with. With --workers, each loop has a thread and a listener (SO_REUSEPORT).
//
// A connection's whole state is how many replies are still to be waited for (--io-wait) and how
// many bytes of reply it is owed. While there are any it is not read, which bounds both.
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "acceptor.h"
#include "clock.h"
#include "deadlines.h"
#include "listener.h"
#include "options.h"
#include "signals.h"
#include "verbose.h"

enum {
    READ_SIZE = 32 * 1024,
    OWED_SIZE = 2 * READ_SIZE + 2, // "1\n" for every byte that was read, and for a last fragment
    EVENTS = 256,
    ACCEPTS_PER_TURN = 64,
    SPARE_FDS = 4096, // descriptors that are not connections: listeners, loops, what was inherited
};

// What the loops share.
struct server {
    struct options options;
    int stop_fd;
    char replies[OWED_SIZE]; // "1\n1\n1\n...": a slice of it is every reply there is
    atomic_uint_least64_t live;
    atomic_uint_least64_t refused;
};

struct connection {
    uint32_t watched; // the events that epoll waits for
    unsigned due;     // replies that wait for their --io-wait
    unsigned owed;    // bytes to send
    bool open;
    bool last;     // close it when all is sent
    bool fragment; // what was read last did not end in a newline
};

struct loop {
    struct server *server;
    int listener;
    int epoll_fd;
    int open; // connections
    bool stopping;
    int64_t now_ns;                 // read once a turn
    int64_t accept_ns;              // when to accept though no edge tells to; 0: never
    int64_t end_ns;                 // of the grace, when stopping
    struct connection *connections; // by descriptor
    struct deadlines idle;
    struct deadlines io_waits;
};

__attribute__((noreturn)) static void fail(const struct server *server, const char *what, int error)
{
    fprintf(stderr, "%s: %s: %s\n", server->options.program, what, strerror(error));
    exit(EXIT_FAILURE);
}

static int watch(const struct loop *loop, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(loop->epoll_fd, operation, fd, &event);
}

static void grant_time(struct loop *loop, int fd)
{
    deadlines_set(&loop->idle, fd, loop->now_ns + loop->server->options.idle_timeout_ns);
}

static void end_connection(struct loop *loop, int fd)
{
    deadlines_clear(&loop->idle, fd);
    deadlines_clear(&loop->io_waits, fd);
    loop->connections[fd].open = false;
    loop->open--;
    close(fd);
    atomic_fetch_sub(&loop->server->live, 1);
}

static void begin_connection(struct loop *loop, int fd)
{
    struct server *server = loop->server;

    if (atomic_fetch_add(&server->live, 1) >= server->options.max_connections ||
        fd >= loop->idle.capacity || watch(loop, EPOLL_CTL_ADD, fd, EPOLLIN) == -1) {
        atomic_fetch_sub(&server->live, 1);
        atomic_fetch_add(&server->refused, 1);
        close(fd);
        return;
    }
    if (server->options.verbose)
        verbose_connection(&server->options, fd);
    loop->connections[fd] = (struct connection){.open = true, .watched = EPOLLIN};
    loop->open++;
    grant_time(loop, fd);
}

// The listener is edge-triggered: connections that cannot be taken now do not wake the loop.
static void accept_some(struct loop *loop)
{
    loop->accept_ns = loop->now_ns; // the backlog may hold more than one turn takes
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd;
        switch (acceptor_try(loop->listener, SOCK_NONBLOCK, &fd)) {
        case ACCEPT_CONNECTION:
            begin_connection(loop, fd);
            break;
        case ACCEPT_EXHAUSTED:
            loop->accept_ns = loop->now_ns + INT64_C(1) * ACCEPTOR_PAUSE_MS * NS_PER_MS;
            return;
        default:
            loop->accept_ns = 0;
            return;
        }
    }
}

// Sends what is owed, as far as there is room: false when the connection is over.
static bool pay(const struct loop *loop, int fd, struct connection *c)
{
    bool is_message = loop->server->options.framing == FRAMING_MESSAGE;
    const char *end = loop->server->replies + OWED_SIZE - (is_message ? 1 : 0);

    while (c->owed > 0) {
        ssize_t sent = send(fd, end - c->owed, c->owed, MSG_NOSIGNAL);
        if (sent == -1 && errno == EAGAIN)
            return true;
        if (sent == -1 && errno != EINTR)
            return false;
        c->owed -= sent > 0 ? (unsigned)sent : 0;
    }
    return true;
}

// Sends what can be sent and sees to what comes next: false when the connection is over.
static bool proceed(struct loop *loop, int fd, struct connection *c)
{
    if (!pay(loop, fd, c))
        return false;
    uint32_t wanted = c->owed > 0 ? EPOLLOUT : c->due > 0 ? 0 : EPOLLIN;
    if (wanted != c->watched) {
        if (watch(loop, EPOLL_CTL_MOD, fd, wanted) == -1)
            return false;
        c->watched = wanted;
        grant_time(loop, fd); // to take the replies, or, when they are taken, to ask again
    }
    if (wanted == 0) { // the client waits for us
        deadlines_clear(&loop->idle, fd);
        deadlines_set(&loop->io_waits, fd, loop->now_ns + loop->server->options.io_wait_ns);
    }
    return wanted != EPOLLIN || !(c->last || loop->stopping);
}

static unsigned reply_size(const struct loop *loop)
{
    return loop->server->options.framing == FRAMING_MESSAGE ? 1 : 2;
}

static unsigned count_lines(const char *bytes, size_t length)
{
    unsigned count = 0;
    for (size_t i = 0; i < length; i++)
        count += bytes[i] == '\n';
    return count;
}

// Reads once and answers: false when the connection is over.
static bool answer(struct loop *loop, int fd, struct connection *c)
{
    char bytes[READ_SIZE];
    bool is_message = loop->server->options.framing == FRAMING_MESSAGE;
    ssize_t got = recv(fd, bytes, is_message ? PROTOCOL_MESSAGE_READ : sizeof bytes, 0);

    if (got == -1)
        return errno == EAGAIN || errno == EINTR;
    unsigned replies = got == 0 ? c->fragment : is_message ? 1 : count_lines(bytes, (size_t)got);
    c->fragment = got > 0 && !is_message && bytes[got - 1] != '\n';
    c->last = got == 0 || is_message;
    if (loop->server->options.verbose && replies > 0)
        fprintf(stderr, "%s: [%d] %u requests\n", loop->server->options.program, fd, replies);
    if (loop->server->options.io_wait_ns > 0)
        c->due = replies;
    else
        c->owed = replies * reply_size(loop);
    if (replies > 0)
        grant_time(loop, fd);
    return proceed(loop, fd, c);
}

// Answers one request whose wait is over.
static void end_io_wait(struct loop *loop, int fd)
{
    struct connection *c = &loop->connections[fd];

    deadlines_clear(&loop->io_waits, fd);
    c->due--;
    c->owed += reply_size(loop);
    if (!proceed(loop, fd, c))
        end_connection(loop, fd);
}

// How long epoll_wait(2) may wait, in its milliseconds, rounded up: until something falls due.
static int wait_ms(const struct loop *loop)
{
    int64_t due_ns = INT64_MAX;
    int64_t io_ns = INT64_MAX;

    deadlines_first(&loop->idle, &due_ns);
    if (deadlines_first(&loop->io_waits, &io_ns) != -1 && io_ns < due_ns)
        due_ns = io_ns;
    if (loop->accept_ns != 0 && loop->accept_ns < due_ns)
        due_ns = loop->accept_ns;
    if (loop->stopping && loop->end_ns < due_ns)
        due_ns = loop->end_ns;
    if (due_ns == INT64_MAX)
        return -1;
    int64_t left_ns = due_ns - loop->now_ns;
    return left_ns <= 0 ? 0 : (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

// Does what has fallen due.
static void keep_time(struct loop *loop)
{
    int64_t due_ns;
    int fd;

    while ((fd = deadlines_first(&loop->io_waits, &due_ns)) != -1 && due_ns <= loop->now_ns)
        end_io_wait(loop, fd);
    while ((fd = deadlines_first(&loop->idle, &due_ns)) != -1 && due_ns <= loop->now_ns)
        end_connection(loop, fd);
    if (loop->accept_ns != 0 && loop->accept_ns <= loop->now_ns)
        accept_some(loop);
}

// Told to stop: accepts no more, and keeps only the connections that are to get replies.
static void begin_stop(struct loop *loop)
{
    if (watch(loop, EPOLL_CTL_DEL, loop->server->stop_fd, 0) == -1)
        fail(loop->server, "epoll_ctl", errno);
    close(loop->listener);
    loop->accept_ns = 0;
    loop->stopping = true;
    loop->end_ns = loop->now_ns + SIGNALS_GRACE_NS;
    for (int fd = 0; fd < loop->idle.capacity; fd++) {
        if (loop->connections[fd].open && loop->connections[fd].watched == EPOLLIN)
            end_connection(loop, fd);
    }
}

static void handle_connection(struct loop *loop, int fd)
{
    struct connection *c = &loop->connections[fd];
    bool goes_on = false;

    if (!c->open) // closed by an event before this one
        return;
    if (c->watched == EPOLLIN)
        goes_on = answer(loop, fd, c);
    else if (c->watched == EPOLLOUT)
        goes_on = proceed(loop, fd, c);
    // else it waits for nothing, and is woken only because the client has reset it
    if (!goes_on)
        end_connection(loop, fd);
}

static void handle(struct loop *loop, int fd)
{
    if (fd == loop->server->stop_fd)
        begin_stop(loop);
    else if (fd != loop->listener)
        handle_connection(loop, fd);
    else if (!loop->stopping)
        accept_some(loop);
}

static void *run(void *argument)
{
    struct loop *loop = argument;
    struct epoll_event events[EVENTS];

    while (!loop->stopping || (loop->open > 0 && loop->now_ns < loop->end_ns)) {
        int count = epoll_wait(loop->epoll_fd, events, EVENTS, wait_ms(loop));
        if (count == -1 && errno != EINTR)
            fail(loop->server, "epoll_wait", errno);
        loop->now_ns = clock_now_ns();
        for (int i = 0; i < count; i++)
            handle(loop, events[i].data.fd);
        keep_time(loop);
    }
    return NULL;
}

static void prepare(struct loop *loop, struct server *server, int listener)
{
    int capacity = (int)server->options.max_connections + SPARE_FDS;

    *loop = (struct loop){.server = server, .listener = listener};
    loop->connections = calloc((size_t)capacity, sizeof *loop->connections);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->connections == NULL || deadlines_init(&loop->idle, capacity) == -1 ||
        deadlines_init(&loop->io_waits, capacity) == -1 || loop->epoll_fd == -1 ||
        watch(loop, EPOLL_CTL_ADD, listener, EPOLLIN | EPOLLET) == -1 ||
        watch(loop, EPOLL_CTL_ADD, server->stop_fd, EPOLLIN) == -1)
        fail(server, "cannot prepare a loop", errno);
}

static void clean_up(struct loop *loop)
{
    close(loop->epoll_fd);
    deadlines_free(&loop->idle);
    deadlines_free(&loop->io_waits);
    free(loop->connections);
}

int main(int argc, char *argv[])
{
    static struct server server; // too large for a stack
    server.options = options_parse_or_exit(
        "null_server", "Answers 1 to everything: the ceiling of what can be measured.", argc, argv);
    unsigned workers = (unsigned)server.options.workers;
    struct loop *loops = calloc(workers, sizeof *loops);
    pthread_t *threads = calloc(workers, sizeof *threads);
    int *listeners = calloc(workers, sizeof *listeners);

    if (loops == NULL || threads == NULL || listeners == NULL)
        fail(&server, "cannot prepare", errno);
    for (size_t i = 0; i < OWED_SIZE; i++)
        server.replies[i] = "1\n"[i % 2];
    server.stop_fd = signals_install_or_exit(server.options.program);
    listener_open_shared_or_exit(&server.options, workers, listeners);
    for (unsigned i = 0; i < workers; i++)
        prepare(&loops[i], &server, listeners[i]);
    for (unsigned i = 0; i < workers; i++) {
        int error = pthread_create(&threads[i], NULL, run, &loops[i]);
        if (error != 0)
            fail(&server, "pthread_create", error);
    }
    for (unsigned i = 0; i < workers; i++) {
        pthread_join(threads[i], NULL);
        clean_up(&loops[i]);
    }
    acceptor_report_refused(atomic_load(&server.refused));
    free(listeners);
    free(threads);
    free(loops);
    return 0;
}
