// SPDX-License-Identifier: BSD-3-Clause
// epoll(7) for a reactor: see epolling.h.
#include "epolling.h"
#include "die.h"

#include <errno.h>
#include <linux/time_types.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int epolling_open_or_exit(const struct options *options)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd != -1)
        return fd;
    die(options->program, "epoll_create1", errno);
}

int epolling_watch(int epoll_fd, int fd, enum interest before, enum interest now)
{
    static const uint32_t EVENTS[] = {
        [INTEREST_NONE] = 0, [INTEREST_READ] = EPOLLIN, [INTEREST_WRITE] = EPOLLOUT};
    struct epoll_event event = {.events = EVENTS[now], .data.fd = fd};
    int operation = before == INTEREST_NONE ? EPOLL_CTL_ADD
                    : now == INTEREST_NONE  ? EPOLL_CTL_DEL
                                            : EPOLL_CTL_MOD;

    return epoll_ctl(epoll_fd, operation, fd, &event);
}

static int wait_ms(const struct timespec *patience)
{
    if (patience == NULL)
        return -1;
    return (int)(patience->tv_sec * 1000 + (patience->tv_nsec + NS_PER_MS - 1) / NS_PER_MS);
}

static int wait_once(int epoll_fd, struct epoll_event *events, int size,
                     const struct timespec *patience)
{
#ifdef SYS_epoll_pwait2
    struct __kernel_timespec left = {0};
    if (patience != NULL)
        left = (struct __kernel_timespec){.tv_sec = patience->tv_sec, .tv_nsec = patience->tv_nsec};
    long count = syscall(SYS_epoll_pwait2, epoll_fd, events, size, patience == NULL ? NULL : &left,
                         NULL, (size_t)0);
    // A container may forbid what it does not know, with an error of its choice. Should something
    // else be wrong, epoll_wait(2) fails as well.
    if (count != -1 || errno == EINTR)
        return (int)count;
#endif
    return epoll_wait(epoll_fd, events, size, wait_ms(patience));
}

int epolling_wait(int epoll_fd, struct epoll_event *events, int size,
                  const struct timespec *patience)
{
    int count = wait_once(epoll_fd, events, size, patience);

    if (count != -1)
        return count;
    if (errno == EINTR)
        return 0;
    perror("epoll_wait");
    exit(EXIT_FAILURE);
}
