// SPDX-License-Identifier: BSD-3-Clause
// How every server is told to stop.
#include "serve/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/types.h>
#include <unistd.h>

#include "core/die.h"

enum { STOP_LIMIT_S = 2 };

// The handler's only way to know whom it tells. Nobody reads the pipe: one byte makes it readable
// to every thread and every child, and it stays so.
static int stop_pipe[2];
static pid_t main_process;
static int readable_fd = -1; // always; there where there are children

// A child that was told to stop is the only one to know: what it waits on becomes something that is
// readable, in its own table of descriptors.
static void tell_to_stop(void)
{
    if (readable_fd != -1 && getpid() != main_process) {
        dup2(readable_fd, stop_pipe[0]);
        return;
    }
    // The pipe is empty before the first signal, and nobody gets a second one past the default
    // action below, so that this cannot fail for want of room.
    ssize_t written = write(stop_pipe[1], "", 1);
    (void)written;
}

static void on_stop(int signal_number)
{
    int saved_errno = errno;

    tell_to_stop();
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
    main_process = getpid();
    if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) == 0 && handle(SIGPIPE, SIG_IGN) == 0 &&
        handle(SIGALRM, on_alarm) == 0 && handle(SIGTERM, on_stop) == 0 &&
        handle(SIGINT, on_stop) == 0)
        return stop_pipe[0];
    die(program, "cannot handle signals", errno);
}

int signals_install_with_children_or_exit(const char *program)
{
    // Nobody reads it, so that it never counts down.
    readable_fd = eventfd(1, EFD_CLOEXEC);
    if (readable_fd != -1)
        return signals_install_or_exit(program);
    die(program, "cannot handle signals", errno);
}
