// SPDX-License-Identifier: BSD-3-Clause
// One thread of the load: an event loop, its clients, and what it has counted.
#include "load/drive/worker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "load/drive/client.h"
#include "load/drive/cooldown.h"
#include "load/drive/free_clients.h"
#include "load/drive/leave.h"
#include "load/drive/open_loop.h"
#include "load/drive/read_lag.h"
#include "load/drive/share.h"
#include "load/drive/standing.h"
#include "load/drive/timer.h"

enum {
    EVENTS_AT_ONCE = 256,
    LONG_WAIT_SHARE = 64,
    BEGIN_AT_ONCE = 128, // so that replies do not wait while many connections are opened
};

static const int64_t LONG_WAIT_NS = INT64_C(2) * NS_PER_MS; // of which a thousandth is much

// Has the event loop watch one of the worker's own descriptors.
static bool watch(const struct worker *worker, int fd, uint32_t events, void *mark)
{
    struct epoll_event event = {.events = events, .data.ptr = mark};

    return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool make_shares(struct worker *worker, size_t number)
{
    const struct settings *settings = worker->settings;

    worker->shares = calloc(settings->group_count, sizeof *worker->shares);
    if (worker->shares == NULL)
        return false;
    for (; worker->share_count < settings->group_count; worker->share_count++) {
        size_t i = worker->share_count;
        struct share *share = &worker->shares[i];
        if (!share_make(share, settings, &worker->run->teams[i], i, number)) {
            share_free(share);
            return false;
        }
        worker->has_open_loop = worker->has_open_loop || share->is_open;
    }
    return true;
}

struct worker *worker_make(struct run *run, size_t number)
{
    struct worker *worker = calloc(1, sizeof *worker);

    if (worker == NULL)
        return NULL;
    worker->settings = run->settings;
    worker->run = run;
    worker->window = &run->window;
    worker->overdue = &run->overdue;
    worker->stop = run->stop;
    worker->cooldown = run->cooldown;
    worker->spare = -1;
    worker->armed_ns = INT64_MAX;
    worker->next_sweep_ns = INT64_MAX;
    worker->next_due_ns = INT64_MAX;
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    worker->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (worker->epoll == -1 || worker->timer == -1 ||
        !watch(worker, worker->timer, EPOLLIN, &worker->timer) ||
        !watch(worker, run->stop, EPOLLIN, &worker->stop) ||
        !watch(worker, run->cooldown, EPOLLIN | EPOLLET, &worker->cooldown) || // nobody reads it
        !make_shares(worker, number)) {
        int error = errno;
        worker_free(worker);
        errno = error;
        return NULL;
    }
    return worker;
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->epoll != -1)
        close(worker->epoll);
    if (worker->timer != -1)
        close(worker->timer);
    for (size_t i = 0; i < worker->share_count; i++)
        share_free(&worker->shares[i]);
    free(worker->shares);
    free(worker);
}

// Sets some more clients of closed loops going.
static void begin_clients(struct worker *worker)
{
    int left = BEGIN_AT_ONCE;

    while (left > 0 && worker->share_begun < worker->share_count && !worker->stopped) {
        struct share *share = &worker->shares[worker->share_begun];
        if (share->is_open || share->is_idle || worker->client_begun == share->client_count) {
            worker->share_begun++;
            worker->client_begun = 0;
            continue;
        }
        client_proceed(worker, &share->clients[worker->client_begun++], clock_now_ns());
        left--;
    }
}

// Waits for events until the next request of an open loop is due. epoll_pwait2(2) may be late by a
// thousandth of the wait, as select_estimate_accuracy() in the kernel has it: a long wait is ended
// early, and what is left of it is waited for again.
static int wait_until_due(struct worker *worker, struct epoll_event *events)
{
    int64_t left_ns = worker->next_due_ns - clock_now_ns();

    if (left_ns <= 0)
        return epoll_wait(worker->epoll, events, EVENTS_AT_ONCE, 0);
    if (left_ns > LONG_WAIT_NS)
        left_ns -= left_ns / LONG_WAIT_SHARE;
    const struct timespec left = clock_timespec(left_ns);
    int count;
    if (exact_wait(&worker->exact, worker->epoll, events, EVENTS_AT_ONCE, &left, &count))
        return count;
    timer_arm(worker);
    return epoll_wait(worker->epoll, events, EVENTS_AT_ONCE, -1);
}

static int wait_for_events(struct worker *worker, struct epoll_event *events)
{
    if (worker->settings->spin || worker->share_begun < worker->share_count)
        return epoll_wait(worker->epoll, events, EVENTS_AT_ONCE, 0);
    if (worker->next_due_ns == INT64_MAX)
        return epoll_wait(worker->epoll, events, EVENTS_AT_ONCE, -1);
    return wait_until_due(worker, events);
}

// One turn of the loop: waits for events and handles them. What is due comes last, since it may
// close connections that have an event in the same batch. Requests of an open loop are not made to
// wait for the rest of a batch.
static void turn(struct worker *worker)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    bool due = false;

    timer_arm(worker);
    read_lag_ask(worker, clock_now_ns());
    int count = wait_for_events(worker, events);
    if (count == -1 && errno != EINTR) {
        perror("fibload: epoll_wait");
        abort();
    }
    for (int i = 0; i < count && !worker->stopped; i++) {
        void *mark = events[i].data.ptr;
        if (mark == &worker->stop)
            worker->stopped = true;
        else if (mark == &worker->timer)
            due = true;
        else if (mark == &worker->cooldown)
            load_is_over(worker, clock_now_ns()); // which takes note of it
        else
            client_event(worker, mark, events[i].events);
        if (worker->has_open_loop && !worker->stopped)
            open_loop_serve(worker);
    }
    read_lag_settle(worker, count < EVENTS_AT_ONCE);
    if (due && !worker->stopped)
        timer_serve(worker);
}

// Waits until all threads are stopped. This one must not end before the end of the window was
// announced: its CPU time is read then.
static void await_stop(const struct worker *worker)
{
    struct pollfd stop = {.fd = worker->stop, .events = POLLIN};

    while (poll(&stop, 1, -1) == -1) {
        if (errno != EINTR) {
            perror("fibload: poll");
            abort();
        }
    }
}

// Connects what must stand, and says so.
static void stand(struct worker *worker)
{
    if (!standing_is_needed(worker->settings))
        return;
    standing_connect(worker);
    if (eventfd_write(worker->run->standing, 1) == -1) {
        perror("fibload: eventfd");
        abort();
    }
}

// Begins the open loops, if there are any: their clients are free.
static void begin_open_loops(struct worker *worker)
{
    open_loop_begin(worker, atomic_load_explicit(&worker->run->zero_ns, memory_order_acquire));
    for (size_t i = 0; i < worker->share_count; i++) {
        struct share *share = &worker->shares[i];
        for (size_t c = 0; c < share->client_count && share->is_open; c++)
            free_clients_offer(worker, &share->clients[c]);
    }
}

static void settle_share(struct worker *worker, struct share *share, int64_t watched_ns)
{
    struct tally *tally = &share->tally;

    for (size_t i = 0; i < share->client_count; i++) {
        struct client *client = &share->clients[i];
        client_settle(worker, client, watched_ns);
        tally->connected += client->was_connected;
        tally->answered += client->was_answered;
    }
    open_loop_settle(worker, share, watched_ns);
    tally_close(tally);
}

static void settle(struct worker *worker)
{
    int64_t end_ns = atomic_load_explicit(&worker->run->end_ns, memory_order_acquire);
    int64_t watched_ns = atomic_load_explicit(&worker->run->watched_ns, memory_order_acquire);

    if (!worker->is_cooling)
        cooldown_begin(worker, end_ns);
    for (size_t i = 0; i < worker->share_count; i++)
        settle_share(worker, &worker->shares[i], watched_ns);
}

// Gives this thread a table of descriptors of its own, which holds its clients' sockets. In a table
// that threads share the kernel counts references to a socket at every send(2), recv(2) and
// epoll_wait(2) (fdget() of its fs/file.c): 1 to 2 % of what a request costs. What a thread opens
// after it, nobody else can close.
static void use_descriptors_alone(void)
{
    if (unshare(CLONE_FILES) == -1)
        return; // a sandbox forbids it: they share one table, which only costs more
}

void *worker_run(void *argument)
{
    struct worker *worker = argument;

    use_descriptors_alone();
    // Sleeps end when they should, not up to 50 us later (prctl(2)); 1 ns is the least there is.
    if (worker->has_open_loop)
        prctl(PR_SET_TIMERSLACK, 1UL);
    stand(worker);
    pthread_barrier_wait(&worker->run->gate);
    begin_open_loops(worker);
    worker->looked_ns = clock_now_ns();
    worker->lags_left = 1;
    worker->next_sweep_ns = clock_now_ns() + worker->settings->timeout_ns;
    while (!worker->stopped) {
        begin_clients(worker);
        if (worker->has_open_loop && !worker->stopped)
            open_loop_serve(worker);
        if (!worker->stopped)
            turn(worker);
    }
    await_stop(worker);
    settle(worker);
    leave(worker, atomic_load_explicit(&worker->run->leave_ns, memory_order_acquire));
    return NULL;
}
