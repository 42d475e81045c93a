// SPDX-License-Identifier: BSD-3-Clause
// Waiting for epoll(7) to the nanosecond: see exact_wait.h.
#include "core/exact_wait.h"

#include <errno.h>
#include <linux/time_types.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

bool exact_wait(struct exact_wait *known, int epoll_fd, struct epoll_event *events, int size,
                const struct timespec *patience, int *count)
{
#ifdef SYS_epoll_pwait2
    struct __kernel_timespec left = {0};

    if (known->is_lacking)
        return false;
    if (patience != NULL)
        left = (struct __kernel_timespec){.tv_sec = patience->tv_sec, .tv_nsec = patience->tv_nsec};
    *count = (int)syscall(SYS_epoll_pwait2, epoll_fd, events, size, patience == NULL ? NULL : &left,
                          NULL, (size_t)0);
    known->works = known->works || *count != -1;
    // What forbids the call chooses the error. Should something else be wrong, what is called
    // instead fails as well.
    if (known->works || errno == EINTR)
        return true;
#else
    (void)epoll_fd, (void)events, (void)size, (void)patience, (void)count;
#endif
    known->is_lacking = true;
    return false;
}
