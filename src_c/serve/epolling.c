// SPDX-License-Identifier: BSD-3-Clause
// epoll(7) for a reactor: see epolling.h.
#include "serve/epolling.h"

#include <errno.h>

#include "core/clock.h"
#include "core/die.h"

struct epolling epolling_open_or_exit(const struct options *options)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd == -1)
        die(options->program, "epoll_create1", errno);
    return (struct epolling){.program = options->program, .fd = fd};
}

bool epolling_watch(const struct epolling *epolling, int fd, enum interest before,
                    enum interest now)
{
    static const uint32_t EVENTS[] = {
        [INTEREST_NONE] = 0, [INTEREST_READ] = EPOLLIN, [INTEREST_WRITE] = EPOLLOUT};
    struct epoll_event event = {.events = EVENTS[now], .data.fd = fd};
    int operation = before == INTEREST_NONE ? EPOLL_CTL_ADD
                    : now == INTEREST_NONE  ? EPOLL_CTL_DEL
                                            : EPOLL_CTL_MOD;

    return epoll_ctl(epolling->fd, operation, fd, &event) == 0;
}

static int wait_ms(const struct timespec *patience)
{
    if (patience == NULL)
        return -1;
    return (int)(patience->tv_sec * 1000 + (patience->tv_nsec + NS_PER_MS - 1) / NS_PER_MS);
}

int epolling_wait(struct epolling *epolling, struct epoll_event *events, int size,
                  const struct timespec *patience)
{
    int count;

    if (!exact_wait(&epolling->exact, epolling->fd, events, size, patience, &count))
        count = epoll_wait(epolling->fd, events, size, wait_ms(patience));
    if (count != -1)
        return count;
    if (errno == EINTR)
        return 0;
    die(epolling->program, "epoll_wait", errno);
}
