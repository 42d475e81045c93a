// SPDX-License-Identifier: BSD-3-Clause
// Starting the command that is supervised: on which CPUs, in which cgroup, with which signals.
#include "supervise/start.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <paths.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { LIST_SHOWN = 60 };

// Reads digits; false when there are none, or when no CPU can have such a number.
static bool read_cpu(const char **at, unsigned long *cpu)
{
    if (**at < '0' || **at > '9')
        return false;
    char *end;
    *cpu = strtoul(*at, &end, 10); // ULONG_MAX when it is too large
    *at = end;
    return *cpu < CPU_SETSIZE;
}

// Reads "0,2-3" into a set; false when it is something else.
static bool read_list(const char *list, cpu_set_t *set)
{
    CPU_ZERO(set);
    for (const char *at = list;; at++) {
        unsigned long first, last;
        if (!read_cpu(&at, &first))
            return false;
        last = first;
        if (*at == '-') {
            at++;
            if (!read_cpu(&at, &last) || last < first)
                return false;
        }
        for (unsigned long cpu = first; cpu <= last; cpu++)
            CPU_SET(cpu, set);
        if (*at == '\0')
            return true;
        if (*at != ',')
            return false;
    }
}

bool start_pin(const char *list, char message[static START_MESSAGE_SIZE])
{
    cpu_set_t wanted, allowed;
    if (!read_list(list, &wanted)) {
        snprintf(message, START_MESSAGE_SIZE, "--cpus '%.*s' is no list of CPUs (as 0,2-3)",
                 LIST_SHOWN, list);
        return false;
    }
    // The kernel would quietly take what is left of a list, and a pinned server must be pinned.
    if (sched_getaffinity(0, sizeof allowed, &allowed) == -1) {
        snprintf(message, START_MESSAGE_SIZE, "cannot read the CPUs allowed: %s", strerror(errno));
        return false;
    }
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &wanted) && !CPU_ISSET(cpu, &allowed)) {
            snprintf(
                message, START_MESSAGE_SIZE,
                "--cpus '%.*s': CPU %u may not be used here (`taskset -cp $$` tells which may)",
                LIST_SHOWN, list, cpu);
            return false;
        }
    }
    if (sched_setaffinity(0, sizeof wanted, &wanted) == -1) {
        snprintf(message, START_MESSAGE_SIZE, "--cpus '%.*s': %s", LIST_SHOWN, list,
                 strerror(errno));
        return false;
    }
    return true;
}

int start_open_cgroup(const char *folder, char message[static START_MESSAGE_SIZE])
{
    struct statfs about;
    int cgroup = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroup == -1) {
        snprintf(message, START_MESSAGE_SIZE, "--cgroup %.200s: %s", folder, strerror(errno));
        return -1;
    }
    if (fstatfs(cgroup, &about) == -1 || about.f_type != CGROUP2_SUPER_MAGIC) {
        snprintf(message, START_MESSAGE_SIZE, "--cgroup %.200s is not a folder of cgroup v2",
                 folder);
    } else if (faccessat(cgroup, "cgroup.procs", W_OK, 0) == -1) {
        snprintf(message, START_MESSAGE_SIZE, "--cgroup %.200s takes no processes: %s", folder,
                 strerror(errno));
    } else {
        return cgroup;
    }
    close(cgroup);
    return -1;
}

// fork(2), the child born into the cgroup. It could move there by itself, but a move waits for all
// CPUs to pass a quiet point (10 to 20 ms), and a birth does not: CLONE_INTO_CGROUP in clone(2).
static pid_t fork_into(int cgroup)
{
    struct clone_args how = {
        .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (unsigned long long)cgroup};
    return (pid_t)syscall(SYS_clone3, &how, sizeof how);
}

// execvp(3), but what is no program is an error and not handed to a shell. Returns when it failed.
static int execute(char *const argv[])
{
    if (strchr(argv[0], '/') != NULL) {
        execv(argv[0], argv);
        return errno;
    }
    const char *folders = getenv("PATH");
    int error = ENOENT;
    for (const char *at = folders == NULL ? _PATH_DEFPATH : folders;; at++) {
        char path[PATH_MAX];
        const char *end = strchrnul(at, ':');
        int size = snprintf(path, sizeof path, "%.*s%s%s", (int)(end - at), at, end > at ? "/" : "",
                            argv[0]);
        if (size > 0 && (size_t)size < sizeof path) {
            // NOLINTNEXTLINE(clang-analyzer-optin.taint.GenericTaint): that is what PATH is for
            execv(path, argv);
            if (errno == EACCES)
                error = errno; // worth telling, should no other folder have it
            else if (errno != ENOENT && errno != ENOTDIR)
                return errno;
        }
        if (*end == '\0')
            return error;
        at = end;
    }
}

// Ties the child to the life of supervise, also where that is killed together with its owner, and
// to the rights that it has: no setuid program may lead out of the reach of our signals.
static int bind_to(pid_t supervisor)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        return errno;
    return getppid() == supervisor ? 0 : ECHILD; // it may have ended before we asked
}

// The child: becomes the command, or writes why it cannot to the pipe.
__attribute__((noreturn)) static void become(char *const argv[], pid_t supervisor, int failure)
{
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++) // glibc keeps two, SIGKILL and SIGSTOP are fixed
        signal(number, SIG_DFL);
    int error = bind_to(supervisor);
    if (error == 0)
        error =
            setsid() == -1 || sigprocmask(SIG_SETMASK, &none, NULL) == -1 ? errno : execute(argv);
    while (write(failure, &error, sizeof error) == -1 && errno == EINTR)
        ;
    _exit(127);
}

int start_command(char *const argv[], int cgroup, pid_t *pid)
{
    int failure[2]; // ends without a word when the command is executed
    if (pipe2(failure, O_CLOEXEC) == -1)
        return errno;
    pid_t supervisor = getpid();
    pid_t child = cgroup == -1 ? fork() : fork_into(cgroup);
    int error = child == -1 ? errno : 0;
    if (child == 0)
        become(argv, supervisor, failure[1]);
    close(failure[1]);
    if (child > 0) {
        ssize_t got;
        do
            got = read(failure[0], &error, sizeof error);
        while (got == -1 && errno == EINTR);
        *pid = child;
    }
    close(failure[0]);
    return error;
}
