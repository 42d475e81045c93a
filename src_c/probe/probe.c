// SPDX-License-Identifier: BSD-3-Clause
// How fast each CPU is just now: a fixed computation every 20 ms, by the CPU time that it takes.
//
// That time grows where something slows the CPU down that takes no time of it away: a hardware
// thread beside it, a lower clock rate, a hypervisor that does not own up to what it takes. It
// samples from its start on. A line "BEGIN END" on stdin, two times of CLOCK_MONOTONIC in
// nanoseconds, is answered with a line for each CPU, "CPU COUNT MEDIAN_NS" or "CPU - REASON", and
// an empty one. The end of stdin ends it.
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/arguments.h"
#include "core/clock.h"
#include "core/die.h"
#include "core/fibonacci.h"
#include "core/numbers.h"
#include "probe/samples.h"

enum {
    PERIOD_NS = 20 * NS_PER_MS,
    COMPUTED_N = 21, // some 25 µs
    THREAD_STACK = 64 * 1024,
};

struct prober {
    int cpu;
    int64_t first_ns; // when it takes its first sample, so that CPUs do not all do so at once
    pthread_t thread;
    pthread_mutex_t mutex; // of what follows
    int error;             // why it cannot be on its CPU; 0: it can
    struct samples samples;
};

static int64_t cpu_now_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == -1)
        die("probe", "cannot read the thread's clock", errno);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static struct sample take(void)
{
    static volatile unsigned result; // so that it is computed
    struct sample sample = {.begin_ns = clock_now_ns()};
    int64_t before_ns = cpu_now_ns();

    result = fibonacci(COMPUTED_N);
    (void)result;
    sample.cpu_ns = cpu_now_ns() - before_ns;
    sample.end_ns = clock_now_ns();
    return sample;
}

static void wait_for_ns(int64_t at_ns)
{
    struct timespec at = clock_timespec(at_ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

// Being nobody's CPU, it would say nothing.
static int pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((unsigned)cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == -1 ? errno : 0;
}

static void *probe(void *argument)
{
    struct prober *prober = argument;
    int64_t at_ns = prober->first_ns;

    int error = pin(prober->cpu);
    pthread_mutex_lock(&prober->mutex);
    prober->error = error;
    pthread_mutex_unlock(&prober->mutex);
    if (error != 0)
        return NULL;
    for (;;) {
        wait_for_ns(at_ns);
        struct sample sample = take();
        pthread_mutex_lock(&prober->mutex);
        samples_add(&prober->samples, sample);
        pthread_mutex_unlock(&prober->mutex);
        do
            at_ns += PERIOD_NS; // what was slept through is left out
        while (at_ns <= sample.end_ns);
    }
}

// Returns an errno.
static int start(struct prober *prober)
{
    pthread_attr_t attributes;

    if (!samples_begin(&prober->samples))
        return ENOMEM;
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    error = pthread_attr_setstacksize(&attributes, THREAD_STACK);
    if (error == 0)
        error = pthread_create(&prober->thread, &attributes, probe, prober);
    pthread_attr_destroy(&attributes);
    return error;
}

// A prober for each CPU that this process may use.
static struct prober *start_all(size_t *count)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == -1)
        die("probe", "cannot read the CPUs allowed", errno);
    size_t cpus = (size_t)CPU_COUNT(&allowed);
    struct prober *probers = calloc(cpus, sizeof *probers);
    if (probers == NULL)
        die("probe", "cannot start", errno);
    int64_t begin_ns = clock_now_ns();
    *count = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE && *count < cpus; cpu++) {
        if (CPU_ISSET((unsigned)cpu, &allowed)) {
            struct prober *prober = &probers[*count];
            prober->cpu = cpu;
            prober->first_ns = begin_ns + (int64_t)*count * PERIOD_NS / (int64_t)cpus;
            int error = pthread_mutex_init(&prober->mutex, NULL);
            if (error == 0)
                error = start(prober);
            if (error != 0)
                die("probe", "cannot start a thread", error);
            ++*count;
        }
    }
    return probers;
}

static bool answer(struct prober *probers, size_t count, int64_t begin_ns, int64_t end_ns,
                   int64_t *room)
{
    for (size_t i = 0; i < count; i++) {
        struct prober *prober = &probers[i];
        pthread_mutex_lock(&prober->mutex);
        int error = prober->error;
        struct samples_median found = samples_between(&prober->samples, begin_ns, end_ns, room);
        pthread_mutex_unlock(&prober->mutex);
        if (error != 0)
            printf("%d - %s\n", prober->cpu, strerror(error));
        else
            printf("%d %zu %" PRId64 "\n", prober->cpu, found.count, found.cpu_ns);
    }
    printf("\n");
    return fflush(stdout) == 0;
}

// Reads "BEGIN END"; false at the end of stdin, and of anything else.
static bool read_window(uint64_t *begin_ns, uint64_t *end_ns)
{
    char line[64];

    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    char *newline = strchr(line, '\n');
    if (newline != NULL)
        *newline = '\0';
    char *space = strchr(line, ' ');
    if (space == NULL)
        return false;
    *space = '\0';
    return numbers_read(line, begin_ns) == NUMBER_GOOD &&
           numbers_read(space + 1, end_ns) == NUMBER_GOOD && *begin_ns <= INT64_MAX &&
           *end_ns <= INT64_MAX;
}

int main(int argc, char *argv[])
{
    const struct arguments table = {
        .program = "probe",
        .summary = "Measure every 20 ms how fast each CPU is; answers lines \"BEGIN END\" on "
                   "stdin, times of CLOCK_MONOTONIC in ns.",
    };
    uint64_t begin_ns, end_ns;
    size_t count;

    arguments_parse_or_exit(&table, argc, argv);
    // Whoever asks may be killed; stdin then ends as well, unless somebody else holds it open.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
        die("probe", "cannot be tied to its parent", errno);
    int64_t *room = calloc(SAMPLES_KEPT, sizeof *room);
    if (room == NULL)
        die("probe", "cannot start", errno);
    struct prober *probers = start_all(&count);
    while (read_window(&begin_ns, &end_ns)) {
        if (!answer(probers, count, (int64_t)begin_ns, (int64_t)end_ns, room))
            break;
    }
    exit(ferror(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE); // the threads still use all of it
}
