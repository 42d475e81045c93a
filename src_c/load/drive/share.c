// SPDX-License-Identifier: BSD-3-Clause
// A thread's share of a group: which clients and which part of the schedule are its own.
#include "load/drive/share.h"

#include <stdlib.h>

#include "load/ask/http_wanted.h"

// Makes room for what clients see of HTTP.
static bool make_http(struct share *share, size_t count)
{
    share->http_replies = calloc(count, sizeof *share->http_replies);
    share->http_memory = calloc(1, sizeof *share->http_memory);
    return share->http_replies != NULL && share->http_memory != NULL;
}

bool share_make(struct share *share, const struct settings *settings, struct team *team,
                size_t group_number, size_t thread)
{
    const struct group *group = team->group;
    size_t threads = (size_t)settings->threads;
    size_t place = (thread + threads - team->first_thread) % threads;
    size_t used_threads = group->clients < threads ? (size_t)group->clients : threads;
    size_t count = (size_t)group->clients / threads + (place < group->clients % threads ? 1 : 0);
    bool is_open = group->rate_billionths > 0;
    size_t ring = (size_t)settings->pipeline;
    size_t rings = is_open ? 2 : 1;

    share->group = group;
    share->exchange = &team->exchange;
    share->is_idle = group->idle;
    share->tally.idle = group->idle;
    share->accounting = &share->tally.accounting;
    if (count == 0)
        return true;
    share->clients = calloc(count, sizeof *share->clients);
    share->times_ns = calloc(count * ring, rings * sizeof *share->times_ns);
    if (share->clients == NULL || share->times_ns == NULL ||
        (team->exchange.http != NULL && !make_http(share, count)))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct client *client = &share->clients[i];
        client->fd = -1;
        client->share = share;
        client->first_left = is_open || group->idle ? 0 : settings_in_flight(settings);
        if (share->http_replies != NULL) {
            client->reply.http = &share->http_replies[i];
            client->reply.memory = share->http_memory;
        }
        client->started_ns = share->times_ns + i * ring * rings;
        client->sent_ns = client->started_ns + (rings - 1) * ring;
    }
    share->client_count = count;
    share->tally.asked = count;
    if (is_open) {
        share->is_open = true;
        share->tally.open = true;
        share->open.due = schedule_make(group->arrivals, group->rate_billionths, settings->seed,
                                        group_number, place, used_threads);
        share->open.unsent = share->open.due;
        share->open.next_due_ns = INT64_MAX;
        share->open.overdue = &team->overdue;
    }
    return true;
}

void share_free(struct share *share)
{
    seconds_free(&share->tally.seconds);
    free(share->clients);
    free(share->times_ns);
    free(share->http_replies);
    free(share->http_memory);
}
