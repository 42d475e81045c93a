// SPDX-License-Identifier: BSD-3-Clause
// An open loop: requests become due on schedule, whatever becomes of those before them.
#include "load/drive/open_loop.h"

#include <stdbool.h>

#include "core/clock.h"
#include "load/drive/backlog.h"
#include "load/drive/cooldown.h"
#include "load/drive/free_clients.h"
#include "load/drive/sending.h"
#include "load/drive/window.h"

void open_loop_begin(struct worker *worker, int64_t zero_ns)
{
    for (size_t i = 0; i < worker->share_count; i++) {
        struct share *share = &worker->shares[i];
        if (!share->is_open)
            continue;
        share->open.zero_ns = zero_ns;
        share->open.next_due_ns = backlog_due_ns(&share->open, schedule_next(&share->open.due));
        if (share->open.next_due_ns < worker->next_due_ns)
            worker->next_due_ns = share->open.next_due_ns;
    }
}

static void serve(struct worker *worker, struct share *share, int64_t now_ns)
{
    struct open_loop *open = &share->open;
    int64_t begin_ns = worker->is_cooling
                           ? INT64_MAX
                           : atomic_load_explicit(&worker->window->begin_ns, memory_order_acquire);
    struct client *client;

    while (open->next_due_ns <= now_ns)
        backlog_notice(share, begin_ns, now_ns);
    while (open->backlog > 0 && !worker->stopped &&
           (client = free_clients_take(worker, open)) != NULL) {
        int64_t send_ns = clock_now_ns();
        if (load_is_over(worker, send_ns)) // while others were sent: it stays overdue
            break;
        open->backlog--;
        share->tally.sent += send_ns >= begin_ns && !worker->is_cooling;
        send_request(worker, client, backlog_due_ns(open, schedule_next(&open->unsent)), send_ns);
        free_clients_offer(worker, client);
    }
    if (!worker->is_cooling && backlog_tell(worker, open)) {
        window_abort(worker->window);
        worker->stopped = true;
    }
}

void open_loop_serve(struct worker *worker)
{
    int64_t now_ns = clock_now_ns();
    int64_t next_due_ns = INT64_MAX;

    load_is_over(worker, now_ns); // which stops it
    for (size_t i = 0; i < worker->share_count && !worker->stopped; i++) {
        struct share *share = &worker->shares[i];
        if (!share->is_open)
            continue;
        serve(worker, share, now_ns);
        if (share->open.next_due_ns < next_due_ns)
            next_due_ns = share->open.next_due_ns;
    }
    worker->next_due_ns = next_due_ns;
}

void open_loop_settle(struct worker *worker, struct share *share, int64_t watched_ns)
{
    struct open_loop *open = &share->open;

    share->accounting->by_outcome[OUTCOME_UNFINISHED] += open->backlog;
    for (; open->backlog > 0; open->backlog--)
        cooldown_note_due(worker, share, backlog_due_ns(open, schedule_next(&open->unsent)),
                          watched_ns, false);
}
