// SPDX-License-Identifier: BSD-3-Clause
// Loops that share nothing: see shards.h.
#include "shards.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct task {
    void (*run)(void *shard);
    void *shard;
    pthread_t thread;
};

static void *run_task(void *argument)
{
    const struct task *task = argument;

    task->run(task->shard);
    return NULL;
}

void shards_run_or_exit(const char *program, void (*run)(void *shard), void *shards, size_t count,
                        size_t size)
{
    struct task *tasks = calloc(count, sizeof *tasks);

    for (size_t i = 1; tasks != NULL && i < count; i++) {
        tasks[i].run = run;
        tasks[i].shard = (char *)shards + i * size;
        int error = pthread_create(&tasks[i].thread, NULL, run_task, &tasks[i]);
        if (error != 0) {
            fprintf(stderr, "%s: cannot start a thread: %s\n", program, strerror(error));
            exit(EXIT_FAILURE);
        }
    }
    if (tasks == NULL) {
        fprintf(stderr, "%s: no memory for %zu threads\n", program, count);
        exit(EXIT_FAILURE);
    }
    run(shards);
    for (size_t i = 1; i < count; i++)
        pthread_join(tasks[i].thread, NULL);
    free(tasks);
}
