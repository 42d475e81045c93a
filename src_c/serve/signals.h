// SPDX-License-Identifier: BSD-3-Clause
// How every server is told to stop.
#pragma once

#include "core/clock.h"

// The first SIGTERM or SIGINT makes the stop pipe readable, for good, in this process and in those
// it forks, and starts an alarm that ends the process with status 0 two seconds later, however deep
// in a computation it is. A second signal ends it at once. SIGPIPE is ignored.
//
// A server that has to tidy up before that alarm gives what is still running this long:
static const int64_t SIGNALS_GRACE_NS = INT64_C(1900) * NS_PER_MS;

// Installs the handlers. Returns the stop pipe's descriptor to wait on; on failure says why on
// stderr and exits with 1.
int signals_install_or_exit(const char *program);

// The same for a server that forks. A child that gets a signal of its own stops by itself: in it,
// and in nobody else, the descriptor becomes readable, and the alarm runs.
int signals_install_with_children_or_exit(const char *program);
