// SPDX-License-Identifier: BSD-3-Clause
// All that is counted of a group of clients: by one thread, or of all threads together.
#include "load/count/tally.h"

#include <stddef.h>

#include "load/count/first_round.h"
#include "load/count/throughput.h"

void tally_enter(struct tally *tally, int64_t begin_ns, int64_t started_ns, int64_t now_ns)
{
    tally->waiting_at_begin++;
    histogram_record(&tally->entered, begin_ns - started_ns);
    tally->in_flight_ns -= begin_ns - started_ns;
    tally->before += (double)(begin_ns - started_ns) / (double)(now_ns - started_ns);
}

// Counts the time in flight up to a moment of what has no right reply.
static void spend(struct tally *tally, int64_t begin_ns, int64_t started_ns, int64_t until_ns)
{
    int64_t from_ns = started_ns > begin_ns ? started_ns : begin_ns;

    if (until_ns > from_ns)
        tally->in_flight_ns += until_ns - from_ns;
}

// What had no reply at 60 s and later had none at 60 s: all that the histogram can hold.
void tally_censor(struct tally *tally, int64_t begin_ns, int64_t started_ns, int64_t seen_ns)
{
    int64_t age_ns = seen_ns - started_ns;
    int64_t entered_ns = begin_ns - started_ns;

    spend(tally, begin_ns, started_ns, seen_ns);
    tally->waiting_at_begin += entered_ns > 0 && seen_ns >= begin_ns;
    if (seen_ns < begin_ns || age_ns < HISTOGRAM_LOWEST_NS || entered_ns > HISTOGRAM_HIGHEST_NS)
        return;
    histogram_record(&tally->censored,
                     age_ns < HISTOGRAM_HIGHEST_NS ? age_ns : HISTOGRAM_HIGHEST_NS);
    if (entered_ns > 0)
        histogram_record(&tally->entered, entered_ns);
}

void tally_resume(struct tally *tally, int64_t begin_ns, int64_t started_ns, int64_t end_ns)
{
    int64_t age_ns = end_ns - started_ns;

    tally_censor(tally, begin_ns, started_ns, end_ns);
    if (age_ns >= HISTOGRAM_LOWEST_NS && age_ns <= HISTOGRAM_HIGHEST_NS)
        histogram_record(&tally->resumed, age_ns);
}

void tally_leave(struct tally *tally, int64_t begin_ns, int64_t due_ns, int64_t seen_ns)
{
    tally->unanswered++;
    tally_censor(tally, begin_ns, due_ns, seen_ns);
}

void tally_answer_late(struct tally *tally, int64_t begin_ns, int64_t due_ns, int64_t now_ns)
{
    if (now_ns - due_ns > HISTOGRAM_HIGHEST_NS) { // all that can be held of it
        tally_leave(tally, begin_ns, due_ns, now_ns);
        return;
    }
    histogram_record(&tally->late, now_ns - due_ns);
    if (due_ns < begin_ns) {
        tally->waiting_at_begin++;
        histogram_record(&tally->entered, begin_ns - due_ns);
    }
}

void tally_fail(struct tally *tally, int64_t begin_ns, int64_t started_ns, int64_t now_ns)
{
    spend(tally, begin_ns, started_ns, now_ns);
    tally->waiting_at_begin += started_ns < begin_ns && now_ns >= begin_ns;
}

void tally_close(struct tally *tally)
{
    seconds_close(&tally->seconds);
    seconds_total(&tally->seconds, &tally->histogram);
}

static void add_open_loop(struct tally *sum, const struct tally *part)
{
    histogram_add(&sum->lag, &part->lag);
    sum->waiting_at_begin += part->waiting_at_begin;
    sum->waiting_at_end += part->waiting_at_end;
    sum->unanswered += part->unanswered;
    histogram_add(&sum->late, &part->late);
    if (part->fastest_ns > 0)
        tally_serve(sum, part->fastest_ns);
}

void tally_add(struct tally *sum, struct tally *part)
{
    sum->open = sum->open || part->open;
    sum->idle = part->idle;
    accounting_add(&sum->accounting, &part->accounting);
    accounting_add(&sum->cooldown, &part->cooldown);
    timeline_add(&sum->timeline, &part->timeline);
    seconds_add(&sum->seconds, &part->seconds);
    histogram_add(&sum->histogram, &part->histogram);
    sum->asked += part->asked;
    sum->connected += part->connected;
    sum->answered += part->answered;
    sum->lost += part->lost;
    sum->due += part->due;
    sum->sent += part->sent;
    sum->unnoticed += part->unnoticed;
    sum->overdue_at_end += part->overdue_at_end;
    histogram_add(&sum->censored, &part->censored);
    histogram_add(&sum->entered, &part->entered);
    histogram_add(&sum->resumed, &part->resumed);
    histogram_add(&sum->read_lag, &part->read_lag);
    sum->first_round += part->first_round;
    sum->before += part->before;
    sum->in_flight_ns += part->in_flight_ns;
    if (part->open)
        add_open_loop(sum, part);
}

bool tally_is_ramp(const struct tally *tally)
{
    return !tally->open && first_round_matters(tally->first_round, tally_ok(tally));
}

// A request at an edge of the window counts for one at most, and for nothing at least.
static double ramp_requests(const struct tally *tally, int64_t window_ns)
{
    int64_t length_ns = histogram_percentile(&tally->histogram, 50);
    double served = first_round_served(&tally->timeline, window_ns, length_ns);
    double ok = (double)tally_ok(tally);
    double least = ok - (double)tally->entered.total;
    double most = ok + (double)tally->censored.total;

    if (served < least)
        return least;
    return served < most ? served : most;
}

double tally_requests(const struct tally *tally, int64_t window_ns)
{
    const struct served served = {.window_ns = window_ns,
                                  .answered = &tally->histogram,
                                  .before = tally->before,
                                  .censored = &tally->censored,
                                  .resumed = &tally->resumed};

    if (tally->open)
        return (double)tally_ok(tally);
    return tally_is_ramp(tally) ? ramp_requests(tally, window_ns) : served_requests(&served);
}

// Whether all that was unfinished at the end of the window has become something since.
static bool is_carried_over(const struct tally *tally)
{
    return accounting_balances(&tally->cooldown) &&
           tally->cooldown.started >= tally->accounting.by_outcome[OUTCOME_UNFINISHED] &&
           tally->waiting_at_end == tally->late.total + tally->unanswered;
}

const char *tally_fault(const struct tally *tally)
{
    uint64_t replies = 0;

    if (!accounting_balances(&tally->accounting))
        return "requests started and outcomes do not balance";
    if (!is_carried_over(tally))
        return "requests unfinished at the window's end and what became of them do not balance";
    for (int i = 0; i < TIMELINE_SLOTS; i++)
        replies += tally->timeline.slots[i];
    if (replies != tally_ok(tally))
        return "replies counted and latencies recorded differ";
    if (!seconds_add_up_to(&tally->seconds, &tally->histogram))
        return "the seconds do not add up to the window";
    return NULL;
}
