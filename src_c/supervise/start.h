// SPDX-License-Identifier: BSD-3-Clause
// Starting the command that is supervised: on which CPUs, in which cgroup, with which signals.
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { START_MESSAGE_SIZE = 320 };

// Pins this process, and with it all that it starts, to the CPUs of a list as "0,2-3". False with
// one line, without its newline, in `message` when the list is wrong or a CPU may not be used.
bool start_pin(const char *list, char message[static START_MESSAGE_SIZE]);

// Opens a cgroup v2 by its folder, for start_command. Returns a descriptor, or -1 with one line in
// `message` when it is none, or when no process may be put into it.
int start_open_cgroup(const char *folder, char message[static START_MESSAGE_SIZE]);

// Starts a command in its own session, with no signal blocked or ignored, in the cgroup of a
// descriptor, or in ours when it is -1. It dies with us, and gains no rights: PR_SET_NO_NEW_PRIVS.
// Returns 0, or the errno of what failed.
int start_command(char *const argv[], int cgroup, pid_t *pid);
