// SPDX-License-Identifier: BSD-3-Clause
// From options to a listening socket, and the news that it is served.
#pragma once

#include "serve/options.h"

// Opens a socket that listens where the options say, non-blocking. Raises the soft limit of open
// files. On failure says why on stderr and exits with 1, as every server does.
int listener_open_or_exit(const struct options *options);

// The same for `count` sockets on one port, among which the kernel spreads connections
// (SO_REUSEPORT, socket(7)).
void listener_open_shared_or_exit(const struct options *options, unsigned count, int listeners[]);

// Says that the server is ready: on --ready-fd, which it closes, and with a warning when it can be
// reached from elsewhere. To be called when all that serving needs is there, threads, children,
// rings and tables, since whoever waits for it takes the server for able from then on. Any of the
// listeners will do. On failure says why on stderr and exits with 1.
void listener_announce_or_exit(const struct options *options, int listener);
