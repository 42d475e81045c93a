// SPDX-License-Identifier: BSD-3-Clause
// Loops that share nothing: one thread each.
#pragma once

#include <stddef.h>

// Runs `run` on each of `count` shards of `size` bytes, every one in a thread of its own, the first
// in the caller's; returns when all have. On failure says why on stderr and exits with 1.
void shards_run_or_exit(const char *program, void (*run)(void *shard), void *shards, size_t count,
                        size_t size);
