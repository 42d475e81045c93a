// SPDX-License-Identifier: BSD-3-Clause
// One thread of the load: an event loop, its clients, and what it has counted.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "load/drive/state.h"

// Makes a worker with its own event loop and clients. NULL with errno set when there is no memory
// or no descriptor left.
struct worker *worker_make(struct run *run, size_t number);

// A thread's function: connects what must stand, waits at the gate, loads the server until the
// window is over, and returns when its end was announced.
void *worker_run(void *worker);

// After the threads have ended: gives each request in flight its outcome and closes the
// connections.
void worker_settle(struct worker *worker, int64_t end_ns);

void worker_free(struct worker *worker);
