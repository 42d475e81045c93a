// SPDX-License-Identifier: BSD-3-Clause
// The floor of the benchmark: an epoll loop in which every client sends, receives, and sends again.
// It compares nothing and measures no latency. What fibload costs above it is the price of knowing.
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/arguments.h"
#include "core/clock.h"
#include "core/die.h"

enum { EVENTS_AT_ONCE = 256, BUFFER_SIZE = 4096, CLIENTS_MAX = 100000 };

static const char REQUEST[] = "1\n"; // every backend answers it in line framing, at once
enum { REQUEST_SIZE = sizeof REQUEST - 1 };

struct settings {
    const char *host;
    uint16_t port;
    uint64_t clients;
    int64_t duration_ns;
    int64_t warmup_ns;
    int edges_fd; // -1: nobody listens
};

// What has been used and done up to an edge of the window.
struct mark {
    int64_t at_ns;
    int64_t user_ns;
    int64_t system_ns;
    uint64_t replies;
};

static struct settings read_settings(int argc, char *argv[])
{
    struct settings settings = {
        .host = "127.0.0.1", .clients = 1, .duration_ns = NS_PER_S, .edges_fd = -1};
    const struct argument rows[] = {
        {"host", ARGUMENT_TEXT, {.text = &settings.host}, "ADDR", .help = "address of the server"},
        {"clients",
         ARGUMENT_UNSIGNED,
         {.number = &settings.clients},
         "N",
         .min = 1,
         .max = CLIENTS_MAX,
         .help = "connections driven at once"},
        {"duration",
         ARGUMENT_SECONDS,
         {.ns = &settings.duration_ns},
         "S",
         .min = NS_PER_MS,
         .help = "length of the window"},
        {"warmup",
         ARGUMENT_SECONDS,
         {.ns = &settings.warmup_ns},
         "S",
         .help = "load before the window"},
        {"edges-fd",
         ARGUMENT_FD,
         {.fd = &settings.edges_fd},
         "FD",
         .help = "announce the window's begin and end there"},
    };
    const struct argument positionals[] = {
        {"PORT", ARGUMENT_PORT, {.port = &settings.port}, .help = "TCP port of the server"},
    };
    const struct arguments table = {
        .program = "bare_client",
        .summary = "Send, receive, send again: the least that a load generator can cost.",
        .options = rows,
        .option_count = sizeof rows / sizeof *rows,
        .positionals = positionals,
        .positional_count = 1,
    };

    arguments_parse_or_exit(&table, argc, argv);
    return settings;
}

static void watch(int epoll, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
        die("bare_client", "epoll_ctl", errno);
}

static void send_request(int fd)
{
    if (send(fd, REQUEST, REQUEST_SIZE, MSG_NOSIGNAL) != REQUEST_SIZE)
        die("bare_client", "send", errno);
}

static void connect_clients(const struct settings *settings, int epoll)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(settings->port)};
    const int on = 1;

    if (inet_pton(AF_INET, settings->host, &address.sin_addr) != 1) {
        fprintf(stderr, "bare_client: --host is not an IPv4 address; try --help\n");
        exit(2);
    }
    for (uint64_t i = 0; i < settings->clients; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd == -1 || connect(fd, (struct sockaddr *)&address, sizeof address) == -1)
            die("bare_client", "connect", errno);
        if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1)
            die("bare_client", "setsockopt", errno);
        watch(epoll, fd, EPOLLIN | EPOLLET);
        send_request(fd);
    }
}

// A timer rather than a clock to look at: the floor reads no time for a request.
static void set_timer(int timer, int64_t in_ns)
{
    const struct itimerspec at = {.it_value = clock_timespec(in_ns > 0 ? in_ns : 1)};

    if (timerfd_settime(timer, 0, &at, NULL) == -1)
        die("bare_client", "timerfd_settime", errno);
}

// Loads the server until the timer fires. Counts the replies.
static void load(int epoll, int timer, uint64_t *replies)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    char buffer[BUFFER_SIZE];

    for (;;) {
        bool fired = false;
        int count = epoll_wait(epoll, events, EVENTS_AT_ONCE, -1);
        if (count == -1 && errno != EINTR)
            die("bare_client", "epoll_wait", errno);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == timer) {
                fired = true;
                continue;
            }
            ssize_t size = recv(fd, buffer, sizeof buffer, 0);
            if (size <= 0) {
                fprintf(stderr, "bare_client: a connection ended\n");
                exit(EXIT_FAILURE);
            }
            ++*replies;
            send_request(fd);
        }
        if (fired)
            return;
    }
}

static int64_t timeval_ns(struct timeval time)
{
    return (int64_t)time.tv_sec * NS_PER_S + time.tv_usec * INT64_C(1000);
}

// Reads what was used until now, and announces the edge.
static struct mark mark_edge(const struct settings *settings, const char *edge, uint64_t replies)
{
    struct mark mark = {.at_ns = clock_now_ns(), .replies = replies};
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) == -1)
        die("bare_client", "getrusage", errno);
    mark.user_ns = timeval_ns(usage.ru_utime);
    mark.system_ns = timeval_ns(usage.ru_stime);
    if (settings->edges_fd != -1 &&
        dprintf(settings->edges_fd, "%s %" PRId64 "\n", edge, mark.at_ns) < 0)
        die("bare_client", "--edges-fd", errno);
    return mark;
}

// The members that fibload's answer has as well bear the same names.
static bool report(struct mark begin, struct mark end)
{
    uint64_t replies = end.replies - begin.replies;
    int64_t user_ns = end.user_ns - begin.user_ns;
    int64_t system_ns = end.system_ns - begin.system_ns;

    printf("{\"program\": \"bare_client\", \"window\": {\"begin_ns\": %" PRId64
           ", \"end_ns\": %" PRId64 ", \"ok\": %" PRIu64 "}, ",
           begin.at_ns, end.at_ns, replies);
    printf("\"generator\": {\"cpu_user_ns\": %" PRId64 ", \"cpu_system_ns\": %" PRId64
           ", \"cpu_ns_per_request\": %" PRId64 "}}\n",
           user_ns, system_ns, (user_ns + system_ns) / (int64_t)replies);
    return fflush(stdout) == 0;
}

int main(int argc, char *argv[])
{
    const struct settings settings = read_settings(argc, argv);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    uint64_t replies = 0;

    if (epoll == -1 || timer == -1)
        die("bare_client", "cannot prepare", errno);
    connect_clients(&settings, epoll);
    watch(epoll, timer, EPOLLIN | EPOLLET);
    set_timer(timer, settings.warmup_ns);
    load(epoll, timer, &replies);
    struct mark begin = mark_edge(&settings, "begin", replies);
    set_timer(timer, settings.duration_ns);
    load(epoll, timer, &replies);
    struct mark end = mark_edge(&settings, "end", replies);

    if (end.replies == begin.replies) {
        fprintf(stderr, "bare_client: no reply came\n");
        return EXIT_FAILURE;
    }
    return report(begin, end) ? EXIT_SUCCESS : EXIT_FAILURE;
}
