// SPDX-License-Identifier: BSD-3-Clause
// Making an io_uring with what this kernel has of what makes it fast.
#pragma once

#include <liburing.h>

#include "core/lacking.h"
#include "serve/options.h"

// Makes a ring. Where the system has no io_uring, or none with all flags in `needed` (of
// io_uring_setup(2)), or forbids it, or lets no memory be locked for it, says so on stderr and
// exits with 77; on other failures with 1.
void ring_open_or_exit(struct io_uring *ring, const struct options *options, unsigned needed,
                       struct linux_version takes);

// Says that a call has failed in making a ring, or its buffers, and exits: with 77 where there is
// no such call, or it is forbidden, and for want of memory where the user's is limited that may be
// locked (RLIMIT_MEMLOCK), to which some kernels charge all of it, as 6.18 does; else with 1.
__attribute__((noreturn)) void ring_fail(const struct options *options, const char *call, int error,
                                         struct linux_version takes);
