// SPDX-License-Identifier: BSD-3-Clause
// How many physical cores this process may use: how many workers are worth having.
#include "serve/cores.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t UNLIMITED = UINT64_MAX;

static void cut_at_newline(char *line)
{
    char *end = strchr(line, '\n');

    if (end != NULL)
        *end = '\0';
}

// Reads a file's first line without its newline; false where there is no such file.
static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool got = fgets(line, size, file) != NULL;
    if (fclose(file) != 0 || !got)
        return false;
    cut_at_newline(line);
    return true;
}

// The lowest CPU on the same core, which stands for the core; the CPU itself where sysfs is silent.
static unsigned long core_of(const char *root, unsigned cpu)
{
    static const char *const FILES[] = {"core_cpus_list", "thread_siblings_list"};

    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        char path[PATH_MAX];
        char line[256];
        snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%u/topology/%s", root, cpu,
                 FILES[i]);
        if (read_line(path, line, sizeof line))
            return strtoul(line, NULL, 10);
    }
    return cpu;
}

static uint64_t count_cores(const char *root)
{
    cpu_set_t allowed;
    cpu_set_t cores;

    // The set holds 1024 CPUs; a larger machine fails here, and then one worker is the safe answer.
    if (sched_getaffinity(0, sizeof allowed, &allowed) == -1)
        return 1;
    CPU_ZERO(&cores);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed))
            // NOLINTNEXTLINE(clang-analyzer-security.ArrayBound): it leaves out what has no room
            CPU_SET(core_of(root, cpu), &cores);
    }
    return (uint64_t)CPU_COUNT(&cores);
}

static uint64_t whole_cpus(uint64_t quota_us, uint64_t period_us)
{
    if (period_us == 0)
        return UNLIMITED;
    uint64_t cpus = quota_us / period_us;
    return cpus > 0 ? cpus : 1;
}

// Version 2: one file, "QUOTA PERIOD", where QUOTA may be "max".
static uint64_t quota_v2(const char *folder)
{
    char path[PATH_MAX + 32];
    char line[64];
    char *after;

    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (!read_line(path, line, sizeof line))
        return UNLIMITED;
    uint64_t quota_us = strtoull(line, &after, 10);
    if (after == line)
        return UNLIMITED;
    return whole_cpus(quota_us, strtoull(after, NULL, 10));
}

// Version 1: two files, and a quota of -1 for none.
static uint64_t quota_v1(const char *folder)
{
    char path[PATH_MAX + 32];
    char quota[64];
    char period[64];

    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!read_line(path, quota, sizeof quota) || quota[0] == '-')
        return UNLIMITED;
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    if (!read_line(path, period, sizeof period))
        return UNLIMITED;
    return whole_cpus(strtoull(quota, NULL, 10), strtoull(period, NULL, 10));
}

// The smallest quota from a group up to its root: each of them binds. In a container the group's
// own folder may not be visible; the mount's root then speaks for it.
static uint64_t smallest_quota(const char *mount, const char *group,
                               uint64_t (*quota_of)(const char *folder))
{
    char folder[PATH_MAX];
    int length = snprintf(folder, sizeof folder, "%s%s", mount, group);
    if (length < 0 || (size_t)length >= sizeof folder)
        return UNLIMITED;

    uint64_t smallest = UNLIMITED;
    for (;;) {
        uint64_t quota = quota_of(folder);
        smallest = quota < smallest ? quota : smallest;
        char *slash = strrchr(folder + strlen(mount), '/');
        if (slash == NULL)
            return smallest;
        *slash = '\0';
    }
}

// True when "cpu" is among the controllers, which commas separate.
static bool names_cpu(const char *controllers)
{
    for (const char *at = controllers;; at++) {
        const char *end = strchrnul(at, ',');
        if (end - at == 3 && memcmp(at, "cpu", 3) == 0)
            return true;
        if (*end == '\0')
            return false;
        at = end;
    }
}

// The quota that one line of /proc/self/cgroup leads to, "ID:CONTROLLERS:PATH": cgroups(7).
static uint64_t quota_of_line(const char *root, char *line)
{
    char mount[PATH_MAX];
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL)
        return UNLIMITED;
    *controllers++ = '\0';
    *group++ = '\0';
    cut_at_newline(group);
    if (strcmp(group, "/") == 0)
        group[0] = '\0';

    if (controllers[0] == '\0') {
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
        return smallest_quota(mount, group, quota_v2);
    }
    if (!names_cpu(controllers))
        return UNLIMITED;
    // A mount of several controllers has a link for each: this name is right either way.
    snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/cpu", root);
    return smallest_quota(mount, group, quota_v1);
}

uint64_t cores_quota(const char *root)
{
    char path[PATH_MAX];
    char line[PATH_MAX];
    uint64_t smallest = UNLIMITED;

    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return UNLIMITED;
    while (fgets(line, sizeof line, file) != NULL) {
        uint64_t quota = quota_of_line(root, line);
        smallest = quota < smallest ? quota : smallest;
    }
    fclose(file);
    return smallest;
}

uint64_t cores_available(const char *root)
{
    uint64_t cores = count_cores(root);
    uint64_t quota = cores_quota(root);
    return quota < cores ? quota : cores;
}
