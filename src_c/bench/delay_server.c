// SPDX-License-Identifier: BSD-3-Clause
// A server whose delays are known, to hold a load generator to: it answers "1" to every line after
// the next delay of a list, which is begun again when it ends. Any number of replies may be waited
// for at once, so that one delay does not add to another; with --serial each delay begins when the
// one before it has ended, so that no more than 1 / delay can be answered in a second.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bench/small_server.h"
#include "core/clock.h"
#include "core/die.h"
#include "core/numbers.h"
#include "serve/listener.h"

enum { EVENTS_AT_ONCE = 64, BUFFER_SIZE = 4096, OWN_ROWS = 3, COPIES_MAX = 1000000 };

struct reply {
    int64_t due_ns;
    int fd;
    uint32_t life; // of the connection that asked: its descriptor may have a new one by then
};

struct delay_server {
    struct small_server base;
    bool spin;
    bool serial;
    int64_t busy_until_ns; // the last of what is waited for, if `serial`
    int timer;
    int64_t *delays_ns;
    size_t delay_count;
    size_t next_delay;
    struct reply *heap; // the earliest first
    size_t heap_size;
    size_t heap_room;
    uint32_t *lives; // by descriptor
    size_t life_count;
};

static void *allocate(const struct delay_server *server, void *old, size_t count, size_t size)
{
    void *memory = reallocarray(old, count, size);

    if (memory == NULL)
        die(server->base.options.program, "memory", errno);
    return memory;
}

__attribute__((noreturn)) static void reject(const char *word)
{
    fprintf(stderr,
            "delay_server: --delays '%.40s' is not a delay (milliseconds, or milliseconds*times, "
            "separated by commas); try --help\n",
            word);
    exit(2);
}

// Adds "2.5" or "2.5*900": a delay in milliseconds, or so many times the same.
static void add_delay(struct delay_server *server, char *word)
{
    char *star = strchr(word, '*');
    uint64_t delay_ns;
    uint64_t copies = 1;

    if (star != NULL) {
        *star = '\0';
        if (numbers_read(star + 1, &copies) != NUMBER_GOOD || copies > COPIES_MAX)
            reject(star + 1);
    }
    if (numbers_read_time(word, NS_PER_MS, &delay_ns) != NUMBER_GOOD || delay_ns > INT64_MAX / 2)
        reject(word);
    server->delays_ns = allocate(server, server->delays_ns, server->delay_count + copies,
                                 sizeof *server->delays_ns);
    for (; copies > 0; copies--)
        server->delays_ns[server->delay_count++] = (int64_t)delay_ns;
}

static void read_options(struct delay_server *server, int argc, char *argv[])
{
    struct options *options = &server->base.options;
    const char *delays = "1";
    struct argument rows[SMALL_SERVER_ROWS + OWN_ROWS] = {
        {"delays",
         ARGUMENT_TEXT,
         {.text = &delays},
         "MS[*TIMES],...",
         .help = "how long each request waits, in turn"},
        {"serial",
         ARGUMENT_FLAG,
         {.flag = &server->serial},
         .help = "one at a time: a delay begins when the one before has ended"},
        {"spin", ARGUMENT_FLAG, {.flag = &server->spin}, .help = "never sleep: to be on time"},
    };
    const struct argument port = small_server_port(options);
    const struct arguments table = {
        .program = options->program,
        .summary = "Answer 1 to every line, each after the next delay of a list.",
        .options = rows,
        .option_count = SMALL_SERVER_ROWS + OWN_ROWS,
        .positionals = &port,
        .positional_count = 1,
    };

    small_server_rows(options, rows + OWN_ROWS);
    arguments_parse_or_exit(&table, argc, argv);
    char *words = strdup(delays);
    if (words == NULL)
        die(server->base.options.program, "memory", errno);
    char *rest = words;
    for (char *word = strsep(&rest, ","); word != NULL; word = strsep(&rest, ","))
        add_delay(server, word);
    free(words);
    if (server->delay_count == 0)
        reject(delays);
}

static void swap(struct reply *a, struct reply *b)
{
    struct reply kept = *a;

    *a = *b;
    *b = kept;
}

static void push(struct delay_server *server, struct reply reply)
{
    if (server->heap_size == server->heap_room) {
        server->heap_room = server->heap_room == 0 ? 1024 : 2 * server->heap_room;
        server->heap = allocate(server, server->heap, server->heap_room, sizeof *server->heap);
    }
    size_t at = server->heap_size++;
    server->heap[at] = reply;
    for (; at > 0 && server->heap[at].due_ns < server->heap[(at - 1) / 2].due_ns; at = (at - 1) / 2)
        swap(&server->heap[at], &server->heap[(at - 1) / 2]);
}

static struct reply pop(struct delay_server *server)
{
    struct reply first = server->heap[0];
    size_t at = 0;

    server->heap[0] = server->heap[--server->heap_size];
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < server->heap_size; child++) {
            if (server->heap[child].due_ns < server->heap[least].due_ns)
                least = child;
        }
        if (least == at)
            return first;
        swap(&server->heap[at], &server->heap[least]);
        at = least;
    }
}

// Takes the requests that have come; the delay runs from now.
static void take(struct delay_server *server, int fd, uint32_t events)
{
    char requests[BUFFER_SIZE];
    ssize_t size = recv(fd, requests, sizeof requests, 0);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    int64_t now_ns = clock_now_ns();
    for (ssize_t i = 0; i < size; i++) {
        if (requests[i] != '\n')
            continue;
        int64_t delay_ns = server->delays_ns[server->next_delay];
        server->next_delay = (server->next_delay + 1) % server->delay_count;
        int64_t from_ns =
            server->serial && server->busy_until_ns > now_ns ? server->busy_until_ns : now_ns;
        server->busy_until_ns = from_ns + delay_ns;
        push(server, (struct reply){from_ns + delay_ns, fd, server->lives[fd]});
    }
    if (size <= 0 || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        server->lives[fd]++;
        close(fd);
    }
}

// Sends the replies that are due.
static void give(struct delay_server *server)
{
    while (server->heap_size > 0 && server->heap[0].due_ns <= clock_now_ns()) {
        struct reply reply = pop(server);
        if (reply.life == server->lives[reply.fd] && send(reply.fd, "1\n", 2, MSG_NOSIGNAL) != 2) {
            server->lives[reply.fd]++;
            close(reply.fd);
        }
    }
}

static int wait_for_events(struct delay_server *server, struct epoll_event *events)
{
    if (server->spin)
        return epoll_wait(server->base.epoll, events, EVENTS_AT_ONCE, 0);
    if (server->heap_size > 0) {
        const struct itimerspec at = {.it_value = clock_timespec(server->heap[0].due_ns)};
        if (timerfd_settime(server->timer, TFD_TIMER_ABSTIME, &at, NULL) == -1)
            die(server->base.options.program, "timerfd_settime", errno);
    }
    return epoll_wait(server->base.epoll, events, EVENTS_AT_ONCE, -1);
}

static void open_server(struct delay_server *server)
{
    struct rlimit limit;

    small_server_open(&server->base); // which raises the limit
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        die(server->base.options.program, "getrlimit", errno);
    server->life_count = limit.rlim_cur;
    server->lives = calloc(server->life_count, sizeof *server->lives);
    server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (server->lives == NULL || server->timer == -1)
        die(server->base.options.program, "cannot prepare", errno);
    small_server_watch(&server->base, server->timer, EPOLLIN | EPOLLET);
    listener_announce_or_exit(&server->base.options, server->base.listener);
}

// Serves until it is time to end.
static void serve(struct delay_server *server)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    for (;;) {
        int count = wait_for_events(server, events);
        if (count == -1 && errno != EINTR)
            die(server->base.options.program, "epoll_wait", errno);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == server->base.listener)
                small_server_accept(&server->base);
            else if (fd == server->base.stop)
                return;
            else if (fd != server->timer)
                take(server, fd, events[i].events);
            give(server);
        }
        give(server);
    }
}

int main(int argc, char *argv[])
{
    struct delay_server server = {0};

    server.base.options = options_default("delay_server");
    read_options(&server, argc, argv);
    open_server(&server);
    serve(&server);
    free(server.delays_ns);
    free(server.heap);
    free(server.lives);
    return EXIT_SUCCESS;
}
