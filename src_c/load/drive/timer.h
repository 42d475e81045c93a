// SPDX-License-Identifier: BSD-3-Clause
// What a thread does at a time of its own: it ends pauses, and gives up requests that are too old.
#pragma once

#include <stdint.h>

#include "load/drive/pauses.h"
#include "load/drive/state.h"

// Has the timer fire at this time.
void timer_set(struct worker *worker, int64_t at_ns);

// Sets the timer to what is due next, if that has changed.
static inline void timer_arm(struct worker *worker)
{
    int64_t due_ns = worker->next_sweep_ns;

    if (pauses_next_end_ns(worker) < due_ns)
        due_ns = pauses_next_end_ns(worker);
    if (worker->exact.is_lacking && worker->next_due_ns < due_ns)
        due_ns = worker->next_due_ns;
    if (due_ns != worker->armed_ns)
        timer_set(worker, due_ns);
}

// Does what has become due. It may find that the window is over: the worker is stopped then.
void timer_serve(struct worker *worker);
