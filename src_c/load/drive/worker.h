// SPDX-License-Identifier: BSD-3-Clause
// One thread of the load: an event loop, its clients, and what it has counted.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "load/drive/state.h"

// Makes a worker with its own event loop and clients. NULL with errno set when there is no memory
// or no descriptor left.
struct worker *worker_make(struct run *run, size_t number);

// A thread's function: connects what must stand, waits at the gate, and loads the server until the
// window and its cool-down are over. When it is told so it gives each request in flight its
// outcome, takes leave of the server, and returns.
void *worker_run(void *worker);

void worker_free(struct worker *worker);
