// SPDX-License-Identifier: BSD-3-Clause
// The CPU quota as both cgroup versions tell it, read from a folder made for the test.
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/test.h"
#include "serve/cores.h"

#define TEMPLATE "/tmp/test-cores-XXXXXX"

static char root[] = TEMPLATE;

static void stop_at(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

// Writes a file below the root, and the folders above it.
static void write_file(const char *name, const char *text)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *slash = strchr(path + sizeof root, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) == -1 && errno != EEXIST)
            stop_at(path);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) == EOF || fclose(file) != 0)
        stop_at(path);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void begin(void)
{
    memcpy(root, TEMPLATE, sizeof root);
    if (mkdtemp(root) == NULL)
        stop_at(root);
}

static void end(void)
{
    if (nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
        stop_at(root);
}

static void without_cgroups_there_is_no_quota(void)
{
    begin();
    CHECK(cores_quota(root) == UINT64_MAX);
    write_file("/proc/self/cgroup", "0::/\n");
    CHECK(cores_quota(root) == UINT64_MAX);
    end();
}

static void version_2_takes_the_smallest_quota_up_to_the_root(void)
{
    begin();
    write_file("/proc/self/cgroup", "0::/a/b\n");
    write_file("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    CHECK(cores_quota(root) == UINT64_MAX);
    write_file("/sys/fs/cgroup/a/cpu.max", "350000 100000\n");
    CHECK_NUMBER(cores_quota(root), 3);
    write_file("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    CHECK_NUMBER(cores_quota(root), 2);
    write_file("/sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
    CHECK_NUMBER(cores_quota(root), 1);
    end();
}

static void version_1_takes_the_group_of_the_cpu_controller(void)
{
    begin();
    write_file("/proc/self/cgroup", "4:cpuset:/x\n3:cpuacct,cpu:/y\n2:memory:/z\n0::/\n");
    write_file("/sys/fs/cgroup/cpu/y/cpu.cfs_quota_us", "-1\n");
    write_file("/sys/fs/cgroup/cpu/y/cpu.cfs_period_us", "100000\n");
    CHECK(cores_quota(root) == UINT64_MAX);
    write_file("/sys/fs/cgroup/cpu/y/cpu.cfs_quota_us", "250000\n");
    CHECK_NUMBER(cores_quota(root), 2);
    write_file("/proc/self/cgroup", "4:cpuset:/y\n0::/\n");
    CHECK(cores_quota(root) == UINT64_MAX);
    end();
}

static void a_folder_that_cannot_be_seen_leaves_the_root_to_speak(void)
{
    begin();
    write_file("/proc/self/cgroup", "0::/docker/0123456789\n");
    write_file("/sys/fs/cgroup/cpu.max", "400000 100000\n");
    CHECK_NUMBER(cores_quota(root), 4);
    end();
}

static void siblings_on_one_core_count_once(void)
{
    cpu_set_t allowed;
    char name[80];

    begin();
    if (sched_getaffinity(0, sizeof allowed, &allowed) == -1)
        stop_at("sched_getaffinity");
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed))
            continue;
        snprintf(name, sizeof name, "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
                 cpu);
        write_file(name, "0-1023\n");
    }
    CHECK_NUMBER(cores_available(root), 1);
    end();
}

static void where_sysfs_is_silent_every_cpu_is_a_core(void)
{
    cpu_set_t allowed;

    begin();
    if (sched_getaffinity(0, sizeof allowed, &allowed) == -1)
        stop_at("sched_getaffinity");
    CHECK_NUMBER(cores_available(root), CPU_COUNT(&allowed));
    end();
}

int main(void)
{
    without_cgroups_there_is_no_quota();
    version_2_takes_the_smallest_quota_up_to_the_root();
    version_1_takes_the_group_of_the_cpu_controller();
    a_folder_that_cannot_be_seen_leaves_the_root_to_speak();
    siblings_on_one_core_count_once();
    where_sysfs_is_silent_every_cpu_is_a_core();
    return test_result();
}
