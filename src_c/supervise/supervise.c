// SPDX-License-Identifier: BSD-3-Clause
// Runs one command, and sees to it that nothing of it outlives the one who asked for it.
//
// Whoever starts supervise keeps the other end of the lifeline pipe open. When that end closes,
// however its owner died, the whole tree of the command is killed. As child subreaper, supervise
// inherits every descendant whose parent has ended, so neither setsid(2) nor a double fork leads
// out of the tree.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arguments.h"
#include "core/clock.h"
#include "core/die.h"
#include "sample/sampler.h"
#include "supervise/ends.h"
#include "supervise/start.h"

struct supervisor {
    int lifeline;  // the read end of a pipe
    int report_fd; // the write end of another
    int signals;   // a signalfd
    int cgroup;    // of the command; -1: ours
    uint64_t keep; // bytes at either end of a longer standard error; 0: all of it
    struct ends output;
    DIR *proc;               // kept open, so that a sweep needs no free descriptor
    pid_t command;           // the process started; its number stays ours until the sweep reaps it
    int samples;             // the file for what is sampled; -1: nothing is
    cpu_set_t allowed;       // the CPUs that we had before we were pinned
    struct sampler *sampler; // NULL: it has not been told to begin
};

// Writes one line to the report. That nobody reads it is no reason to leave the tree alone.
__attribute__((format(printf, 2, 3))) static void report(int fd, const char *format, ...)
{
    char line[200];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (length > 0 && (size_t)length < sizeof line && write(fd, line, (size_t)length) == -1)
        return;
}

// Opens what the supervisor needs, before there is anything to supervise.
static void prepare(struct supervisor *supervisor)
{
    sigset_t watched; // everything that could end supervise before its tree
    sigfillset(&watched);
    sigdelset(&watched, SIGPIPE);

    // An ignored SIGCHLD is inherited, and the kernel would then reap in our place: wait(2), NOTES.
    if (signal(SIGCHLD, SIG_DFL) == SIG_ERR || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
        sigprocmask(SIG_SETMASK, &watched, NULL) == -1)
        die("supervise", "cannot set up signals", errno);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
        die("supervise", "cannot become the subreaper", errno);
    if (fcntl(supervisor->lifeline, F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(supervisor->report_fd, F_SETFD, FD_CLOEXEC) == -1)
        die("supervise", "cannot keep the pipes from the command", errno);
    if (supervisor->samples != -1 && fcntl(supervisor->samples, F_SETFD, FD_CLOEXEC) == -1)
        die("supervise", "cannot keep the samples from the command", errno);
    supervisor->signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (supervisor->signals == -1)
        die("supervise", "cannot watch signals", errno);
    supervisor->proc = opendir("/proc");
    if (supervisor->proc == NULL)
        die("supervise", "cannot read /proc", errno);
    if (!ends_begin(&supervisor->output, STDERR_FILENO, (size_t)supervisor->keep))
        die("supervise", "cannot bound the output", errno);
}

// Reaps orphans that have ended. True when the command has ended: it is left unreaped, so that
// neither its number nor that of its process group can pass to a stranger while we may signal it.
static bool reap_orphans(pid_t command)
{
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0)
            return false;
        if (info.si_pid == command)
            return true;
        waitpid(info.si_pid, NULL, 0);
    }
}

// Begins and ends sampling as the holder of the lifeline says, who is otherwise silent.
static void obey(struct supervisor *supervisor, const char *orders, size_t count)
{
    for (size_t i = 0; i < count && supervisor->samples != -1; i++) {
        if (orders[i] == 'b' && supervisor->sampler == NULL) {
            struct sampler_place place = {.samples = supervisor->samples,
                                          .report = supervisor->report_fd,
                                          .allowed = supervisor->allowed};
            supervisor->sampler = sampler_begin(&place);
            if (supervisor->sampler == NULL)
                report(supervisor->report_fd, "sampled %d\n", errno);
        } else if (orders[i] == 'e' && supervisor->sampler != NULL) {
            sampler_stop(supervisor->sampler);
        }
    }
}

// Returns when the command or the lifeline has ended; passes signals on to the command meanwhile,
// and does what the holder of the lifeline says.
static void watch(struct supervisor *supervisor)
{
    int look_ms = supervisor->output.keep > 0 ? ENDS_LOOK_MS : -1;
    struct pollfd ready[] = {{.fd = supervisor->lifeline, .events = POLLIN},
                             {.fd = supervisor->signals, .events = POLLIN}};
    for (;;) {
        ends_free_middle(&supervisor->output);
        if (poll(ready, 2, look_ms) == -1) {
            if (errno == EINTR)
                continue;
            return; // out of memory: what cannot be watched is swept
        }

        struct signalfd_siginfo info;
        while (read(supervisor->signals, &info, sizeof info) == sizeof info) {
            if (info.ssi_signo != SIGCHLD)
                kill(supervisor->command, (int)info.ssi_signo);
        }
        if (reap_orphans(supervisor->command))
            return;

        char orders[64];
        ssize_t count =
            ready[0].revents == 0 ? 0 : read(supervisor->lifeline, orders, sizeof orders);
        if (ready[0].revents != 0 && count <= 0)
            return;
        obey(supervisor, orders, (size_t)count);
    }
}

// Reads the parent of a process from /proc/PID/stat; -1 when it is gone.
static pid_t parent_of(const struct supervisor *supervisor, const char *pid)
{
    char path[32], text[512];
    snprintf(path, sizeof path, "%.16s/stat", pid);
    int folder = dirfd(supervisor->proc);
    int fd = folder == -1 ? -1 : openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return -1;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0)
        return -1;
    text[length] = '\0';

    // "PID (NAME) STATE PPID": a name may hold spaces and parentheses, so look from the right.
    static const char BETWEEN[] = ") S ";
    const char *name_end = strrchr(text, ')');
    if (name_end == NULL || strlen(name_end) < sizeof BETWEEN)
        return -1;
    const char *digits = name_end + sizeof BETWEEN - 1;
    char *end;
    long parent = strtol(digits, &end, 10);
    return end == digits ? -1 : (pid_t)parent;
}

// Kills our own children only: until we reap them, their numbers cannot belong to anyone else.
static void kill_children(const struct supervisor *supervisor)
{
    pid_t self = getpid();
    struct dirent *entry;

    rewinddir(supervisor->proc);
    while ((entry = readdir(supervisor->proc)) != NULL) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            parent_of(supervisor, entry->d_name) == self)
            kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
    }
}

// Waits for the end of the command, and reports it and when it was seen: who reads that may read it
// late. Leaves it unreaped.
static void report_end(const struct supervisor *supervisor)
{
    siginfo_t info;
    if (waitid(P_PID, (id_t)supervisor->command, &info, WEXITED | WNOWAIT) == -1)
        return;
    report(supervisor->report_fd, "ended %" PRId64 "\n%s %d\n", clock_now_ns(),
           info.si_code == CLD_EXITED ? "exited" : "killed", info.si_status);
}

// Kills and reaps until there is nobody left; returns how many had to be killed. A killed parent
// hands its own children to us before we hear of its end, so each end is a reason to look again.
static unsigned sweep(const struct supervisor *supervisor)
{
    unsigned killed = 0;
    int status;

    for (;;) {
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == 0) {
            kill_children(supervisor);
            pid = waitpid(-1, &status, 0);
        }
        if (pid == -1 && errno == ECHILD)
            return killed;
        if (pid > 0 && pid != supervisor->command && WIFSIGNALED(status) &&
            WTERMSIG(status) == SIGKILL)
            killed++;
    }
}

static int64_t ns_of(struct timeval time)
{
    return ((int64_t)time.tv_sec * 1000000 + time.tv_usec) * 1000;
}

// Reports what all that ended has used, from its start on: CPU time and context switches. What a
// process of the tree did not wait for, since it ignores SIGCHLD, is missing: getrusage(2).
static void report_use(int fd)
{
    struct rusage use;
    if (getrusage(RUSAGE_CHILDREN, &use) == 0)
        report(fd, "used %" PRId64 " %" PRId64 " %ld %ld\n", ns_of(use.ru_utime),
               ns_of(use.ru_stime), use.ru_nvcsw, use.ru_nivcsw);
}

// Where the command is to run, as the command line has it; NULL: where we do.
struct placement {
    const char *cpus;
    const char *cgroup;
};

// Sees to that before anything starts. Exits with 2 where it cannot.
static void place(struct supervisor *supervisor, const struct placement *wanted)
{
    char message[START_MESSAGE_SIZE];
    bool placed = wanted->cpus == NULL || start_pin(wanted->cpus, message);
    if (placed && wanted->cgroup != NULL) {
        supervisor->cgroup = start_open_cgroup(wanted->cgroup, message);
        placed = supervisor->cgroup != -1;
    }
    if (!placed) {
        fprintf(stderr, "supervise: %s\n", message);
        exit(2);
    }
}

// Starts the command. False where it could not be, which is reported.
static bool start(struct supervisor *supervisor, char *command[])
{
    int error = start_command(command, supervisor->cgroup, &supervisor->command);

    if (error != 0)
        report(supervisor->report_fd, "failed %d %s\n", error, strerror(error));
    else
        report(supervisor->report_fd, "started %d\n", (int)supervisor->command);
    return error == 0;
}

// Ends all that is left of the command, and reports what became of it and what it has used.
static void finish(struct supervisor *supervisor)
{
    // The command and its group in one stroke: a storm of forks outruns one kill after another.
    kill(-supervisor->command, SIGKILL);
    report_end(supervisor);
    unsigned swept = sweep(supervisor);
    if (supervisor->sampler != NULL)
        sampler_end(supervisor->sampler); // which ran in a thread of its own until now
    ends_finish(&supervisor->output);
    report(supervisor->report_fd, "swept %u\n", swept);
    report_use(supervisor->report_fd);
}

// Reads the command line. Returns where in argv the command begins; at a mistake the process ends.
static int read_arguments(struct supervisor *supervisor, struct placement *placement, int argc,
                          char *argv[])
{
    const struct argument options[] = {
        {.name = "lifeline",
         .kind = ARGUMENT_FD,
         .to.fd = &supervisor->lifeline,
         .placeholder = "FD",
         .help = "pipe to watch: at its end the command and all it started are killed"},
        {.name = "report",
         .kind = ARGUMENT_FD,
         .to.fd = &supervisor->report_fd,
         .placeholder = "FD",
         .help = "pipe to tell: started PID, failed ERRNO TEXT, ended AT_NS, exited N, "
                 "killed SIGNAL, swept N, used UTIME_NS STIME_NS VOLUNTARY INVOLUNTARY, "
                 "sampling AT_NS, sampled ERRNO"},
        {.name = "cpus",
         .kind = ARGUMENT_TEXT,
         .to.text = &placement->cpus,
         .placeholder = "LIST",
         .help = "run the command on these CPUs only, as 0,2-3"},
        {.name = "cgroup",
         .kind = ARGUMENT_TEXT,
         .to.text = &placement->cgroup,
         .placeholder = "DIR",
         .help = "start the command in this cgroup v2"},
        {.name = "keep-ends",
         .kind = ARGUMENT_UNSIGNED,
         .to.number = &supervisor->keep,
         .placeholder = "BYTES",
         .max = 1 << 20,
         .help = "of a longer standard error, a file, keep so much of its beginning and its end"},
        {.name = "samples",
         .kind = ARGUMENT_FD,
         .to.fd = &supervisor->samples,
         .placeholder = "FD",
         .help = "file for what threads did between the bytes 'b' and 'e' on the lifeline"},
    };
    const struct arguments table = {
        .program = "supervise",
        .summary = "Run a command; let nothing of it outlive the holder of the lifeline.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .rest = "COMMAND [ARG ...]",
    };
    int first = arguments_parse_or_exit(&table, argc, argv);
    if (supervisor->lifeline == -1 || supervisor->report_fd == -1) {
        fprintf(stderr, "supervise: --lifeline and --report are needed (open descriptors); "
                        "try --help\n");
        exit(2);
    }
    return first;
}

int main(int argc, char *argv[])
{
    struct supervisor supervisor = {.lifeline = -1, .report_fd = -1, .cgroup = -1, .samples = -1};
    struct placement placement = {0};
    int first = read_arguments(&supervisor, &placement, argc, argv);

    if (sched_getaffinity(0, sizeof supervisor.allowed, &supervisor.allowed) == -1)
        CPU_ZERO(&supervisor.allowed); // then the sampler runs where we do
    place(&supervisor, &placement);
    prepare(&supervisor);
    bool started = start(&supervisor, &argv[first]);
    if (started) {
        watch(&supervisor);
        finish(&supervisor);
    } else {
        ends_finish(&supervisor.output);
    }
    closedir(supervisor.proc);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}
