// SPDX-License-Identifier: BSD-3-Clause
// The clients of an open loop that can take a request, the longest free first.
#include "load/drive/free_clients.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static bool has_room(const struct worker *worker, const struct client *client)
{
    const struct settings *settings = worker->settings;
    uint64_t limit = client->share->exchange->per_connection;

    if (client->state == CLIENT_ABSENT)
        return !client->is_paused;
    return client->state == CLIENT_OPEN && !client->send_failed &&
           client->in_flight < settings->pipeline && (limit == 0 || client->on_connection < limit);
}

void free_clients_offer(struct worker *worker, struct client *client)
{
    struct open_loop *open = &client->share->open;

    if (client->is_listed || !has_room(worker, client))
        return;
    client->is_listed = true;
    client->next_free = NULL;
    if (open->last_free != NULL)
        open->last_free->next_free = client;
    else
        open->first_free = client;
    open->last_free = client;
}

struct client *free_clients_take(const struct worker *worker, struct open_loop *open)
{
    while (open->first_free != NULL) {
        struct client *client = open->first_free;
        open->first_free = client->next_free;
        if (open->first_free == NULL)
            open->last_free = NULL;
        client->is_listed = false;
        if (has_room(worker, client))
            return client;
    }
    return NULL;
}
