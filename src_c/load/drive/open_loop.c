// SPDX-License-Identifier: BSD-3-Clause
// An open loop: requests become due on schedule, whatever becomes of those before them.
#include "load/drive/open_loop.h"

#include <stdbool.h>

#include "core/clock.h"
#include "load/drive/cooldown.h"
#include "load/drive/free_clients.h"
#include "load/drive/sending.h"
#include "load/drive/window.h"

// When a time of the schedule is on the clock.
static int64_t on_the_clock(const struct open_loop *open, int64_t at_ns)
{
    return at_ns > INT64_MAX - open->zero_ns ? INT64_MAX : open->zero_ns + at_ns;
}

static int64_t begin_of(const struct worker *worker)
{
    return atomic_load_explicit(&worker->window->begin_ns, memory_order_acquire);
}

void open_loop_begin(struct worker *worker, int64_t zero_ns)
{
    for (size_t i = 0; i < worker->share_count; i++) {
        struct share *share = &worker->shares[i];
        if (!share->is_open)
            continue;
        share->open.zero_ns = zero_ns;
        share->open.next_due_ns = on_the_clock(&share->open, schedule_next(&share->open.due));
        if (share->open.next_due_ns < worker->next_due_ns)
            worker->next_due_ns = share->open.next_due_ns;
    }
}

// Takes note of a request that has become due: it is started, and must come to an end. One from
// `begin_ns` on is of the window.
static void notice(struct share *share, int64_t begin_ns, int64_t now_ns)
{
    struct open_loop *open = &share->open;
    int64_t lag_ns = now_ns - open->next_due_ns;

    share->accounting->started++;
    if (open->next_due_ns >= begin_ns) {
        share->tally.due++;
        histogram_record(&share->tally.lag, lag_ns > 0 ? lag_ns : 1); // which begins at 1 ns
    }
    open->backlog++;
    open->next_due_ns = on_the_clock(open, schedule_next(&open->due));
}

// Tells all threads how many requests wait here, if that has changed. Returns the sum of all.
static int64_t tell(struct overdue *overdue, int64_t change)
{
    int64_t now = atomic_fetch_add_explicit(&overdue->now, change, memory_order_relaxed) + change;
    int64_t most = atomic_load_explicit(&overdue->most, memory_order_relaxed);

    while (now > most &&
           !atomic_compare_exchange_weak_explicit(&overdue->most, &most, now, memory_order_relaxed,
                                                  memory_order_relaxed))
        continue;
    return now;
}

// Tells of the backlog. Returns whether it is too long, all threads together.
static bool tell_backlog(struct worker *worker, struct open_loop *open)
{
    int64_t change = (int64_t)open->backlog - (int64_t)open->told;

    if (change == 0)
        return false;
    open->told = open->backlog;
    tell(open->overdue, change);
    return tell(worker->overdue, change) > (int64_t)worker->settings->max_overdue;
}

static void serve(struct worker *worker, struct share *share, int64_t now_ns)
{
    struct open_loop *open = &share->open;
    int64_t begin_ns = worker->is_cooling ? INT64_MAX : begin_of(worker);
    struct client *client;

    while (open->next_due_ns <= now_ns)
        notice(share, begin_ns, now_ns);
    while (open->backlog > 0 && !worker->stopped &&
           (client = free_clients_take(worker, open)) != NULL) {
        int64_t send_ns = clock_now_ns();
        if (load_is_over(worker, send_ns)) // while others were sent: it stays overdue
            break;
        open->backlog--;
        share->tally.sent += send_ns >= begin_ns && !worker->is_cooling;
        send_request(worker, client, on_the_clock(open, schedule_next(&open->unsent)), send_ns);
        free_clients_offer(worker, client);
    }
    if (!worker->is_cooling && tell_backlog(worker, open)) {
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

void open_loop_close(struct worker *worker, struct share *share, int64_t end_ns)
{
    struct open_loop *open = &share->open;
    int64_t begin_ns = begin_of(worker);

    if (!share->is_open)
        return;
    while (open->next_due_ns < end_ns) {
        share->tally.unnoticed += open->next_due_ns >= begin_ns;
        notice(share, begin_ns, end_ns);
    }
    tell_backlog(worker, open);
    share->tally.overdue_at_end = open->backlog;
}

void open_loop_settle(struct worker *worker, struct share *share, int64_t watched_ns)
{
    struct open_loop *open = &share->open;

    share->accounting->by_outcome[OUTCOME_UNFINISHED] += open->backlog;
    for (; open->backlog > 0; open->backlog--)
        cooldown_note_due(worker, share, on_the_clock(open, schedule_next(&open->unsent)),
                          watched_ns, false);
}
