// SPDX-License-Identifier: BSD-3-Clause
// The thread that keeps the time: it opens and closes the window while the others load.
#include "load/timekeeper.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "core/clock.h"
#include "core/die.h"
#include "load/count/first_round.h"
#include "load/count/warm_up.h"
#include "load/drive/cpu.h"
#include "load/drive/standing.h"

enum { STALL_CHECKS = 8 }; // so many looks without a new reply are too many

static const int64_t SCHEDULE_AHEAD_NS = INT64_C(1) * NS_PER_MS; // until all threads look at it
static const int64_t STALL_SPARE_NS = INT64_C(100) * NS_PER_MS;  // for a pause, and for delays

enum wake { WAKE_DUE, WAKE_SIGNAL, WAKE_FINISHED };

// Waits until a time of CLOCK_MONOTONIC, a signal, or the window's end, which may come from the
// last of the wanted replies or from an open loop that has failed.
static enum wake wait_until(struct session *session, int64_t at_ns)
{
    struct pollfd fds[] = {{.fd = session->signals, .events = POLLIN},
                           {.fd = session->run.window.finished, .events = POLLIN}};

    for (;;) {
        struct timespec left = clock_until(at_ns);
        int ready = ppoll(fds, 2, &left, NULL);
        if (ready == -1 && errno != EINTR)
            die("fibload", "poll", errno);
        if (ready > 0)
            return fds[0].revents != 0 ? WAKE_SIGNAL : WAKE_FINISHED;
        if (clock_now_ns() >= at_ns)
            return WAKE_DUE;
    }
}

// Waits until the connections stand that must stand before the load begins.
static enum wake wait_for_standing(struct session *session)
{
    struct pollfd fds[] = {{.fd = session->signals, .events = POLLIN},
                           {.fd = session->run.standing, .events = POLLIN}};
    eventfd_t one;

    for (size_t standing = 0; standing < session->thread_count;) {
        if (poll(fds, 2, -1) == -1 && errno != EINTR)
            die("fibload", "poll", errno);
        if (fds[0].revents != 0) {
            atomic_store(&session->run.hurry, true);
            return WAKE_SIGNAL;
        }
        if (fds[1].revents != 0 && eventfd_read(session->run.standing, &one) == 0)
            standing++;
    }
    return WAKE_DUE;
}

// Waits for the end of a window that the number of replies ends, unless replies cease to come: one
// request may time out, and the next one of its client may take nearly as long and still be
// answered. Looks are counted, not the time: while this process stands still there are none.
static enum wake wait_for_replies(struct session *session)
{
    int64_t stall_ns = 2 * session->settings->timeout_ns + STALL_SPARE_NS;
    int left = STALL_CHECKS;
    uint64_t known = 0;

    while (left > 0) {
        enum wake wake = wait_until(session, clock_now_ns() + stall_ns / STALL_CHECKS);
        if (wake != WAKE_DUE)
            return wake;
        uint64_t replies = atomic_load_explicit(&session->run.window.replies, memory_order_relaxed);
        left = replies == known ? left - 1 : STALL_CHECKS;
        known = replies;
    }
    return WAKE_DUE;
}

// Tells who listens on --edges-fd that an edge has come, or the warm-up.
static void announce(const struct session *session, const char *edge, int64_t at_ns)
{
    int fd = session->settings->edges_fd;

    if (fd != -1 && dprintf(fd, "%s %" PRId64 "\n", edge, at_ns) < 0)
        session->result->edges_error = errno;
}

// What a steady server does at a steady rate: of a closed loop the replies; of an open one, whose
// rate is given, the time that requests take, all together.
static double work_done(const struct session *session)
{
    bool is_open = settings_have_open_loop(session->settings);
    double sum = 0;

    for (size_t i = 0; i < session->thread_count; i++) {
        const struct warmth *warmth = &session->workers[i]->warmth;
        sum += is_open ? (double)atomic_load_explicit(&warmth->lasted_ns, memory_order_relaxed)
                       : (double)atomic_load_explicit(&warmth->replies, memory_order_relaxed);
    }
    return sum;
}

// How many requests the closed loops keep in flight, which are the first round.
static uint64_t first_round_requests(const struct settings *settings)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < settings->group_count; i++) {
        const struct group *group = &settings->groups[i];
        if (!group->idle && group->rate_billionths == 0)
            sum += group->clients * settings_in_flight(settings);
    }
    return sum;
}

static void look_at_first_round(const struct session *session, struct first_round *first_round)
{
    uint64_t answered = 0;
    uint64_t replies = 0;

    for (size_t i = 0; i < session->thread_count; i++) {
        const struct warmth *warmth = &session->workers[i]->warmth;
        answered += atomic_load_explicit(&warmth->first_round, memory_order_relaxed);
        replies += atomic_load_explicit(&warmth->replies, memory_order_relaxed);
    }
    first_round_look(first_round, answered, replies);
}

// Waits until the server is warm, and until its clients do not all wait for their first reply.
static enum wake warm_up(struct session *session, int64_t start_ns)
{
    if (!session->settings->warms_up_until_steady)
        return wait_until(session, start_ns + session->settings->warmup_ns);
    struct warm_up warm_up = warm_up_begin(start_ns);
    struct first_round first_round = first_round_begin(first_round_requests(session->settings));
    while (!warm_up_is_full(&warm_up)) {
        enum wake wake = wait_until(session, warm_up.last_ns + WARM_UP_BATCH_NS);
        if (wake != WAKE_DUE)
            return wake;
        warm_up_look(&warm_up, work_done(session), clock_now_ns());
        look_at_first_round(session, &first_round);
        session->result->steady = warm_up_is_steady(&warm_up) && first_round_is_over(&first_round);
        if (session->result->steady)
            break;
    }
    return WAKE_DUE;
}

// Opens the window, and waits until all threads are in it.
static enum wake open_window(struct session *session, bool at_once, int64_t start_ns)
{
    struct result *result = session->result;
    int64_t begin_ns = clock_now_ns() + (at_once ? 0 : WINDOW_BEGIN_AHEAD_NS);

    result->begin_ns = begin_ns > start_ns ? begin_ns : start_ns;
    result->warmup_ns = at_once ? 0 : result->begin_ns - start_ns;
    window_open(&session->run.window, result->begin_ns, session->settings->duration_ns);
    if (at_once)
        return WAKE_DUE;
    result->begin_late_ns = clock_now_ns() - result->begin_ns;
    return wait_until(session, result->begin_ns);
}

// Lets the threads begin when it is time, and opens the window. Before the gate is open nobody
// counts yet, so without warm-up the window may open at once.
static enum wake begin_load(struct session *session, struct cpu_sample *first)
{
    const struct settings *settings = session->settings;
    struct run *run = &session->run;
    bool at_once = settings->warmup_ns == 0 && !settings->warms_up_until_steady;
    bool stands = standing_is_needed(settings);

    enum wake wake = stands ? wait_for_standing(session) : WAKE_DUE;
    if (wake == WAKE_DUE)
        wake = wait_until(session, settings->start_at_ns);
    int64_t start_ns = clock_now_ns();
    if (settings_have_open_loop(settings)) {
        start_ns += SCHEDULE_AHEAD_NS;
        atomic_store(&run->zero_ns, start_ns);
    }
    if (!at_once) {
        announce(session, "start", start_ns); // before the first request: from here on it is known
        pthread_barrier_wait(&run->gate);
        if (wake == WAKE_DUE)
            wake = warm_up(session, start_ns);
    }
    enum wake opened = open_window(session, at_once, start_ns);
    wake = wake == WAKE_DUE ? opened : wake;
    *first = cpu_sample(session->workers, session->thread_count);
    announce(session, "begin", session->result->begin_ns);
    if (at_once)
        pthread_barrier_wait(&run->gate);
    return wake;
}

// After the end of the window: lets the load go on until all that was due before it has an outcome,
// or for as long as it may. The threads may have come to that before this one woke up.
static void cool_down(struct session *session)
{
    struct result *result = session->result;
    int64_t until_ns = result->end_ns + atomic_load(&session->run.window.cooldown_ns);

    if (eventfd_write(session->run.cooldown, 1) == -1)
        die("fibload", "eventfd", errno);
    result->cooled_down = true;
    if (!result->interrupted && !result->aborted)
        result->interrupted = wait_until(session, until_ns) == WAKE_SIGNAL;
    int64_t now_ns = clock_now_ns();
    result->watched_ns = now_ns < until_ns ? now_ns : until_ns;
}

void keep_time(struct session *session)
{
    const struct settings *settings = session->settings;
    struct result *result = session->result;
    struct cpu_sample first;

    enum wake wake = begin_load(session, &first);
    if (wake == WAKE_DUE) {
        if (settings->requests > 0) {
            wake = wait_for_replies(session);
            result->stalled = wake == WAKE_DUE;
        } else {
            wake = wait_until(session, result->begin_ns + settings->duration_ns);
        }
    }
    result->interrupted = wake == WAKE_SIGNAL;
    result->end_ns = window_end_now(&session->run.window);
    result->aborted = atomic_load(&session->run.window.aborted);
    if (result->end_ns < result->begin_ns) // aborted before it began: an empty window
        result->end_ns = result->begin_ns;
    result->cpu = cpu_between(first, cpu_sample(session->workers, session->thread_count));
    result->extent = cpu_extent();
    result->zero_ns = atomic_load(&session->run.zero_ns);
    announce(session, "end", result->end_ns);
    result->watched_ns = result->end_ns;
    if (atomic_load(&session->run.window.cooldown_ns) > 0)
        cool_down(session);
}
