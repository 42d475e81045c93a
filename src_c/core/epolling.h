// SPDX-License-Identifier: BSD-3-Clause
// epoll(7) for a reactor: what its servers share of it.
#pragma once

#include <sys/epoll.h>
#include <time.h>

#include "reactor.h"

// Makes an epoll instance. On failure says why on stderr and exits with 1.
int epolling_open_or_exit(const struct options *options);

// Changes what an epoll instance reports of a descriptor, level-triggered: 0, or -1 with errno.
int epolling_watch(int epoll_fd, int fd, enum interest before, enum interest now);

// epoll_wait(2), for a time given in nanoseconds where the kernel has epoll_pwait2 (5.11), and
// rounded up to milliseconds where it has not. NULL: for ever. A signal counts as nothing ready;
// any other failure ends the process, since it comes from a bug.
int epolling_wait(int epoll_fd, struct epoll_event *events, int size,
                  const struct timespec *patience);
