// SPDX-License-Identifier: BSD-3-Clause
// A thread that looks, again and again, at what all threads below this process do.
#include "sample/sampler.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/clock.h"
#include "sample/gil.h"
#include "sample/look.h"
#include "sample/recording.h"
#include "sample/switches.h"
#include "sample/tree.h"

enum {
    PERIOD_NS = NS_PER_MS,
    // After each round we wait so long that we use 8 % of a CPU, and on the whole less than 10.
    WAIT_FOR_COST = 12,
    // Looking for new threads may cost as much as a part of that, or more where none are known.
    FIND_FOR_COST = 24,
    MOST_WAIT_NS = NS_PER_S,
    SLICE_NS = 100000, // what is short is scheduled soon, since Linux 6.12
    NICE = -10,
};

struct sampler {
    struct sampler_place place;
    pthread_t thread;
    int wake;               // an eventfd
    _Atomic int64_t end_ns; // when to end; 0: not yet
    struct recording recording;
    struct tree tree;
    struct gil_files *files;
    struct switches *switches; // NULL: they cannot be had
};

static int64_t used_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * NS_PER_S + used.tv_nsec;
}

// A line of the report. Nobody may read it: that is no reason not to sample.
static void tell(const struct sampler *sampler, const char *what, int64_t number)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%s %" PRId64 "\n", what, number);
    if (write(sampler->place.report, line, (size_t)length) == -1)
        return;
}

// What sched_setattr(2) takes; its header and glibc's of older versions exclude each other.
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

// Who samples too late sees too little of those who kept it from a CPU. All of this is asked for,
// and done without where it may not be had.
static void be_prompt(const struct sampler *sampler)
{
    struct scheduling wanted = {
        .size = sizeof wanted, .policy = SCHED_OTHER, .nice = NICE, .runtime_ns = SLICE_NS};
    pthread_setaffinity_np(pthread_self(), sizeof sampler->place.allowed, &sampler->place.allowed);
    if (syscall(SYS_sched_setattr, 0, &wanted, 0) == -1) {
        wanted.nice = 0;
        syscall(SYS_sched_setattr, 0, &wanted, 0);
    }
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

// Looks at all living tasks from a place on.
static void look_from(struct sampler *sampler, size_t place)
{
    while (place < sampler->tree.living_count) {
        if (look_at_task(&sampler->tree, sampler->files, place))
            place++;
        else
            tree_forget(&sampler->tree, place); // the last one takes its place
    }
}

static bool is_over(struct sampler *sampler, int64_t now_ns)
{
    int64_t end_ns = atomic_load(&sampler->end_ns);
    return end_ns != 0 && now_ns >= end_ns;
}

// Waits until then, or until it is over.
static void wait_until(struct sampler *sampler, int64_t then_ns)
{
    struct pollfd woken = {.fd = sampler->wake, .events = POLLIN};
    for (;;) {
        int64_t now_ns = clock_now_ns();
        if (now_ns >= then_ns || is_over(sampler, now_ns))
            return;
        int64_t end_ns = atomic_load(&sampler->end_ns);
        struct timespec left = clock_until(end_ns != 0 && end_ns < then_ns ? end_ns : then_ns);
        uint64_t ignored;
        if (ppoll(&woken, 1, &left, NULL) > 0 &&
            read(sampler->wake, &ignored, sizeof ignored) == -1 && errno != EAGAIN)
            return;
    }
}

// Finds new tasks, and looks at them: they may end soon. Returns when to look for others.
static int64_t find(struct sampler *sampler)
{
    int64_t before_ns = used_ns();
    size_t known = sampler->tree.living_count;
    tree_find(&sampler->tree);
    look_from(sampler, known);
    return clock_now_ns() + FIND_FOR_COST * (used_ns() - before_ns);
}

// Takes in a switch, if it is of a thread of the tree.
static void take_switch(void *context, const struct switched *one)
{
    static const char DOES[] = {
        [SWITCHED_IN] = DOES_GET_CPU,
        [SWITCHED_OUT] = DOES_LEAVE_CPU,
        [SWITCHED_AWAY] = DOES_LOSE_CPU,
    };
    struct sampler *sampler = context;
    if (one->what == SWITCHED_BEGAN) {
        tree_add(&sampler->tree, one->pid, one->tid, one->parent_tid, one->at_ns);
        return;
    }
    int32_t number = tree_task(&sampler->tree, one->tid);
    if (number == -1)
        return;
    struct recorded_thread *thread = &sampler->recording.threads[number];
    if (one->what == SWITCHED_ENDED) {
        if (!thread->ended)
            thread->last_ns = one->at_ns;
        thread->ended = true;
        return;
    }
    recording_add(&sampler->recording, (struct recorded){.at_ns = one->at_ns,
                                                         .thread = (uint32_t)number & 0xffffff,
                                                         .does = (unsigned char)DOES[one->what]});
}

static void take_switches(struct sampler *sampler)
{
    if (sampler->switches != NULL)
        sampler->recording.lost = switches_take(sampler->switches, take_switch, sampler);
}

static void sample(struct sampler *sampler)
{
    int64_t due_ns = clock_now_ns(), find_ns = due_ns, spent_ns = used_ns();
    while (!is_over(sampler, clock_now_ns())) {
        take_switches(sampler); // who began is looked at as well
        look_from(sampler, 0);
        sampler->recording.rounds++;
        if (clock_now_ns() >= find_ns && tree_has_news(&sampler->tree))
            find_ns = find(sampler);

        int64_t now_ns = clock_now_ns(), now_used_ns = used_ns();
        int64_t pause_ns = WAIT_FOR_COST * (now_used_ns - spent_ns);
        spent_ns = now_used_ns;
        if (pause_ns > MOST_WAIT_NS)
            pause_ns = MOST_WAIT_NS;
        // The next of equal steps; steps that it is too late for are left out.
        due_ns += PERIOD_NS;
        if (due_ns < now_ns + pause_ns)
            due_ns += (now_ns + pause_ns - due_ns + PERIOD_NS - 1) / PERIOD_NS * PERIOD_NS;
        wait_until(sampler, due_ns);
    }
    look_from(sampler, 0); // how it was at the end
    take_switches(sampler);
}

static void *run(void *argument)
{
    struct sampler *sampler = argument;
    struct recording *recording = &sampler->recording;
    be_prompt(sampler);
    sampler->switches = switches_begin(); // before the tree is looked through: nobody is missed
    if (sampler->switches == NULL)
        recording_add_lack(&recording->switches, errno);
    if (!tree_begin(&sampler->tree, recording, "/proc", getpid())) {
        tell(sampler, "sampled", errno);
        return NULL;
    }
    look_from(sampler, 0); // opens all files, which takes long
    int64_t before_ns = used_ns();
    recording->from_ns = clock_now_ns();
    tell(sampler, "sampling", recording->from_ns);
    sample(sampler);
    recording->to_ns = clock_now_ns();
    recording->cpu_ns = used_ns() - before_ns;
    tell(sampler, "sampled", recording_write(recording, sampler->place.samples));
    tree_end(&sampler->tree);
    return NULL;
}

static void release(struct sampler *sampler)
{
    if (sampler->wake != -1)
        close(sampler->wake);
    switches_end(sampler->switches);
    gil_end(sampler->files);
    recording_end(&sampler->recording);
    free(sampler);
}

struct sampler *sampler_begin(const struct sampler_place *place)
{
    struct sampler *sampler = calloc(1, sizeof *sampler);
    if (sampler == NULL)
        return NULL;
    sampler->place = *place;
    sampler->files = gil_begin();
    sampler->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = sampler->wake == -1 ? errno : 0;
    if (error == 0 && (sampler->files == NULL || !recording_begin(&sampler->recording)))
        error = ENOMEM;
    if (error == 0)
        error = pthread_create(&sampler->thread, NULL, run, sampler);
    if (error == 0)
        return sampler;
    release(sampler);
    errno = error;
    return NULL;
}

static void end_at(struct sampler *sampler, int64_t end_ns)
{
    static const uint64_t ONE = 1;
    atomic_store(&sampler->end_ns, end_ns);
    // It fails only where the sampler has been woken already.
    if (write(sampler->wake, &ONE, sizeof ONE) == -1)
        return;
}

void sampler_stop(struct sampler *sampler) { end_at(sampler, clock_now_ns() + SAMPLER_LINGER_NS); }

void sampler_end(struct sampler *sampler)
{
    end_at(sampler, clock_now_ns());
    pthread_join(sampler->thread, NULL);
    release(sampler);
}
