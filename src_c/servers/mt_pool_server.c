// SPDX-License-Identifier: BSD-3-Clause
// A pool of threads: one accepts and puts connections into a queue, from which --workers others
// take them, each serving one at a time. The queue is bounded: while it is full nothing is
// accepted, and connections wait in the kernel's backlog. One that is kept alive keeps its thread.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/die.h"
#include "serve/acceptor.h"
#include "serve/connection.h"
#include "serve/listener.h"
#include "serve/options.h"
#include "serve/signals.h"

enum { QUEUE_SIZE = 64 };

struct pool {
    struct options options;
    int stop_fd;
    atomic_uint_least64_t refused;
    atomic_bool said;     // why, where it is for want of something
    int places;           // a semaphore that can be polled: free places in the queue, eventfd(2)
    pthread_mutex_t lock; // of what follows
    pthread_cond_t changed;
    int queue[QUEUE_SIZE]; // a ring of descriptors
    unsigned first;
    unsigned length;
    uint64_t live; // in the queue and being served
    bool stopping;
};

// Waits for a connection: -1 when there will be no more.
static int take(struct pool *pool)
{
    int fd = -1;

    pthread_mutex_lock(&pool->lock);
    while (pool->length == 0 && !pool->stopping)
        pthread_cond_wait(&pool->changed, &pool->lock);
    if (pool->length > 0) {
        fd = pool->queue[pool->first];
        pool->first = (pool->first + 1) % QUEUE_SIZE;
        pool->length--;
    }
    pthread_mutex_unlock(&pool->lock);
    return fd;
}

// It counts no further than QUEUE_SIZE, so that nothing but a failing system hinders it; a place
// that is lost would never be filled again.
static void free_place(const struct pool *pool)
{
    if (eventfd_write(pool->places, 1) == -1)
        die(pool->options.program, "cannot free a place in the queue", errno);
}

static void *serve(void *argument)
{
    struct pool *pool = argument;
    int fd;

    while ((fd = take(pool)) != -1) {
        free_place(pool);
        if (!connection_serve(fd, pool->stop_fd, &pool->options)) {
            atomic_fetch_add(&pool->refused, 1);
            acceptor_say_why(&pool->said, pool->options.program, "memory", errno);
        }
        pthread_mutex_lock(&pool->lock);
        pool->live--;
        pthread_mutex_unlock(&pool->lock);
    }
    return NULL;
}

// Puts a connection into the queue, which has a place; false when there are as many as allowed.
static bool put(struct pool *pool, int fd)
{
    pthread_mutex_lock(&pool->lock);
    bool allowed = pool->live < pool->options.max_connections;
    if (allowed) {
        pool->queue[(pool->first + pool->length) % QUEUE_SIZE] = fd;
        pool->length++;
        pool->live++;
    }
    pthread_mutex_unlock(&pool->lock);
    if (allowed)
        pthread_cond_signal(&pool->changed); // who wakes finds the lock free
    return allowed;
}

// Waits for a place in the queue, and takes it; false: the server was told to stop.
static bool await_place(const struct pool *pool)
{
    struct pollfd waits[] = {
        {.fd = pool->stop_fd, .events = POLLIN},
        {.fd = pool->places, .events = POLLIN},
    };
    eventfd_t place;

    while (poll(waits, 2, -1) == -1) {
        if (errno != EINTR)
            die(pool->options.program, "cannot wait for a place in the queue", errno);
    }
    if (waits[0].revents != 0)
        return false;
    if (eventfd_read(pool->places, &place) == -1)
        die(pool->options.program, "cannot take a place in the queue", errno);
    return true;
}

static void accept_until_stopped(struct pool *pool, const struct acceptor *acceptor)
{
    while (await_place(pool)) {
        int fd;
        enum accept_outcome outcome = acceptor_next(acceptor, &fd);
        if (outcome == ACCEPT_STOP)
            return;
        if (outcome == ACCEPT_CONNECTION && put(pool, fd))
            continue;
        if (outcome == ACCEPT_CONNECTION) {
            close(fd);
            atomic_fetch_add(&pool->refused, 1);
        }
        free_place(pool); // it was not used
    }
}

// Wakes the threads that wait for work, and lets the others finish what was asked of them, as long
// as a stopping server may take.
static void end_threads(struct pool *pool, const pthread_t *threads)
{
    const struct timespec until = clock_timespec(clock_now_ns() + SIGNALS_GRACE_NS);

    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (uint64_t i = 0; i < pool->options.workers; i++)
        (void)pthread_clockjoin_np(threads[i], NULL, CLOCK_MONOTONIC, &until);
}

static pthread_t *start_threads_or_exit(struct pool *pool)
{
    pthread_t *threads = calloc(pool->options.workers, sizeof *threads);
    int error = threads == NULL ? ENOMEM : 0;

    for (uint64_t i = 0; error == 0 && i < pool->options.workers; i++)
        error = pthread_create(&threads[i], NULL, serve, pool);
    if (error != 0)
        die(pool->options.program, "cannot start the threads", error);
    return threads;
}

int main(int argc, char *argv[])
{
    struct pool pool = {
        .options = options_parse_or_exit("mt_pool_server",
                                         "A Fibonacci server with a pool of threads.", argc, argv),
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };

    pool.stop_fd = signals_install_or_exit(pool.options.program);
    pool.places = eventfd(QUEUE_SIZE, EFD_SEMAPHORE | EFD_CLOEXEC);
    if (pool.places == -1)
        die(pool.options.program, "eventfd", errno);
    const struct acceptor acceptor = {
        .listener = listener_open_or_exit(&pool.options),
        .stop_fd = pool.stop_fd,
    };
    pthread_t *threads = start_threads_or_exit(&pool);
    listener_announce_or_exit(&pool.options, acceptor.listener);
    accept_until_stopped(&pool, &acceptor);
    close(acceptor.listener);
    end_threads(&pool, threads);
    acceptor_report_refused(atomic_load(&pool.refused));
    free(threads);
    exit(EXIT_SUCCESS); // not a return: a thread that is still running may look at this frame
}
