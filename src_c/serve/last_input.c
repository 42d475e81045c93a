// SPDX-License-Identifier: BSD-3-Clause
// What a stopping server owes to those that it has accepted: see last_input.h.
#include "serve/last_input.h"

#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>

enum {
    DISCARDED_AT_ONCE = 1 << 20,
    DISCARDS_AT_MOST = 16, // who sends without end may get a reset
};

static bool is_there(int fd, short events)
{
    struct pollfd now = {.fd = fd, .events = events};
    return poll(&now, 1, 0) == 1;
}

bool last_input_waits(int fd) { return is_there(fd, POLLIN); }

bool last_input_cut(int fd)
{
    // After shutdown(2) its end would look as if it had been ours. What comes all the same is
    // received if it comes in time: tcp(7) takes it in.
    return !is_there(fd, POLLRDHUP) && shutdown(fd, SHUT_RD) == 0;
}

void last_input_discard(int fd)
{
    for (int i = 0; i < DISCARDS_AT_MOST; i++) {
        // With MSG_TRUNC nothing is copied: tcp(7).
        if (recv(fd, NULL, DISCARDED_AT_ONCE, MSG_DONTWAIT | MSG_TRUNC) <= 0)
            return;
    }
}
