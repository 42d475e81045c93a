// SPDX-License-Identifier: BSD-3-Clause
// How long what has come may have waited until this thread read it.
#include "load/drive/read_lag.h"

void read_lag_record(struct worker *worker, const struct client *client, int64_t now_ns,
                     int64_t lag_ns)
{
    if (worker->lags_left == 0)
        worker->lags_left = READ_LAG_EVERY;
    if (client->in_flight > 0 && !worker->is_cooling &&
        now_ns >= atomic_load_explicit(&worker->window->begin_ns, memory_order_acquire))
        histogram_record(&client->share->tally.read_lag,
                         lag_ns > HISTOGRAM_LOWEST_NS ? lag_ns : HISTOGRAM_LOWEST_NS);
}
