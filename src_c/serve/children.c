// SPDX-License-Identifier: BSD-3-Clause
// The children of servers that are made of processes: see children.h.
#include "serve/children.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "serve/signals.h"

static void on_child(int signal_number)
{
    (void)signal_number; // it is there to interrupt ppoll(2)
}

struct children children_prepare_or_exit(const char *program, uint64_t room)
{
    const struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_NOCLDSTOP};
    struct children children = {.pids = calloc(room, sizeof(pid_t))};
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (children.pids == NULL || sigprocmask(SIG_BLOCK, &child, &children.signal_mask) == -1 ||
        sigaction(SIGCHLD, &action, NULL) == -1) {
        fprintf(stderr, "%s: cannot prepare for %lu children: %s\n", program, (unsigned long)room,
                strerror(errno));
        exit(EXIT_FAILURE);
    }
    sigdelset(&children.signal_mask, SIGCHLD);
    return children;
}

pid_t children_fork(struct children *children)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid > 0)
        children->pids[children->count++] = pid;
    if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent))
        _exit(EXIT_FAILURE);
    return pid;
}

pid_t children_reap(struct children *children)
{
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);

    for (uint64_t i = 0; pid > 0 && i < children->count; i++) {
        if (children->pids[i] == pid) {
            children->pids[i] = children->pids[--children->count];
            if (WIFEXITED(status) && WEXITSTATUS(status) == CHILDREN_NO_MEMORY)
                children->failed++;
            break;
        }
    }
    return pid > 0 ? pid : 0;
}

static void reap_all(struct children *children)
{
    while (children_reap(children) != 0)
        continue;
}

void children_kill(struct children *children)
{
    for (uint64_t i = 0; i < children->count; i++)
        kill(children->pids[i], SIGKILL);
    while (children->count > 0 && waitpid(-1, NULL, 0) > 0)
        children->count--;
    free(children->pids);
}

void children_end(struct children *children)
{
    int64_t deadline_ns = clock_now_ns() + SIGNALS_GRACE_NS;

    for (reap_all(children); children->count > 0 && clock_now_ns() < deadline_ns;
         reap_all(children)) {
        const struct timespec left = clock_until(deadline_ns);
        (void)ppoll(NULL, 0, &left, &children->signal_mask); // ended by SIGCHLD
    }
    children_kill(children);
}
