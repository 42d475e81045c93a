// SPDX-License-Identifier: BSD-3-Clause
// How every server is told to stop.
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STOP_LIMIT_S = 2 };

// The handler's only way to know where to write. Nobody reads the pipe: one byte makes it readable
// to every thread and every child, and it stays so.
static int stop_pipe_end;

static void on_stop(int signal_number)
{
    int saved_errno = errno;

    // The pipe is empty before the first signal, and nobody gets a second one past the default
    // action below, so that this cannot fail for want of room.
    ssize_t written = write(stop_pipe_end, "", 1);
    (void)written;
    (void)signal_number;
    alarm(STOP_LIMIT_S);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    errno = saved_errno;
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

static int handle(int signal_number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (handler == on_stop) { // the two never interrupt each other
        sigaddset(&action.sa_mask, SIGTERM);
        sigaddset(&action.sa_mask, SIGINT);
    }
    return sigaction(signal_number, &action, NULL);
}

int signals_install_or_exit(const char *program)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
        stop_pipe_end = ends[1];
        if (handle(SIGPIPE, SIG_IGN) == 0 && handle(SIGALRM, on_alarm) == 0 &&
            handle(SIGTERM, on_stop) == 0 && handle(SIGINT, on_stop) == 0)
            return ends[0];
    }
    fprintf(stderr, "%s: cannot handle signals: %s\n", program, strerror(errno));
    exit(EXIT_FAILURE);
}
