// SPDX-License-Identifier: BSD-3-Clause
// Why a system call cannot be had: see lacking.h.
#include "core/lacking.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

static const char IO_URING_DISABLED[] = "/proc/sys/kernel/io_uring_disabled"; // since Linux 6.6
enum { LONGEST_NUMBER = 32 };

bool lacking_is_why(int error) { return error == ENOSYS || error == EPERM || error == EACCES; }

// Whether a kernel is older than what is needed; one that does not say its number is not.
static bool is_older(const char *release, struct linux_version takes)
{
    char *end;
    unsigned long major = strtoul(release, &end, 10);

    if (end == release || *end != '.')
        return false;
    unsigned long minor = strtoul(end + 1, NULL, 10);
    return major < takes.major || (major == takes.major && minor < takes.minor);
}

static void who_forbids(const struct lacking *lacking, char *text, size_t size)
{
    if (lacking->io_uring_disabled != 0) {
        snprintf(text, size, "forbidden here (kernel.io_uring_disabled is %lu)",
                 lacking->io_uring_disabled);
    } else if (lacking->is_filtered) {
        snprintf(text, size, "forbidden here, probably by the seccomp filter that is in force");
    } else {
        snprintf(text, size, "forbidden here, by a security module or for want of a privilege");
    }
}

void lacking_reason(const struct lacking *lacking, char reason[static LACKING_REASON_SIZE])
{
    const struct linux_version takes = lacking->takes;
    bool is_ban = lacking->error == EPERM || lacking->error == EACCES;
    bool is_old = is_older(lacking->release, takes);
    char ban[100];

    who_forbids(lacking, ban, sizeof ban);
    if (is_ban && is_old) {
        snprintf(reason, LACKING_REASON_SIZE,
                 "%s; besides, it takes Linux %u.%u or newer, and this is %.100s", ban, takes.major,
                 takes.minor, lacking->release);
    } else if (is_ban) {
        snprintf(reason, LACKING_REASON_SIZE, "%s", ban);
    } else if (is_old) {
        snprintf(reason, LACKING_REASON_SIZE, "it takes Linux %u.%u or newer, and this is %.100s",
                 takes.major, takes.minor, lacking->release);
    } else if (lacking->error == 0) {
        snprintf(reason, LACKING_REASON_SIZE,
                 "Linux %.100s, though new enough, lacks a part of it that this design needs",
                 lacking->release);
    } else if (lacking->is_filtered) {
        snprintf(reason, LACKING_REASON_SIZE,
                 "Linux %.100s is new enough: the seccomp filter that is in force, as in a "
                 "container, denies the call, or this kernel was built without it",
                 lacking->release);
    } else {
        snprintf(reason, LACKING_REASON_SIZE,
                 "Linux %.100s is new enough, and no seccomp filter denies the call: this kernel "
                 "was built without it",
                 lacking->release);
    }
}

static unsigned long read_io_uring_disabled(void)
{
    FILE *file = fopen(IO_URING_DISABLED, "re");
    char line[LONGEST_NUMBER];

    if (file == NULL)
        return 0;
    bool got = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    return got ? strtoul(line, NULL, 10) : 0;
}

void lacking_exit(const char *program, const char *call, int error, struct linux_version takes)
{
    struct utsname system = {.release = "of an unknown number"};
    char reason[LACKING_REASON_SIZE];

    (void)uname(&system);
    const struct lacking lacking = {
        .release = system.release,
        .takes = takes,
        .error = error,
        .is_filtered = prctl(PR_GET_SECCOMP) > 0, // it fails where there is no seccomp
        .io_uring_disabled = strstr(call, "io_uring") != NULL ? read_io_uring_disabled() : 0,
    };
    lacking_reason(&lacking, reason);
    fprintf(stderr, "%s: %s: %s%s%s\n", program, call, error == 0 ? "" : strerror(error),
            error == 0 ? "" : ": ", reason);
    exit(EXIT_LACKING);
}
