// SPDX-License-Identifier: BSD-3-Clause
// fibload: loads one server, compares every reply, and says how long they took.
#include <errno.h>
#include <inttypes.h>
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
#include "load/ask/command_line.h"
#include "load/ask/settings.h"
#include "load/check/check.h"
#include "load/count/listen_queue.h"
#include "load/drive/cooldown.h"
#include "load/drive/state.h"
#include "load/drive/window.h"
#include "load/drive/worker.h"
#include "load/session.h"
#include "load/tell/report.h"
#include "load/tell/summary.h"
#include "load/timekeeper.h"

enum {
    EXIT_INVALID = 3,
    EXIT_INTERRUPTED = 130,
    OWN_DESCRIPTORS = 32,   // beside connections: standard ones, signals, edges, what was inherited
    THREAD_DESCRIPTORS = 4, // an epoll, a timer, a spare socket, and one about to be closed
};

static const int64_t LEAVE_NS = INT64_C(250) * NS_PER_MS; // until the server has closed

// Raises the soft limit of open files, and checks that all connections fit.
static void raise_descriptor_limit(const struct settings *settings)
{
    struct rlimit limit;
    uint64_t clients =
        settings->check ? settings->clients * settings->asks.count : settings_all_clients(settings);
    uint64_t needed = clients + settings->threads * THREAD_DESCRIPTORS + OWN_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        die("fibload", "getrlimit", errno);
    if (limit.rlim_max != RLIM_INFINITY && needed > limit.rlim_max) {
        fprintf(stderr,
                "fibload: %" PRIu64 " connections need %" PRIu64
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
        if (!exchange_make(&team->exchange, &team->group->ask, settings->framing,
                           !settings->asks_fibonacci, (size_t)settings->pipeline))
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
    run->cooldown = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    atomic_init(&run->waiting, session->thread_count);
    session->workers = (struct worker **)calloc(session->thread_count, sizeof *session->workers);
    if (run->stop == -1 || run->standing == -1 || run->cooldown == -1 || session->workers == NULL ||
        !window_init(&run->window, session->settings->requests,
                     cooldown_longest_ns(session->settings)))
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
    atomic_store(&session->run.watched_ns, result->watched_ns);
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
    close(run->cooldown);
    close(run->standing);
    close(run->stop);
    close(session->signals);
}

static int64_t overflows_between(int64_t before, int64_t now)
{
    return before == -1 || now < before ? -1 : now - before;
}

// Asks each request once, and measures nothing.
static int check_only(struct settings *settings)
{
    raise_descriptor_limit(settings);
    int status = check_run(settings);
    asks_free(&settings->asks);
    return status;
}

int main(int argc, char *argv[])
{
    static struct settings settings;
    static struct result result; // with its histograms too large for the stack's taste
    static struct session session;

    command_line_read(&settings, argc, argv);
    if (settings.check)
        return check_only(&settings);
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

    bool as_text =
        settings.told == TOLD_TEXT || (settings.told == TOLD_AUTO && isatty(STDOUT_FILENO));
    bool written = as_text ? summary_write(&result, stdout) : report_write(&result, stdout);
    if (!written)
        fprintf(stderr, "fibload: cannot write the report: %s\n", strerror(errno));
    bool valid = report_is_valid(&result);
    release(&session);
    asks_free(&settings.asks);
    if (!written)
        return EXIT_FAILURE;
    if (result.interrupted)
        return EXIT_INTERRUPTED;
    return valid ? EXIT_SUCCESS : EXIT_INVALID;
}
