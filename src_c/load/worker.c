// SPDX-License-Identifier: BSD-3-Clause
// One thread of the load: an event loop, its clients, and what it has counted.
#include "worker.h"

#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    EVENTS_AT_ONCE = 256,
    BEGIN_AT_ONCE = 128, // so that replies do not wait while many connections are opened
};

static const int64_t PAUSE_NS = INT64_C(10) * NS_PER_MS;    // after a refusal or a loss
static const int64_t SWEEP_MIN_NS = INT64_C(1) * NS_PER_MS; // how closely spaced sweeps may be
static const int64_t OVERDUE_NS = INT64_C(100) * NS_PER_MS; // beyond twice the slowest reply

// Has the event loop watch one of the worker's own descriptors.
static bool watch(const struct worker *worker, int fd, void *mark)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = mark};

    return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool make_clients(struct worker *worker, size_t count)
{
    uint64_t pipeline = worker->settings->pipeline;

    worker->clients = calloc(count, sizeof *worker->clients);
    worker->started_ns = calloc(count * pipeline, sizeof *worker->started_ns);
    if (worker->clients == NULL || worker->started_ns == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        worker->clients[i].fd = -1;
        worker->clients[i].started_ns = worker->started_ns + i * pipeline;
    }
    worker->client_count = count;
    return true;
}

struct worker *worker_make(const struct settings *settings, const struct exchange *exchange,
                           struct window *window, int stop, pthread_barrier_t *gate,
                           size_t client_count)
{
    struct worker *worker = calloc(1, sizeof *worker);

    if (worker == NULL)
        return NULL;
    worker->settings = settings;
    worker->exchange = exchange;
    worker->window = window;
    worker->stop = stop;
    worker->gate = gate;
    worker->armed_ns = INT64_MAX;
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    worker->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (worker->epoll == -1 || worker->timer == -1 ||
        !watch(worker, worker->timer, &worker->timer) || !watch(worker, stop, &worker->stop) ||
        !make_clients(worker, client_count)) {
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
    free(worker->clients);
    free(worker->started_ns);
    free(worker);
}

void worker_pause(struct worker *worker, struct client *client, int64_t now_ns)
{
    // All pauses are of one length, so they end in the order in which they began.
    client->resume_ns = now_ns + PAUSE_NS;
    client->next_paused = NULL;
    if (worker->last_paused != NULL)
        worker->last_paused->next_paused = client;
    else
        worker->first_paused = client;
    worker->last_paused = client;
}

static void end_pauses(struct worker *worker, int64_t now_ns)
{
    while (!worker->stopped && worker->first_paused != NULL &&
           worker->first_paused->resume_ns <= now_ns) {
        struct client *client = worker->first_paused;
        worker->first_paused = client->next_paused;
        if (worker->first_paused == NULL)
            worker->last_paused = NULL;
        client_proceed(worker, client, now_ns);
    }
}

// Gives up the requests that are too old. A request that is not yet started cannot be too old
// before a whole timeout has passed, so nothing needs to be done for a request while all goes well.
static void sweep(struct worker *worker, int64_t now_ns)
{
    int64_t timeout_ns = worker->settings->timeout_ns;
    int64_t oldest_ns = now_ns;

    for (size_t i = 0; i < worker->client_begun && !worker->stopped; i++) {
        struct client *client = &worker->clients[i];
        int64_t started_ns = client_oldest_ns(client);
        if (started_ns == INT64_MAX)
            continue;
        if (now_ns - started_ns >= timeout_ns)
            client_give_up(worker, client, now_ns);
        else if (started_ns < oldest_ns)
            oldest_ns = started_ns;
    }
    worker->next_sweep_ns = oldest_ns + timeout_ns;
    if (worker->next_sweep_ns < now_ns + SWEEP_MIN_NS)
        worker->next_sweep_ns = now_ns + SWEEP_MIN_NS;
}

// Does what has become due.
static void on_timer(struct worker *worker)
{
    uint64_t expirations;
    int64_t now_ns = clock_now_ns();

    if (read(worker->timer, &expirations, sizeof expirations) == -1 && errno != EAGAIN) {
        perror("fibload: timerfd");
        abort();
    }
    worker->armed_ns = INT64_MAX;
    end_pauses(worker, now_ns);
    if (now_ns >= worker->next_sweep_ns)
        sweep(worker, now_ns);
}

// Sets the timer to what is due next, if that has changed.
static void arm_timer(struct worker *worker)
{
    int64_t due_ns = worker->next_sweep_ns;

    if (worker->first_paused != NULL && worker->first_paused->resume_ns < due_ns)
        due_ns = worker->first_paused->resume_ns;
    if (due_ns == worker->armed_ns)
        return;
    const struct itimerspec at = {.it_value = clock_timespec(due_ns)};
    if (timerfd_settime(worker->timer, TFD_TIMER_ABSTIME, &at, NULL) == -1) {
        perror("fibload: timerfd");
        abort();
    }
    worker->armed_ns = due_ns;
}

// Sets some more clients going.
static void begin_clients(struct worker *worker)
{
    for (int i = 0; i < BEGIN_AT_ONCE && !worker->stopped; i++) {
        if (worker->client_begun == worker->client_count)
            return;
        client_proceed(worker, &worker->clients[worker->client_begun++], clock_now_ns());
    }
}

// One turn of the loop: waits for events and handles them. What is due comes last, since it may
// close connections that have an event in the same batch.
static void turn(struct worker *worker)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    bool all_begun = worker->client_begun == worker->client_count;
    bool due = false;

    arm_timer(worker);
    int count = epoll_wait(worker->epoll, events, EVENTS_AT_ONCE, all_begun ? -1 : 0);
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
        else
            client_event(worker, mark, events[i].events);
    }
    if (due && !worker->stopped)
        on_timer(worker);
}

// Waits until the end of the window was announced. The thread must not end before: its CPU time is
// read then.
static void await_announcement(const struct worker *worker)
{
    struct pollfd stop = {.fd = worker->stop, .events = POLLIN};

    while (poll(&stop, 1, -1) == -1) {
        if (errno != EINTR) {
            perror("fibload: poll");
            abort();
        }
    }
}

void *worker_run(void *argument)
{
    struct worker *worker = argument;

    pthread_barrier_wait(worker->gate);
    worker->next_sweep_ns = clock_now_ns() + worker->settings->timeout_ns;
    while (!worker->stopped) {
        begin_clients(worker);
        if (!worker->stopped)
            turn(worker);
    }
    await_announcement(worker);
    return NULL;
}

void worker_settle(struct worker *worker, int64_t end_ns, int64_t slowest_ns)
{
    for (size_t i = 0; i < worker->client_count; i++)
        client_settle(worker, &worker->clients[i], end_ns, 2 * slowest_ns + OVERDUE_NS);
}
