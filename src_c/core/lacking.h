// SPDX-License-Identifier: BSD-3-Clause
// Why a system call that a design needs cannot be had, and the end for want of it.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { EXIT_LACKING = 77, LACKING_REASON_SIZE = 400 };

struct linux_version {
    unsigned major;
    unsigned minor;
};

// What can be known of it.
struct lacking {
    const char *release;        // of the kernel, as uname(2) has it
    struct linux_version takes; // the Linux that has what is needed
    int error;                  // of the call; 0: it did not fail, what it gave lacks something
    bool is_filtered;           // a seccomp filter is in force
    unsigned long io_uring_disabled; // the sysctl, where it says anything of the call; else 0
};

// Whether a call that failed so is one that this system has not, or does not allow.
bool lacking_is_why(int error);

// Says it in words. What kind of a failure it was is the filter's to choose, so that "no such call"
// may be a ban, too.
void lacking_reason(const struct lacking *lacking, char reason[static LACKING_REASON_SIZE]);

// Finds out why, says so on stderr, and exits with 77.
__attribute__((noreturn)) void lacking_exit(const char *program, const char *call, int error,
                                            struct linux_version takes);
