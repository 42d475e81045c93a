// SPDX-License-Identifier: BSD-3-Clause
// A loop that counts the bytes of requests and repeats their replies, reading neither: the ceiling
// of the meter for any protocol.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "serve/census.h"
#include "serve/epolling.h"
#include "serve/options.h"
#include "serve/replies.h"

enum { REPEATER_BUFFER_SIZE = 64 * 1024 }; // of what comes in, and of what goes out together

struct repeater_client; // by descriptor

// One loop; the first members are for who makes it to set.
struct repeater {
    const struct options *options;
    const struct replies *replies;
    struct census *census;
    int listener;
    int stop_fd;

    struct epolling epolling;
    struct repeater_client *clients;
    int capacity; // descriptors below it can be served
    char *copies; // of the reply, on end, so that pipelined requests are answered at once
    size_t copy_count;
    int64_t accept_ns; // when to accept again after a rest; 0: it does not rest
    char buffer[REPEATER_BUFFER_SIZE];
};

// What shards_run_or_exit() does with each.
void repeater_prepare_or_exit(void *repeater);
void repeater_run(void *repeater);
