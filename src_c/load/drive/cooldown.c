// SPDX-License-Identifier: BSD-3-Clause
// The cool-down: after the end of its window an open loop goes on asking, so that the server has as
// much to do as before, until what was due before the end has an outcome, for a bounded time.
#include "load/drive/cooldown.h"

#include <stddef.h>
#include <sys/eventfd.h>

#include "core/clock.h"
#include "load/drive/backlog.h"

enum { COOLDOWN_SHARE = 10 }; // of the window, at most

static const int64_t COOLDOWN_MOST_NS = INT64_C(500) * NS_PER_MS;

int64_t cooldown_longest_ns(const struct settings *settings)
{
    int64_t share_ns = settings->duration_ns / COOLDOWN_SHARE;

    if (settings->requests > 0 || !settings_have_open_loop(settings))
        return 0;
    return share_ns < COOLDOWN_MOST_NS ? share_ns : COOLDOWN_MOST_NS;
}

// The last of the threads that waited ends the cool-down.
static void wait_no_more(const struct worker *worker)
{
    if (atomic_fetch_sub_explicit(&worker->run->waiting, 1, memory_order_acq_rel) == 1)
        eventfd_write(worker->window->finished, 1);
}

// Carries over what has no outcome. Returns how much.
static uint64_t carry_over(struct worker *worker, struct share *share, int64_t end_ns)
{
    struct accounting *accounting = &share->tally.accounting;

    backlog_close(worker, share, end_ns);
    uint64_t unfinished = accounting->started - accounting_ended(accounting);
    accounting->by_outcome[OUTCOME_UNFINISHED] += unfinished;
    share->accounting = &share->tally.cooldown;
    share->accounting->started += unfinished;
    if (!share->is_open)
        return 0;
    share->tally.waiting_at_end = unfinished;
    return unfinished;
}

void cooldown_begin(struct worker *worker, int64_t end_ns)
{
    worker->is_cooling = true;
    worker->end_ns = end_ns;
    for (size_t i = 0; i < worker->share_count; i++)
        worker->left += carry_over(worker, &worker->shares[i], end_ns);
}

bool cooldown_is_over(struct worker *worker, int64_t now_ns)
{
    struct window *window = worker->window;
    int64_t end_ns = atomic_load_explicit(&window->end_ns, memory_order_acquire);
    int64_t longest_ns = atomic_load_explicit(&window->cooldown_ns, memory_order_relaxed);

    if (longest_ns == 0 || end_ns == WINDOW_ENDING || now_ns - end_ns >= longest_ns) {
        worker->stopped = true;
        return true;
    }
    if (!worker->is_cooling) {
        cooldown_begin(worker, end_ns);
        if (worker->left == 0)
            wait_no_more(worker);
    }
    return false;
}

void cooldown_note_due(struct worker *worker, struct share *share, int64_t due_ns, int64_t seen_ns,
                       bool is_answered)
{
    int64_t begin_ns = atomic_load_explicit(&worker->window->begin_ns, memory_order_acquire);

    if (due_ns >= worker->end_ns)
        return;
    if (is_answered)
        tally_answer_late(&share->tally, begin_ns, due_ns, seen_ns);
    else
        tally_leave(&share->tally, begin_ns, due_ns, seen_ns);
    worker->left--;
    if (worker->left == 0 && !worker->stopped)
        wait_no_more(worker);
}

void cooldown_note(struct worker *worker, const struct client *client, int64_t started_ns,
                   int64_t seen_ns, bool is_answered)
{
    struct share *share = client->share;
    int64_t begin_ns = atomic_load_explicit(&worker->window->begin_ns, memory_order_acquire);

    if (share->is_open)
        cooldown_note_due(worker, share, started_ns, seen_ns, is_answered);
    else if (client->was_answered) // of a closed loop something is cut off whenever one looks
        tally_resume(&share->tally, begin_ns, started_ns, worker->end_ns);
    else
        tally_censor(&share->tally, begin_ns, started_ns, worker->end_ns);
}
