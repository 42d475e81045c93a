// SPDX-License-Identifier: BSD-3-Clause
// How often a full listen queue turned a connection away, as the kernel counts it.
#pragma once

#include <stdint.h>
#include <stdio.h>

// ListenOverflows of /proc/net/netstat: since boot, of all servers of this network namespace. -1
// where it cannot be known.
int64_t listen_overflows(void);

// The same of a stream that reads as that file does.
int64_t listen_overflows_in(FILE *netstat);
