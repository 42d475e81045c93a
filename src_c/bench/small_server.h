// SPDX-License-Identifier: BSD-3-Clause
// What the small servers of the benchmark share: a listener, an epoll loop's beginnings, an end.
#pragma once

#include <stdint.h>

#include "core/arguments.h"
#include "serve/options.h"

struct small_server {
    struct options options;
    int epoll;
    int listener;
    int stop; // readable when it is time to end
};

// The rows of the command line that every one of them has, and their number.
enum { SMALL_SERVER_ROWS = 2 };
void small_server_rows(struct options *options, struct argument rows[static SMALL_SERVER_ROWS]);
struct argument small_server_port(struct options *options);

// Reads the command line of one that has these rows and no others; at a mistake the process ends.
void small_server_read_options(struct options *options, const char *summary, int argc,
                               char *argv[]);

// Listens and makes the loop, or says why not and ends the process. When all else is there, too,
// listener_announce_or_exit() is to be called.
void small_server_open(struct small_server *server);

// Has the loop watch a descriptor, which is the event's data.
void small_server_watch(const struct small_server *server, int fd, uint32_t events);

// Takes every connection that waits. Edge-triggered, so that a quiet connection costs nothing.
void small_server_accept(const struct small_server *server);
