// SPDX-License-Identifier: BSD-3-Clause
// Accepting connections without spinning when the system runs out of something.
#include "serve/acceptor.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/clock.h"

enum accept_outcome acceptor_outcome(int error)
{
    switch (error) {
    case 0:
        return ACCEPT_CONNECTION;
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:
    // Linux passes a new connection's pending network errors on: accept(2).
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EOPNOTSUPP:
    case ETIMEDOUT:
    case EPERM:
        return ACCEPT_NOTHING;
    default: // EMFILE, ENFILE, ENOBUFS, ENOMEM; and an error nobody foresaw must not spin either
        return ACCEPT_EXHAUSTED;
    }
}

enum accept_outcome acceptor_try(int listener, int flags, int *fd)
{
    *fd = accept4(listener, NULL, NULL, flags | SOCK_CLOEXEC);
    return acceptor_outcome(*fd == -1 ? errno : 0);
}

enum accept_outcome acceptor_next(const struct acceptor *acceptor, int *fd)
{
    struct pollfd waits[] = {
        {.fd = acceptor->stop_fd, .events = POLLIN},
        {.fd = acceptor->listener, .events = POLLIN},
    };

    // ppoll(2) fails only for a signal, or for want of kernel memory, which is to be waited out.
    if (ppoll(waits, 2, NULL, acceptor->signal_mask) == -1) {
        if (errno != EINTR)
            acceptor_pause(acceptor);
        return ACCEPT_NOTHING;
    }
    if (waits[0].revents != 0)
        return ACCEPT_STOP;
    enum accept_outcome outcome = acceptor_try(acceptor->listener, 0, fd);
    if (outcome != ACCEPT_EXHAUSTED)
        return outcome;
    acceptor_pause(acceptor);
    return ACCEPT_NOTHING;
}

void acceptor_pause(const struct acceptor *acceptor)
{
    struct pollfd stop = {.fd = acceptor->stop_fd, .events = POLLIN};
    const struct timespec pause = clock_timespec(INT64_C(1) * ACCEPTOR_PAUSE_MS * NS_PER_MS);

    // Every outcome means the same: look again.
    (void)ppoll(&stop, 1, &pause, acceptor->signal_mask);
}

void acceptor_say_why(atomic_bool *said, const char *program, const char *lacking, int error)
{
    if (!atomic_exchange(said, true))
        fprintf(stderr, "%s: connections are refused for want of %s: %s\n", program, lacking,
                strerror(error));
}

void acceptor_report_refused(uint64_t refused)
{
    if (refused > 0)
        fprintf(stderr, "refused %" PRIu64 " connections\n", refused);
}
