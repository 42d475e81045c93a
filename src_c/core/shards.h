// SPDX-License-Identifier: BSD-3-Clause
// Loops that share nothing: one thread each.
#pragma once

#include <stddef.h>

// Calls `prepare` for each of `count` shards of `size` bytes, every one in a thread of its own, the
// first in the caller's, and when all of them are prepared, `run`; returns when all have. What a
// shard needs it must take in `prepare`, before another one serves and descriptors run out. On
// failure says why on stderr and exits with 1.
void shards_run_or_exit(const char *program, void (*prepare)(void *shard), void (*run)(void *shard),
                        void *shards, size_t count, size_t size);
