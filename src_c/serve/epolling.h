// SPDX-License-Identifier: BSD-3-Clause
// epoll(7) for a reactor: what its servers share of it.
#pragma once

#include <sys/epoll.h>
#include <time.h>

#include "core/exact_wait.h"
#include "serve/reactor.h"

struct epolling {
    const char *program;
    int fd;
    struct exact_wait exact;
};

// Makes an epoll instance. On failure says why on stderr and exits with 1.
struct epolling epolling_open_or_exit(const struct options *options);

// Changes what an epoll instance reports of a descriptor, level-triggered: false with errno where
// it cannot.
bool epolling_watch(const struct epolling *epolling, int fd, enum interest before,
                    enum interest now);

// epoll_wait(2), for a time given in nanoseconds where that can be, and rounded up to milliseconds
// where not. NULL: for ever. A signal counts as nothing ready; any other failure ends the process,
// since it comes from a bug.
int epolling_wait(struct epolling *epolling, struct epoll_event *events, int size,
                  const struct timespec *patience);
