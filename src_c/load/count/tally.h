// SPDX-License-Identifier: BSD-3-Clause
// All that is counted of a group of clients: by one thread, or of all threads together.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load/count/accounting.h"
#include "load/count/histogram.h"
#include "load/count/seconds.h"
#include "load/count/timeline.h"

struct tally {
    bool open;                    // latencies count from the intended time
    bool idle;                    // nothing is asked
    struct accounting accounting; // of the run up to the window's end
    struct accounting cooldown;   // of what was unfinished then, and of what was started since
    struct timeline timeline;     // right replies in the window
    struct seconds seconds;       // and how long they took
    struct histogram histogram;   // the same, not divided into seconds: from tally_close() on
    uint64_t asked;               // clients
    uint64_t connected;           // those that had a connection at least once
    uint64_t answered;            // and those that had a reply
    uint64_t lost;                // idle: connections that ended, or were refused
    struct histogram censored;    // ages of requests that were last seen without a reply
    struct histogram entered;     // ages at its begin of those, answered or not, that began before
    struct histogram read_lag;    // how long what came may have waited to be read
    // Of a closed loop, in the window:
    uint64_t first_round;     // of replies, those to requests of the first round
    double before;            // of replies, the parts of their requests that lie before it
    struct histogram resumed; // of the censored at the end, those of clients answered before
    int64_t in_flight_ns;     // how long requests were, all together, however they ended
    // Of an open loop, in the window:
    uint64_t due;
    uint64_t sent;
    uint64_t unnoticed;        // of them, those that the loop had not come to by its end
    uint64_t waiting_at_begin; // due before it, and without an outcome when it began
    uint64_t waiting_at_end;   // the same of its end
    uint64_t overdue_at_end;   // of these, never sent
    uint64_t unanswered;       // of those waiting at the end, all that had no right reply since
    struct histogram late;     // how long the others took
    uint64_t most_overdue;     // at once, during the whole run
    int64_t fastest_ns;        // from sending to the reply, during the whole run; 0: no reply came
    struct histogram lag;      // from the intended time until the loop noticed it
};

// Counts a right reply in the window to a request from before it.
void tally_enter(struct tally *tally, int64_t begin_ns, int64_t started_ns, int64_t now_ns);

// Counts a right reply in the window, which began at `begin_ns`.
static inline void tally_reply(struct tally *tally, int64_t begin_ns, int64_t started_ns,
                               int64_t now_ns)
{
    tally->in_flight_ns += now_ns - started_ns;
    seconds_record(&tally->seconds, now_ns - begin_ns, now_ns - started_ns);
    timeline_count(&tally->timeline, now_ns - begin_ns);
    if (started_ns < begin_ns)
        tally_enter(tally, begin_ns, started_ns, now_ns);
}

// Notes how long an open loop's request took from when it was sent to its right reply.
static inline void tally_serve(struct tally *tally, int64_t took_ns)
{
    if (took_ns < tally->fastest_ns || tally->fastest_ns == 0)
        tally->fastest_ns = took_ns > 0 ? took_ns : 1;
}

// Counts a request that had no reply when it was last seen, at `seen_ns`. One that was not yet
// started then was not seen at all.
void tally_censor(struct tally *tally, int64_t begin_ns, int64_t started_ns, int64_t seen_ns);

// The same of one that is in flight when the window ends, after other replies to its client.
void tally_resume(struct tally *tally, int64_t begin_ns, int64_t started_ns, int64_t end_ns);

// Counts a right reply after the window to an open loop's request that was due before its end.
void tally_answer_late(struct tally *tally, int64_t begin_ns, int64_t due_ns, int64_t now_ns);

// Counts one of those that had none when it was last seen.
void tally_leave(struct tally *tally, int64_t begin_ns, int64_t due_ns, int64_t seen_ns);

// Notes when a request ended without a right reply.
void tally_fail(struct tally *tally, int64_t begin_ns, int64_t started_ns, int64_t now_ns);

// When all is recorded: adds the seconds up.
void tally_close(struct tally *tally);

// Adds a part that is closed; its timeline may be coarsened for it. What was most overdue at once
// does not follow from the parts.
void tally_add(struct tally *sum, struct tally *part);

// Whether a closed loop's window had too much of its first round to be one of a steady load.
bool tally_is_ramp(const struct tally *tally);

// Requests served in a window of this length: as a closed loop has them (throughput.h; in a ramp
// first_round.h), or, in an open loop, the replies that came in it. Of one group, after
// tally_close().
double tally_requests(const struct tally *tally, int64_t window_ns);

// NULL, or what does not add up: every request has one outcome, what was unfinished at the window's
// end is carried over, every second is in the total.
const char *tally_fault(const struct tally *tally);

// Right replies in the window.
static inline uint64_t tally_ok(const struct tally *tally)
{
    return tally->histogram.total + tally->histogram.out_of_range;
}
