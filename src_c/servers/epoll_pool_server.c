// SPDX-License-Identifier: BSD-3-Clause
// epoll and a pool: one loop does all input and output, --workers threads compute. Questions go to
// the threads through a queue, answers come back through another, and an eventfd wakes the loop for
// them: however long a computation takes, nobody else's request waits behind it in the loop.
//
// While a question is away its connection may end, and its descriptor be given to the next one: the
// question carries the generation it was asked in, and the reactor drops the answer to any other.
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/die.h"
#include "core/work.h"
#include "serve/acceptor.h"
#include "serve/census.h"
#include "serve/epolling.h"
#include "serve/listener.h"
#include "serve/options.h"
#include "serve/reactor.h"
#include "serve/signals.h"

enum { EVENTS_PER_TURN = 256 };

struct job {
    struct question question;
    unsigned fibonacci_n;
};

// A ring of jobs. A connection has one question away at a time, and a closed one's may still be
// there: when the ring is full, the loop computes by itself.
struct queue {
    struct job *jobs;
    unsigned first;
    unsigned length;
};

struct pool {
    struct reactor reactor;
    struct epolling epolling;
    int answered_fd;      // eventfd: there are answers
    pthread_mutex_t lock; // of what follows
    pthread_cond_t asked;
    struct queue questions;
    struct queue answers;
    unsigned size; // of each queue; no more than so many jobs are in them and being computed
    unsigned away;
};

static void put(struct queue *queue, unsigned size, struct job job)
{
    queue->jobs[(queue->first + queue->length++) % size] = job;
}

static struct job take(struct queue *queue, unsigned size)
{
    struct job job = queue->jobs[queue->first];

    queue->first = (queue->first + 1) % size;
    queue->length--;
    return job;
}

static bool watch(void *waiting, int fd, enum interest before, enum interest now)
{
    const struct pool *pool = waiting;
    return epolling_watch(&pool->epolling, fd, before, now);
}

static bool ask(void *waiting, struct question question)
{
    struct pool *pool = waiting;

    pthread_mutex_lock(&pool->lock);
    bool has_room = pool->away < pool->size;
    if (has_room) {
        pool->away++;
        put(&pool->questions, pool->size, (struct job){.question = question});
    }
    pthread_mutex_unlock(&pool->lock);
    if (has_room)
        pthread_cond_signal(&pool->asked); // who wakes finds the lock free
    return has_room;
}

static const struct design EPOLL_POOL = {.watch = watch, .ask = ask, .closing_forgets = true};

// What a thread does all its life.
static void *compute(void *argument)
{
    struct pool *pool = argument;

    for (;;) {
        pthread_mutex_lock(&pool->lock);
        while (pool->questions.length == 0)
            pthread_cond_wait(&pool->asked, &pool->lock);
        struct job job = take(&pool->questions, pool->size);
        pthread_mutex_unlock(&pool->lock);
        job.fibonacci_n = work_answer(&pool->reactor.options->work, job.question.n);
        pthread_mutex_lock(&pool->lock);
        bool is_first = pool->answers.length == 0;
        put(&pool->answers, pool->size, job);
        pthread_mutex_unlock(&pool->lock);
        // The others are taken with it. It counts no further than one.
        if (is_first && eventfd_write(pool->answered_fd, 1) == -1)
            die(pool->reactor.options->program, "cannot wake the loop", errno);
    }
    return NULL;
}

// Hands all answers to the reactor, which asks the next questions.
static void bring_answers(struct pool *pool)
{
    eventfd_t count;

    if (eventfd_read(pool->answered_fd, &count) == -1 && errno != EAGAIN)
        die(pool->reactor.options->program, "cannot be woken", errno);
    pthread_mutex_lock(&pool->lock);
    while (pool->answers.length > 0) {
        struct job job = take(&pool->answers, pool->size);
        pool->away--;
        pthread_mutex_unlock(&pool->lock);
        reactor_reply(&pool->reactor, job.question, job.fibonacci_n);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

static void run(struct pool *pool)
{
    struct reactor *reactor = &pool->reactor;
    struct epoll_event events[EVENTS_PER_TURN];

    while (reactor_runs(reactor)) {
        int count =
            epolling_wait(&pool->epolling, events, EVENTS_PER_TURN, reactor_patience(reactor));
        reactor_begin_turn(reactor);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == pool->answered_fd)
                bring_answers(pool);
            else
                reactor_ready(reactor, events[i].data.fd);
        }
        reactor_end_turn(reactor);
    }
}

static void prepare_or_exit(struct pool *pool, const struct options *options)
{
    pthread_t thread;
    int error = 0;

    pool->size = (unsigned)census_capacity(options);
    pool->questions.jobs = calloc(pool->size, sizeof(struct job));
    pool->answers.jobs = calloc(pool->size, sizeof(struct job));
    if (pool->questions.jobs == NULL || pool->answers.jobs == NULL)
        die(options->program, "cannot make the queues", errno);
    pool->epolling = epolling_open_or_exit(options);
    reactor_prepare_or_exit(&pool->reactor);
    pool->answered_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pool->answered_fd == -1 || !watch(pool, pool->answered_fd, INTEREST_NONE, INTEREST_READ))
        die(options->program, "cannot make what wakes the loop", errno);
    for (uint64_t i = 0; error == 0 && i < options->workers; i++)
        error = pthread_create(&thread, NULL, compute, pool);
    if (error != 0)
        die(options->program, "cannot start the threads", error);
}

int main(int argc, char *argv[])
{
    const struct options options = options_parse_or_exit(
        "epoll_pool_server", "A Fibonacci server with an epoll loop and threads that compute.",
        argc, argv);
    struct census census = {0};
    static struct pool pool = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .asked = PTHREAD_COND_INITIALIZER,
    };

    int stop_fd = signals_install_or_exit(options.program);
    pool.reactor = (struct reactor){
        .options = &options,
        .design = &EPOLL_POOL,
        .waiting = &pool,
        .census = &census,
        .stop_fd = stop_fd,
        .listener = listener_open_or_exit(&options),
    };
    prepare_or_exit(&pool, &options);
    listener_announce_or_exit(&options, pool.reactor.listener);
    run(&pool);
    acceptor_report_refused(atomic_load(&census.refused));
    exit(EXIT_SUCCESS); // the threads may still compute for clients that have gone
}
