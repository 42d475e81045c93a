// SPDX-License-Identifier: BSD-3-Clause
// Waiting for epoll(7) to the nanosecond, where the system lets one.
#pragma once

#include <stdbool.h>
#include <sys/epoll.h>
#include <time.h>

// What a loop has learnt of epoll_pwait2(2): nothing yet, if all is false.
struct exact_wait {
    bool works;
    bool is_lacking;
};

// epoll_pwait2(2), which Linux has since 5.11: as epoll_wait(2), with a time in nanoseconds; NULL:
// for ever. Sets *count to what it returns, and errno. False: there is none, or a container forbids
// it, so that nothing was waited for, and it will not be called again.
bool exact_wait(struct exact_wait *known, int epoll_fd, struct epoll_event *events, int size,
                const struct timespec *patience, int *count);
