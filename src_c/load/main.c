// SPDX-License-Identifier: BSD-3-Clause
// fibload: loads one server, compares every reply, and says how long they took. This thread keeps
// the time: it opens and closes the window while the workers load.
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "settings.h"
#include "window.h"
#include "worker.h"

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

enum {
    EXIT_INVALID = 3,
    EXIT_INTERRUPTED = 130,
    OWN_DESCRIPTORS = 32,   // beside connections: standard ones, signals, edges, what was inherited
    THREAD_DESCRIPTORS = 2, // an epoll and a timer
    STALL_CHECKS = 8,       // how often it is looked whether replies still come
};

static const int64_t STALL_SPARE_NS = INT64_C(100) * NS_PER_MS; // for a pause, and for delays

struct run {
    const struct settings *settings;
    struct exchange exchange;
    struct window window;
    struct worker **workers;
    size_t thread_count;
    pthread_barrier_t gate;
    int stop;
    int signals;
    struct result *result;
};

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "fibload: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

// Raises the soft limit of open files, and checks that all connections fit.
static void raise_descriptor_limit(const struct settings *settings)
{
    struct rlimit limit;
    uint64_t needed = settings->clients + settings->threads * THREAD_DESCRIPTORS + OWN_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        die("getrlimit");
    if (limit.rlim_max != RLIM_INFINITY && needed > limit.rlim_max) {
        fprintf(stderr,
                "fibload: %" PRIu64 " clients need %" PRIu64
                " open files, and the hard limit is %ju (raise RLIMIT_NOFILE: ulimit -Hn)\n",
                settings->clients, needed, (uintmax_t)limit.rlim_max);
        exit(EXIT_FAILURE);
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
        die("setrlimit");
}

// Makes SIGINT and SIGTERM something to wait for, and SIGPIPE nothing.
static void catch_signals(struct run *run)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigaction(SIGPIPE, &ignore, NULL) == -1 || sigprocmask(SIG_BLOCK, &set, NULL) == -1)
        die("signals");
    run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (run->signals == -1)
        die("signalfd");
}

// Makes the workers and their threads, which wait at the gate.
static void make_workers(struct run *run)
{
    const struct settings *settings = run->settings;

    run->thread_count = (size_t)settings->threads;
    run->stop = eventfd(0, EFD_CLOEXEC);
    run->workers = calloc(run->thread_count, sizeof(struct worker *));
    if (run->stop == -1 || run->workers == NULL || !window_init(&run->window, settings->requests))
        die("cannot prepare");
    int error = pthread_barrier_init(&run->gate, NULL, (unsigned)run->thread_count + 1);
    for (size_t i = 0; error == 0 && i < run->thread_count; i++) {
        size_t clients = settings->clients / run->thread_count +
                         (i < settings->clients % run->thread_count ? 1 : 0);
        run->workers[i] =
            worker_make(settings, &run->exchange, &run->window, run->stop, &run->gate, clients);
        if (run->workers[i] == NULL)
            die("cannot prepare a thread");
        error = pthread_create(&run->workers[i]->thread, NULL, worker_run, run->workers[i]);
    }
    if (error != 0) {
        errno = error;
        die("cannot start a thread");
    }
}

enum wake { WAKE_DUE, WAKE_SIGNAL, WAKE_FINISHED };

// Waits until a time of CLOCK_MONOTONIC, a signal, or the last of the wanted replies.
static enum wake wait_until(struct run *run, int64_t at_ns)
{
    struct pollfd fds[] = {{.fd = run->signals, .events = POLLIN},
                           {.fd = run->window.finished, .events = POLLIN}};

    for (;;) {
        struct timespec left = clock_until(at_ns);
        int ready = ppoll(fds, 2, &left, NULL);
        if (ready == -1 && errno != EINTR)
            die("poll");
        if (ready > 0)
            return fds[0].revents != 0 ? WAKE_SIGNAL : WAKE_FINISHED;
        if (clock_now_ns() >= at_ns)
            return WAKE_DUE;
    }
}

// Waits for the end of a window that the number of replies ends, unless replies cease to come: one
// request may time out, and the next one of its client may take nearly as long and still be
// answered.
static enum wake wait_for_replies(struct run *run)
{
    int64_t stall_ns = 2 * run->settings->timeout_ns + STALL_SPARE_NS;
    int64_t progress_ns = clock_now_ns();
    uint64_t known = 0;

    for (;;) {
        enum wake wake = wait_until(run, clock_now_ns() + stall_ns / STALL_CHECKS);
        if (wake != WAKE_DUE)
            return wake;
        uint64_t replies = atomic_load_explicit(&run->window.replies, memory_order_relaxed);
        if (replies != known) {
            known = replies;
            progress_ns = clock_now_ns();
        } else if (clock_now_ns() - progress_ns >= stall_ns) {
            return WAKE_DUE;
        }
    }
}

// Tells who listens on --edges-fd that an edge has come.
static void announce(const struct run *run, const char *edge, int64_t at_ns)
{
    int fd = run->settings->edges_fd;

    if (fd != -1 && dprintf(fd, "%s %" PRId64 "\n", edge, at_ns) < 0)
        run->result->edges_error = errno;
}

// Keeps the time from the start to the end of the window. Both edges are announced in any case, so
// that who listens sees either both or, when nothing was started, none.
static void keep_time(struct run *run)
{
    const struct settings *settings = run->settings;
    struct result *result = run->result;
    bool at_once = settings->warmup_ns == 0;

    enum wake wake = wait_until(run, settings->start_at_ns);
    int64_t start_ns = clock_now_ns();
    if (!at_once) {
        pthread_barrier_wait(&run->gate);
        if (wake == WAKE_DUE)
            wake = wait_until(run, start_ns + settings->warmup_ns);
    }
    struct cpu_sample first = cpu_sample(run->workers, run->thread_count);
    // Before the gate is open nobody counts yet, and the window may open at once.
    result->begin_ns = clock_now_ns() + (at_once ? 0 : WINDOW_AHEAD_NS);
    window_open(&run->window, result->begin_ns, settings->duration_ns);
    announce(run, "begin", result->begin_ns);
    if (at_once)
        pthread_barrier_wait(&run->gate);

    if (wake == WAKE_DUE) {
        if (settings->requests > 0) {
            wake = wait_for_replies(run);
            result->stalled = wake == WAKE_DUE;
        } else {
            wake = wait_until(run, result->begin_ns + settings->duration_ns);
        }
    }
    result->interrupted = wake == WAKE_SIGNAL;
    result->end_ns = window_end_now(&run->window);
    result->cpu = cpu_between(first, cpu_sample(run->workers, run->thread_count));
    announce(run, "end", result->end_ns);
}

// Lets the threads end and adds up what they have counted.
static void collect(struct run *run)
{
    struct result *result = run->result;

    if (eventfd_write(run->stop, 1) == -1)
        die("eventfd");
    for (size_t i = 0; i < run->thread_count; i++) {
        struct worker *worker = run->workers[i];
        pthread_join(worker->thread, NULL);
        if (worker->accounting.slowest_ns > result->accounting.slowest_ns)
            result->accounting.slowest_ns = worker->accounting.slowest_ns;
    }
    int64_t slowest_ns = result->accounting.slowest_ns;
    for (size_t i = 0; i < run->thread_count; i++) {
        struct worker *worker = run->workers[i];
        worker_settle(worker, result->end_ns, slowest_ns);
        accounting_add(&result->accounting, &worker->accounting);
        histogram_add(&result->histogram, &worker->histogram);
        timeline_add(&result->timeline, &worker->timeline);
        for (size_t c = 0; c < worker->client_count; c++) {
            result->connected += worker->clients[c].was_connected;
            result->answered += worker->clients[c].was_answered;
        }
        worker_free(worker);
    }
    if (!accounting_balances(&result->accounting)) {
        fputs("fibload: internal error: requests started and outcomes do not balance\n", stderr);
        abort();
    }
}

static void release(struct run *run)
{
    pthread_barrier_destroy(&run->gate);
    free(run->workers);
    exchange_free(&run->exchange);
    close(run->window.finished);
    close(run->stop);
    close(run->signals);
}

int main(int argc, char *argv[])
{
    static struct settings settings;
    static struct result result; // with its histogram too large for the stack's taste
    static struct run run;

    settings_read(&settings, argc, argv);
    result.settings = &settings;
    run.settings = &settings;
    run.result = &result;
    raise_descriptor_limit(&settings);
    catch_signals(&run);
    if (!exchange_make(&run.exchange, settings.framing, settings.request, settings.expect,
                       !settings.asks_fibonacci, (size_t)settings.pipeline))
        die("cannot prepare");
    make_workers(&run);
    keep_time(&run);
    collect(&run);
    release(&run);

    if (!report_write(&result, stdout)) {
        fprintf(stderr, "fibload: cannot write the report: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    if (result.interrupted)
        return EXIT_INTERRUPTED;
    return report_is_valid(&result) ? EXIT_SUCCESS : EXIT_INVALID;
}
