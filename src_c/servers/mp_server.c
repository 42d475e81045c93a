// SPDX-License-Identifier: BSD-3-Clause
// Multiprocess: a child process is forked for every connection, and ends with it.
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acceptor.h"
#include "clock.h"
#include "connection.h"
#include "listener.h"
#include "options.h"
#include "signals.h"

// The children that are not reaped yet.
struct children {
    pid_t *pids; // room for --max-connections
    uint64_t count;
};

static void on_child(int signal_number)
{
    (void)signal_number; // it is there to interrupt ppoll(2)
}

static void forget(struct children *children, pid_t pid)
{
    for (uint64_t i = 0; i < children->count; i++) {
        if (children->pids[i] == pid) {
            children->pids[i] = children->pids[--children->count];
            return;
        }
    }
}

// Reaps every child that has ended: several of them may have sent a single SIGCHLD.
static void reap(struct children *children)
{
    pid_t pid;

    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        forget(children, pid);
}

// Ends the calling child when its parent has gone, which it also does if the parent is killed.
static void end_with_parent(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
        _exit(EXIT_FAILURE);
}

// Gives the connection to a child; false where the system has no room for one more process.
static bool start_child(struct children *children, const struct acceptor *acceptor, int fd,
                        const struct options *options)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid == -1)
        return false;
    if (pid == 0) {
        end_with_parent(parent);
        close(acceptor->listener); // else the port stays taken while this child lives
        connection_serve(fd, acceptor->stop_fd, options);
        _exit(EXIT_SUCCESS);
    }
    children->pids[children->count++] = pid;
    return true;
}

static void accept_until_stopped(struct children *children, const struct acceptor *acceptor,
                                 const struct options *options, uint64_t *refused)
{
    for (;;) {
        int fd;
        enum accept_outcome outcome = acceptor_next(acceptor, &fd);
        // At every turn, since a busy listener makes ppoll(2) return without a look at signals.
        reap(children);
        if (outcome == ACCEPT_STOP)
            return;
        if (outcome != ACCEPT_CONNECTION)
            continue;
        if (children->count == options->max_connections) {
            ++*refused;
        } else if (!start_child(children, acceptor, fd, options)) {
            ++*refused;
            close(fd);
            acceptor_pause(acceptor);
            continue;
        }
        close(fd); // the child has its own: the connection ends when that one is closed
    }
}

// Lets the children finish what was asked of them, as long as a stopping server may take; kills the
// rest, and reaps them all, so that their CPU time is accounted to this process.
static void wait_for_children(struct children *children, const sigset_t *signal_mask)
{
    int64_t deadline_ns = clock_now_ns() + SIGNALS_GRACE_NS;

    for (reap(children); children->count > 0 && clock_now_ns() < deadline_ns; reap(children)) {
        const struct timespec left = clock_until(deadline_ns);
        (void)ppoll(NULL, 0, &left, signal_mask); // ended by SIGCHLD
    }
    for (uint64_t i = 0; i < children->count; i++)
        kill(children->pids[i], SIGKILL);
    while (children->count > 0 && waitpid(-1, NULL, 0) > 0)
        children->count--;
}

// Blocks SIGCHLD, so that it comes only inside ppoll(2), and returns the mask for that.
static sigset_t handle_children(void)
{
    const struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_NOCLDSTOP};
    sigset_t child;
    sigset_t before;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &child, &before) == -1 || sigaction(SIGCHLD, &action, NULL) == -1) {
        perror("mp_server: SIGCHLD");
        exit(EXIT_FAILURE);
    }
    sigdelset(&before, SIGCHLD);
    return before;
}

int main(int argc, char *argv[])
{
    const struct options options = options_parse_or_exit(
        "mp_server", "A Fibonacci server that forks a process for every connection.", argc, argv);
    struct children children = {.pids = calloc(options.max_connections, sizeof(pid_t))};
    uint64_t refused = 0;

    if (children.pids == NULL) {
        fprintf(stderr, "%s: no memory for %lu children\n", options.program,
                (unsigned long)options.max_connections);
        return EXIT_FAILURE;
    }
    int stop_fd = signals_install_or_exit(options.program);
    const sigset_t signal_mask = handle_children();
    const struct acceptor acceptor = {
        .listener = listener_open_or_exit(&options),
        .stop_fd = stop_fd,
        .signal_mask = &signal_mask,
    };
    accept_until_stopped(&children, &acceptor, &options, &refused);
    close(acceptor.listener);
    wait_for_children(&children, &signal_mask);
    acceptor_report_refused(refused);
    free(children.pids);
    return 0;
}
