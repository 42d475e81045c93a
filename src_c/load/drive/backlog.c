// SPDX-License-Identifier: BSD-3-Clause
// The backlog of an open loop: requests that are due and wait for a free client.
#include "load/drive/backlog.h"

int64_t backlog_due_ns(const struct open_loop *open, int64_t at_ns)
{
    return at_ns > INT64_MAX - open->zero_ns ? INT64_MAX : open->zero_ns + at_ns;
}

void backlog_notice(struct share *share, int64_t begin_ns, int64_t now_ns)
{
    struct open_loop *open = &share->open;
    int64_t lag_ns = now_ns - open->next_due_ns;

    share->accounting->started++;
    if (open->next_due_ns >= begin_ns) {
        share->tally.due++;
        histogram_record(&share->tally.lag, lag_ns > 0 ? lag_ns : 1); // which begins at 1 ns
    }
    open->backlog++;
    open->next_due_ns = backlog_due_ns(open, schedule_next(&open->due));
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

bool backlog_tell(struct worker *worker, struct open_loop *open)
{
    int64_t change = (int64_t)open->backlog - (int64_t)open->told;

    if (change == 0)
        return false;
    open->told = open->backlog;
    tell(open->overdue, change);
    return tell(worker->overdue, change) > (int64_t)worker->settings->max_overdue;
}

void backlog_close(struct worker *worker, struct share *share, int64_t end_ns)
{
    struct open_loop *open = &share->open;
    int64_t begin_ns = atomic_load_explicit(&worker->window->begin_ns, memory_order_acquire);

    if (!share->is_open)
        return;
    while (open->next_due_ns < end_ns) {
        share->tally.unnoticed += open->next_due_ns >= begin_ns;
        backlog_notice(share, begin_ns, end_ns);
    }
    backlog_tell(worker, open);
    share->tally.overdue_at_end = open->backlog;
}
