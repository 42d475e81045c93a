// SPDX-License-Identifier: BSD-3-Clause
// Clients that wait for a while before they try again, in the order in which their pauses end.
#include "load/drive/pauses.h"

#include "core/clock.h"

static const int64_t PAUSE_NS = INT64_C(10) * NS_PER_MS;

void pauses_begin(struct worker *worker, struct client *client, int64_t now_ns)
{
    // All pauses are of one length, so they end in the order in which they began.
    client->is_paused = true;
    client->resume_ns = now_ns + PAUSE_NS;
    client->next_paused = NULL;
    if (worker->last_paused != NULL)
        worker->last_paused->next_paused = client;
    else
        worker->first_paused = client;
    worker->last_paused = client;
}

struct client *pauses_end_next(struct worker *worker, int64_t now_ns)
{
    struct client *client = worker->first_paused;

    if (client == NULL || client->resume_ns > now_ns)
        return NULL;
    worker->first_paused = client->next_paused;
    if (worker->first_paused == NULL)
        worker->last_paused = NULL;
    client->is_paused = false;
    return client;
}
