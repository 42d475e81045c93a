// SPDX-License-Identifier: BSD-3-Clause
// One connection served by a caller that blocks: a process or a thread of its own, or the only one.
#pragma once

#include "serve/options.h"

// Answers requests until the client ends, errs, or keeps the server waiting too long, or the server
// is told to stop and nothing that has arrived is left; then closes fd. Needs about
// CONNECTION_STACK_SIZE of stack, and a desk: false, and errno, if there is no memory for one,
// which counts as refused.
bool connection_serve(int fd, int stop_fd, const struct options *options);

enum { CONNECTION_STACK_SIZE = 128 * 1024 };
