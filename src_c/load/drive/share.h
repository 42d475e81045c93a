// SPDX-License-Identifier: BSD-3-Clause
// What one thread has of a group: some of its clients, its part of the schedule, and its counts.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/ask/exchange.h"
#include "load/ask/groups.h"
#include "load/ask/settings.h"
#include "load/count/tally.h"
#include "load/drive/client.h"
#include "load/drive/open_loop.h"

// A group as all threads share it.
struct team {
    const struct group *group;
    struct exchange exchange;
    struct overdue overdue;
    size_t first_thread; // that has one of its clients
};

struct share {
    const struct group *group;
    const struct exchange *exchange;
    bool is_idle;
    bool is_open;
    struct client *clients;
    size_t client_count;
    int64_t *times_ns; // the clients' rings
    struct open_loop open;
    struct tally tally;
};

// Makes thread `thread`'s share of a group. False when there is no memory.
bool share_make(struct share *share, const struct settings *settings, struct team *team,
                size_t group_number, size_t thread);

void share_free(struct share *share);
