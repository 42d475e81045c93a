// SPDX-License-Identifier: BSD-3-Clause
// What a thread does at a time of its own: it ends pauses, and gives up requests that are too old.
#include "load/drive/timer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "load/drive/client.h"

static const int64_t SWEEP_MIN_NS = INT64_C(1) * NS_PER_MS; // how closely spaced sweeps may be

static void end_pauses(struct worker *worker, int64_t now_ns)
{
    struct client *client;

    while (!worker->stopped && (client = pauses_end_next(worker, now_ns)) != NULL)
        client_proceed(worker, client, now_ns);
}

// Gives up the requests of a share that are too old. Returns when the oldest other one was sent.
static int64_t sweep_share(struct worker *worker, struct share *share, int64_t now_ns)
{
    int64_t timeout_ns = worker->settings->timeout_ns;
    int64_t oldest_ns = now_ns;

    for (size_t i = 0; i < share->client_count && !worker->stopped; i++) {
        struct client *client = &share->clients[i];
        int64_t sent_ns = client_oldest_ns(client);
        if (sent_ns == INT64_MAX)
            continue;
        if (now_ns - sent_ns >= timeout_ns)
            client_give_up(worker, client, now_ns);
        else if (sent_ns < oldest_ns)
            oldest_ns = sent_ns;
    }
    return oldest_ns;
}

// Gives up the requests that are too old. A request that is not yet sent cannot be too old before a
// whole timeout has passed, so nothing needs to be done for a request while all goes well.
static void sweep(struct worker *worker, int64_t now_ns)
{
    int64_t oldest_ns = now_ns;

    for (size_t i = 0; i < worker->share_count && !worker->stopped; i++) {
        int64_t of_share_ns = sweep_share(worker, &worker->shares[i], now_ns);
        if (of_share_ns < oldest_ns)
            oldest_ns = of_share_ns;
    }
    worker->next_sweep_ns = oldest_ns + worker->settings->timeout_ns;
    if (worker->next_sweep_ns < now_ns + SWEEP_MIN_NS)
        worker->next_sweep_ns = now_ns + SWEEP_MIN_NS;
}

void timer_serve(struct worker *worker)
{
    uint64_t expirations;
    int64_t now_ns = clock_now_ns();

    if (read(worker->timer, &expirations, sizeof expirations) == -1 && errno != EAGAIN) {
        perror("fibload: timerfd");
        abort();
    }
    worker->armed_ns = INT64_MAX;
    end_pauses(worker, now_ns);
    if (now_ns >= worker->next_sweep_ns)
        sweep(worker, now_ns);
}

void timer_set(struct worker *worker, int64_t at_ns)
{
    const struct itimerspec at = {.it_value = clock_timespec(at_ns)};

    if (timerfd_settime(worker->timer, TFD_TIMER_ABSTIME, &at, NULL) == -1) {
        perror("fibload: timerfd");
        abort();
    }
    worker->armed_ns = at_ns;
}
