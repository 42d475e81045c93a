// SPDX-License-Identifier: BSD-3-Clause
// Loops that share nothing: see shards.h.
#include "serve/shards.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/die.h"
#include "serve/listener.h"

struct plan {
    const struct options *options;
    int listener; // of the first one, which says that all are ready
    const struct shard_steps *steps;
    pthread_mutex_t lock; // one prepares after the other: if it fails, it alone says so
    pthread_barrier_t prepared;
};

struct task {
    struct plan *plan;
    void *shard;
    bool is_first;
    pthread_t thread;
};

static void *run_task(void *argument)
{
    const struct task *task = argument;

    pthread_mutex_lock(&task->plan->lock);
    task->plan->steps->prepare(task->shard);
    pthread_mutex_unlock(&task->plan->lock);
    pthread_barrier_wait(&task->plan->prepared);
    if (task->is_first)
        listener_announce_or_exit(task->plan->options, task->plan->listener);
    task->plan->steps->run(task->shard);
    return NULL;
}

void shards_run_or_exit(const struct options *options, const int listeners[],
                        const struct shard_steps *steps, void *shards, size_t size)
{
    const size_t count = options->workers;
    struct plan plan = {
        .options = options,
        .listener = listeners[0],
        .steps = steps,
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    struct task *tasks = calloc(count, sizeof *tasks);
    int error =
        tasks == NULL ? ENOMEM : pthread_barrier_init(&plan.prepared, NULL, (unsigned)count);

    if (error != 0)
        die(options->program, "cannot start a thread for each loop", error);
    for (size_t i = 0; i < count; i++) {
        tasks[i] =
            (struct task){.plan = &plan, .shard = (char *)shards + i * size, .is_first = i == 0};
        if (i > 0)
            error = pthread_create(&tasks[i].thread, NULL, run_task, &tasks[i]);
        if (error != 0)
            die(options->program, "cannot start a thread for each loop", error);
    }
    run_task(&tasks[0]);
    for (size_t i = 1; i < count; i++)
        pthread_join(tasks[i].thread, NULL);
    pthread_barrier_destroy(&plan.prepared);
    free(tasks);
}
