// SPDX-License-Identifier: BSD-3-Clause
// From options to a listening socket, and the news that it listens.
#pragma once

#include "options.h"

// Opens a socket that listens where the options say, non-blocking, and announces it: on --ready-fd,
// and with a warning when it can be reached from elsewhere. Raises the soft limit of open files. On
// failure says why on stderr and exits with 1, as every server does.
int listener_open_or_exit(const struct options *options);

// The same for `count` sockets on one port, among which the kernel spreads connections
// (SO_REUSEPORT, socket(7)).
void listener_open_shared_or_exit(const struct options *options, unsigned count, int listeners[]);
