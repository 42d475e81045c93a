// SPDX-License-Identifier: BSD-3-Clause
// Loops that share nothing: one thread each.
#pragma once

#include <stddef.h>

#include "serve/options.h"

// What is done with each shard, in a thread of its own.
struct shard_steps {
    // What it needs it must take here, before another one serves and descriptors run out.
    void (*prepare)(void *shard);
    void (*run)(void *shard);
};

// Takes the steps with each of --workers shards of `size` bytes, the first one's in the caller's
// thread, and returns when all have run. Says that the server is ready when all are prepared. On
// failure says why on stderr and exits with 1.
void shards_run_or_exit(const struct options *options, const int listeners[],
                        const struct shard_steps *steps, void *shards, size_t size);
