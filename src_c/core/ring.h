// SPDX-License-Identifier: BSD-3-Clause
// Making an io_uring with what this kernel has of what makes it fast.
#pragma once

#include <liburing.h>

#include "options.h"

// Makes a ring, whose completion queue has room for the connections that the options allow. Where
// the system has no io_uring, or none with all flags in `needed` (of io_uring_setup(2)), or forbids
// it, says so on stderr and exits with 77; on other failures with 1.
void ring_open_or_exit(struct io_uring *ring, const struct options *options, unsigned needed,
                       const char *linux_that_has_it);
