// SPDX-License-Identifier: BSD-3-Clause
// fibload: loads one server, compares every reply, and says how long they took. This thread keeps
// the time: it opens and closes the window while the workers load.
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/die.h"
#include "load/ask/settings.h"
#include "load/count/listen_queue.h"
#include "load/drive/cpu.h"
#include "load/drive/standing.h"
#include "load/drive/state.h"
#include "load/drive/window.h"
#include "load/drive/worker.h"
#include "load/tell/report.h"

enum {
    EXIT_INVALID = 3,
    EXIT_INTERRUPTED = 130,
    OWN_DESCRIPTORS = 32,   // beside connections: standard ones, signals, edges, what was inherited
    THREAD_DESCRIPTORS = 4, // an epoll, a timer, a spare socket, and one about to be closed
    STALL_CHECKS = 8,       // how often it is looked whether replies still come
};

static const int64_t SCHEDULE_AHEAD_NS = INT64_C(1) * NS_PER_MS; // until all threads look at it
static const int64_t LEAVE_NS = INT64_C(250) * NS_PER_MS;        // until the server has closed
static const int64_t STALL_SPARE_NS = INT64_C(100) * NS_PER_MS;  // for a pause, and for delays

struct session {
    const struct settings *settings;
    struct run run;
    struct worker **workers;
    size_t thread_count;
    int signals;
    struct result *result;
};

// Raises the soft limit of open files, and checks that all connections fit.
static void raise_descriptor_limit(const struct settings *settings)
{
    struct rlimit limit;
    uint64_t clients = settings_all_clients(settings);
    uint64_t needed = clients + settings->threads * THREAD_DESCRIPTORS + OWN_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        die("fibload", "getrlimit", errno);
    if (limit.rlim_max != RLIM_INFINITY && needed > limit.rlim_max) {
        fprintf(stderr,
                "fibload: %" PRIu64 " clients need %" PRIu64
                " open files, and the hard limit is %ju (raise RLIMIT_NOFILE: ulimit -Hn)\n",
                clients, needed, (uintmax_t)limit.rlim_max);
        exit(EXIT_FAILURE);
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
        die("fibload", "setrlimit", errno);
}

// Makes SIGINT and SIGTERM something to wait for, and SIGPIPE nothing.
static void catch_signals(struct session *session)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigaction(SIGPIPE, &ignore, NULL) == -1 || sigprocmask(SIG_BLOCK, &set, NULL) == -1)
        die("fibload", "signals", errno);
    session->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (session->signals == -1)
        die("fibload", "signalfd", errno);
}

// Prepares what the threads share of each group.
static void make_teams(struct session *session)
{
    const struct settings *settings = session->settings;
    size_t thread = 0;

    session->run.teams = calloc(settings->group_count, sizeof *session->run.teams);
    if (session->run.teams == NULL)
        die("fibload", "cannot prepare", errno);
    for (size_t i = 0; i < settings->group_count; i++) {
        struct team *team = &session->run.teams[i];
        team->group = &settings->groups[i];
        // Groups begin where the one before has ended, so that small ones do not share a thread.
        team->first_thread = thread;
        thread = (thread + (size_t)team->group->clients) % session->thread_count;
        if (!exchange_make(&team->exchange, settings->framing, team->group->request,
                           team->group->expect, !settings->asks_fibonacci,
                           (size_t)settings->pipeline))
            die("fibload", "cannot prepare", errno);
    }
}

// Makes the workers and their threads, which connect what must stand and wait at the gate.
static void make_workers(struct session *session)
{
    struct run *run = &session->run;

    session->thread_count = (size_t)session->settings->threads;
    make_teams(session);
    run->settings = session->settings;
    run->stop = eventfd(0, EFD_CLOEXEC);
    run->standing = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    session->workers = (struct worker **)calloc(session->thread_count, sizeof *session->workers);
    if (run->stop == -1 || run->standing == -1 || session->workers == NULL ||
        !window_init(&run->window, session->settings->requests))
        die("fibload", "cannot prepare", errno);
    int error = pthread_barrier_init(&run->gate, NULL, (unsigned)session->thread_count + 1);
    for (size_t i = 0; error == 0 && i < session->thread_count; i++) {
        session->workers[i] = worker_make(run, i);
        if (session->workers[i] == NULL)
            die("fibload", "cannot prepare a thread", errno);
        error = pthread_create(&session->workers[i]->thread, NULL, worker_run, session->workers[i]);
    }
    if (error != 0) {
        errno = error;
        die("fibload", "cannot start a thread", errno);
    }
}

enum wake { WAKE_DUE, WAKE_SIGNAL, WAKE_FINISHED };

// Waits until a time of CLOCK_MONOTONIC, a signal, or the window's end, which may come from the
// last of the wanted replies or from an open loop that has failed.
static enum wake wait_until(struct session *session, int64_t at_ns)
{
    struct pollfd fds[] = {{.fd = session->signals, .events = POLLIN},
                           {.fd = session->run.window.finished, .events = POLLIN}};

    for (;;) {
        struct timespec left = clock_until(at_ns);
        int ready = ppoll(fds, 2, &left, NULL);
        if (ready == -1 && errno != EINTR)
            die("fibload", "poll", errno);
        if (ready > 0)
            return fds[0].revents != 0 ? WAKE_SIGNAL : WAKE_FINISHED;
        if (clock_now_ns() >= at_ns)
            return WAKE_DUE;
    }
}

// Waits until the connections stand that must stand before the load begins.
static enum wake wait_for_standing(struct session *session)
{
    struct pollfd fds[] = {{.fd = session->signals, .events = POLLIN},
                           {.fd = session->run.standing, .events = POLLIN}};
    eventfd_t one;

    for (size_t standing = 0; standing < session->thread_count;) {
        if (poll(fds, 2, -1) == -1 && errno != EINTR)
            die("fibload", "poll", errno);
        if (fds[0].revents != 0) {
            atomic_store(&session->run.hurry, true);
            return WAKE_SIGNAL;
        }
        if (fds[1].revents != 0 && eventfd_read(session->run.standing, &one) == 0)
            standing++;
    }
    return WAKE_DUE;
}

// Waits for the end of a window that the number of replies ends, unless replies cease to come: one
// request may time out, and the next one of its client may take nearly as long and still be
// answered.
static enum wake wait_for_replies(struct session *session)
{
    int64_t stall_ns = 2 * session->settings->timeout_ns + STALL_SPARE_NS;
    int64_t progress_ns = clock_now_ns();
    uint64_t known = 0;

    for (;;) {
        enum wake wake = wait_until(session, clock_now_ns() + stall_ns / STALL_CHECKS);
        if (wake != WAKE_DUE)
            return wake;
        uint64_t replies = atomic_load_explicit(&session->run.window.replies, memory_order_relaxed);
        if (replies != known) {
            known = replies;
            progress_ns = clock_now_ns();
        } else if (clock_now_ns() - progress_ns >= stall_ns) {
            return WAKE_DUE;
        }
    }
}

// Tells who listens on --edges-fd that an edge has come.
static void announce(const struct session *session, const char *edge, int64_t at_ns)
{
    int fd = session->settings->edges_fd;

    if (fd != -1 && dprintf(fd, "%s %" PRId64 "\n", edge, at_ns) < 0)
        session->result->edges_error = errno;
}

// Lets the threads begin when it is time, and opens the window. Before the gate is open nobody
// counts yet, so without warm-up the window may open at once.
static enum wake begin_load(struct session *session, struct cpu_sample *first)
{
    const struct settings *settings = session->settings;
    struct run *run = &session->run;
    bool at_once = settings->warmup_ns == 0;
    bool stands = standing_is_needed(settings);

    enum wake wake = stands ? wait_for_standing(session) : WAKE_DUE;
    if (wake == WAKE_DUE)
        wake = wait_until(session, settings->start_at_ns);
    int64_t start_ns = clock_now_ns();
    if (settings_have_open_loop(settings)) {
        start_ns += SCHEDULE_AHEAD_NS;
        atomic_store(&run->zero_ns, start_ns);
    }
    if (!at_once) {
        pthread_barrier_wait(&run->gate);
        if (wake == WAKE_DUE)
            wake = wait_until(session, start_ns + settings->warmup_ns);
    }
    *first = cpu_sample(session->workers, session->thread_count);
    int64_t begin_ns = clock_now_ns() + (at_once ? 0 : WINDOW_BEGIN_AHEAD_NS);
    session->result->begin_ns = begin_ns > start_ns ? begin_ns : start_ns;
    window_open(&run->window, session->result->begin_ns, settings->duration_ns);
    if (!at_once)
        session->result->begin_late_ns = clock_now_ns() - session->result->begin_ns;
    announce(session, "begin", session->result->begin_ns);
    if (at_once)
        pthread_barrier_wait(&run->gate);
    return wake;
}

// Keeps the time from the start to the end of the window. Both edges are announced in any case, so
// that who listens sees either both or, when nothing was started, none.
static void keep_time(struct session *session)
{
    const struct settings *settings = session->settings;
    struct result *result = session->result;
    struct cpu_sample first;

    enum wake wake = begin_load(session, &first);
    if (wake == WAKE_DUE) {
        if (settings->requests > 0) {
            wake = wait_for_replies(session);
            result->stalled = wake == WAKE_DUE;
        } else {
            wake = wait_until(session, result->begin_ns + settings->duration_ns);
        }
    }
    result->interrupted = wake == WAKE_SIGNAL;
    result->end_ns = window_end_now(&session->run.window);
    result->aborted = atomic_load(&session->run.window.aborted);
    if (result->end_ns < result->begin_ns) // aborted before it began: an empty window
        result->end_ns = result->begin_ns;
    result->cpu = cpu_between(first, cpu_sample(session->workers, session->thread_count));
    result->extent = cpu_extent();
    result->zero_ns = atomic_load(&session->run.zero_ns);
    announce(session, "end", result->end_ns);
}

// Adds up what the threads have counted. It is a fault of the program's own if that does not fit.
static void add_up(struct session *session)
{
    struct result *result = session->result;

    for (size_t g = 0; g < session->settings->group_count; g++) {
        struct tally *of_group = &result->groups[g];
        for (size_t i = 0; i < session->thread_count; i++)
            tally_add(of_group, &session->workers[i]->shares[g].tally);
        of_group->most_overdue = (uint64_t)atomic_load(&session->run.teams[g].overdue.most);
        const char *fault = tally_fault(of_group);
        if (fault == NULL && of_group->idle) // of which only what went wrong counts
            accounting_add(&result->total.accounting, &of_group->accounting);
        else if (fault == NULL)
            tally_add(&result->total, of_group);
        if (fault == NULL)
            fault = tally_fault(&result->total);
        if (fault != NULL) {
            fprintf(stderr, "fibload: internal error: %s\n", fault);
            abort();
        }
    }
    result->total.most_overdue = (uint64_t)atomic_load(&session->run.overdue.most);
}

// Lets the threads take leave and end, and collects what they have counted.
static void collect(struct session *session)
{
    struct result *result = session->result;

    atomic_store(&session->run.end_ns, result->end_ns);
    atomic_store(&session->run.leave_ns, clock_now_ns() + LEAVE_NS);
    if (eventfd_write(session->run.stop, 1) == -1)
        die("fibload", "eventfd", errno);
    for (size_t i = 0; i < session->thread_count; i++)
        pthread_join(session->workers[i]->thread, NULL);
    result->groups = calloc(session->settings->group_count, sizeof *result->groups);
    if (result->groups == NULL)
        die("fibload", "cannot collect", errno);
    add_up(session);
    for (size_t i = 0; i < session->thread_count; i++)
        worker_free(session->workers[i]);
}

static void release(struct session *session)
{
    struct run *run = &session->run;

    for (size_t i = 0; i < session->settings->group_count; i++) {
        exchange_free(&run->teams[i].exchange);
        seconds_free(&session->result->groups[i].seconds);
    }
    seconds_free(&session->result->total.seconds);
    free(session->result->groups);
    free(run->teams);
    pthread_barrier_destroy(&run->gate);
    free((void *)session->workers);
    close(run->window.finished);
    close(run->standing);
    close(run->stop);
    close(session->signals);
}

static int64_t overflows_between(int64_t before, int64_t now)
{
    return before == -1 || now < before ? -1 : now - before;
}

int main(int argc, char *argv[])
{
    static struct settings settings;
    static struct result result; // with its histograms too large for the stack's taste
    static struct session session;

    settings_read(&settings, argc, argv);
    result.settings = &settings;
    session.settings = &settings;
    session.result = &result;
    raise_descriptor_limit(&settings);
    catch_signals(&session);
    int64_t overflows_before = listen_overflows();
    make_workers(&session);
    keep_time(&session);
    collect(&session);
    result.listen_overflows = overflows_between(overflows_before, listen_overflows());

    bool written = report_write(&result, stdout);
    if (!written)
        fprintf(stderr, "fibload: cannot write the report: %s\n", strerror(errno));
    bool valid = report_is_valid(&result);
    release(&session);
    if (!written)
        return EXIT_FAILURE;
    if (result.interrupted)
        return EXIT_INTERRUPTED;
    return valid ? EXIT_SUCCESS : EXIT_INVALID;
}
