// SPDX-License-Identifier: BSD-3-Clause
// From options to a listening socket, and the news that it is served.
#include "serve/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

// Where to listen, in either family.
struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t length;
};

__attribute__((noreturn)) static void fail(const struct options *options, const char *why)
{
    fprintf(stderr, "%s: cannot listen on %s port %u: %s\n", options->program, options->host,
            (unsigned)options->port, why);
    exit(EXIT_FAILURE);
}

static struct address resolve(const struct options *options)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    struct address address;

    int error = getaddrinfo(options->host, NULL, &hints, &found);
    if (error != 0)
        fail(options, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    if (found->ai_addrlen > sizeof address.v6)
        fail(options, "not an IPv4 or IPv6 address");
    memcpy(&address.any, found->ai_addr, found->ai_addrlen);
    address.length = found->ai_addrlen;
    freeaddrinfo(found);
    if (address.any.sa_family == AF_INET6)
        address.v6.sin6_port = htons(options->port);
    else
        address.v4.sin_port = htons(options->port);
    return address;
}

static bool is_loopback(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    const struct in6_addr *v6 = &address->v6.sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(v6) ||
           (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
}

// Takes the bound port back into the address, where the kernel picked it.
static uint16_t learn_port(const struct options *options, int fd, struct address *address)
{
    if (getsockname(fd, &address->any, &address->length) == -1)
        fail(options, strerror(errno));
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

static bool set(int fd, int level, int option)
{
    const int on = 1;
    return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

// A socket bound to the address. TCP_NODELAY is inherited by what it accepts, so that it costs no
// system call per connection.
static int bind_socket(const struct options *options, const struct address *address, bool shared)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd == -1 || !set(fd, SOL_SOCKET, SO_REUSEADDR) || !set(fd, IPPROTO_TCP, TCP_NODELAY) ||
        (shared && !set(fd, SOL_SOCKET, SO_REUSEPORT)) ||
        bind(fd, &address->any, address->length) == -1)
        fail(options, strerror(errno));
    return fd;
}

// Every connection is a descriptor: take as many as the system grants. What cannot be raised is no
// reason to stop; accept(2) then says when they run out.
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
            perror("setrlimit");
    }
}

void listener_announce_or_exit(const struct options *options, int listener)
{
    struct address address = {.length = sizeof address.v6};
    uint16_t port = learn_port(options, listener, &address);

    if (!is_loopback(&address))
        fprintf(stderr, "%s: warning: %s is not loopback: whoever reaches it can use this CPU\n",
                options->program, options->host);
    if (options->verbose)
        fprintf(stderr, "%s: listening on %s port %u\n", options->program, options->host,
                (unsigned)port);
    if (options->ready_fd == -1)
        return;
    if (dprintf(options->ready_fd, "%u\n", (unsigned)port) < 0 || close(options->ready_fd) == -1) {
        fprintf(stderr, "%s: cannot write the port to --ready-fd %d: %s\n", options->program,
                options->ready_fd, strerror(errno));
        exit(EXIT_FAILURE);
    }
}

int listener_open_or_exit(const struct options *options)
{
    struct address address = resolve(options);

    raise_file_limit();
    int fd = bind_socket(options, &address, false);
    if (listen(fd, (int)options->backlog) == -1)
        fail(options, strerror(errno));
    return fd;
}

void listener_open_shared_or_exit(const struct options *options, unsigned count, int listeners[])
{
    if (count == 1) {
        listeners[0] = listener_open_or_exit(options);
        return;
    }
    struct address address = resolve(options);

    raise_file_limit();
    // With SO_REUSEPORT a bind succeeds beside another server of the same user, and each would get
    // a share of the connections. A bind without it proves that nobody listens there, and picks the
    // port when it is 0.
    int probe = bind_socket(options, &address, false);
    (void)learn_port(options, probe, &address);
    for (unsigned i = 0; i < count; i++) {
        listeners[i] = bind_socket(options, &address, true);
        if (listen(listeners[i], (int)options->backlog) == -1)
            fail(options, strerror(errno));
    }
    close(probe);
}
