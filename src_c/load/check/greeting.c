// SPDX-License-Identifier: BSD-3-Clause
// Whether a server speaks before it is asked: who does not know it takes that for a wrong reply.
#include "load/check/greeting.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"

static const int64_t MOMENT_NS = INT64_C(1) * NS_PER_S; // at most: a check that failed has time

// Waits until something is there, the connection has ended, or the time is over.
static void wait_for_bytes(int fd, int64_t until_ns)
{
    struct pollfd poll = {.fd = fd, .events = POLLIN};
    struct timespec patience;
    int ready;

    do {
        patience = clock_until(until_ns);
        ready = ppoll(&poll, 1, &patience, NULL);
    } while (ready == -1 && errno == EINTR);
}

bool greeting_comes(const struct settings *settings)
{
    int64_t moment_ns = settings->timeout_ns < MOMENT_NS ? settings->timeout_ns : MOMENT_NS;
    int64_t until_ns = clock_now_ns() + moment_ns;
    char byte;
    int fd = socket(settings->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return false;
    int connected =
        connect(fd, (const struct sockaddr *)&settings->address, settings->address_size);
    bool comes = false;
    if (connected == 0 || errno == EINPROGRESS || errno == EINTR) {
        wait_for_bytes(fd, until_ns);
        comes = recv(fd, &byte, 1, MSG_DONTWAIT) > 0;
    }
    close(fd);
    return comes;
}
