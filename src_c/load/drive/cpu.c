// SPDX-License-Identifier: BSD-3-Clause
// How much CPU time fibload itself has used.
#include "load/drive/cpu.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "core/clock.h"

static int64_t clock_read_ns(clockid_t clock)
{
    struct timespec time;

    if (clock_gettime(clock, &time) == -1) {
        perror("fibload: clock_gettime");
        abort();
    }
    return (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
}

static int64_t timeval_ns(struct timeval time)
{
    return (int64_t)time.tv_sec * NS_PER_S + time.tv_usec * INT64_C(1000);
}

// How long a thread of this process had to wait for a CPU: the second number of its schedstat
// (Documentation/scheduler/sched-stats.rst). -1 where the kernel does not count it.
static int64_t delay_of(const char *thread)
{
    char path[64];
    char text[128];

    snprintf(path, sizeof path, "/proc/self/task/%.20s/schedstat", thread);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    bool is_read = fgets(text, sizeof text, file) != NULL;
    fclose(file);
    const char *second = is_read ? strchr(text, ' ') : NULL;
    return second == NULL ? -1 : strtoll(second, NULL, 10);
}

static int64_t delay_of_all(void)
{
    DIR *threads = opendir("/proc/self/task");
    int64_t sum_ns = 0;

    if (threads == NULL)
        return -1;
    for (const struct dirent *each; (each = readdir(threads)) != NULL && sum_ns >= 0;) {
        if (each->d_name[0] == '.')
            continue;
        int64_t delay_ns = delay_of(each->d_name);
        sum_ns = delay_ns == -1 ? -1 : sum_ns + delay_ns;
    }
    closedir(threads);
    return sum_ns;
}

struct cpu_sample cpu_sample(struct worker *const workers[], size_t count)
{
    struct cpu_sample sample = {.total_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID)};
    struct rusage usage;

    sample.delay_ns = delay_of_all();
    // Thread by thread: the process's clock lags by up to a tick for threads on other CPUs.
    for (size_t i = 0; i < count; i++) {
        clockid_t clock;
        if (pthread_getcpuclockid(workers[i]->thread, &clock) == 0)
            sample.total_ns += clock_read_ns(clock);
    }
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        sample.user_ns = timeval_ns(usage.ru_utime);
        sample.system_ns = timeval_ns(usage.ru_stime);
    }
    return sample;
}

struct cpu_use cpu_between(struct cpu_sample from, struct cpu_sample to)
{
    int64_t total_ns = to.total_ns - from.total_ns;
    int64_t user_ns = to.user_ns - from.user_ns;
    int64_t ticks_ns = user_ns + to.system_ns - from.system_ns;
    double share = ticks_ns > 0 ? (double)user_ns / (double)ticks_ns : 1;
    struct cpu_use use = {.user_ns = (int64_t)((double)total_ns * share), .delay_ns = -1};

    use.system_ns = total_ns - use.user_ns;
    if (from.delay_ns >= 0 && to.delay_ns >= from.delay_ns)
        use.delay_ns = to.delay_ns - from.delay_ns;
    return use;
}

struct cpu_extent cpu_extent(void)
{
    struct cpu_extent extent = {0};
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        extent.rss_peak_bytes = usage.ru_maxrss * INT64_C(1024);
        extent.switches_voluntary = usage.ru_nvcsw;
        extent.switches_involuntary = usage.ru_nivcsw;
    }
    return extent;
}
