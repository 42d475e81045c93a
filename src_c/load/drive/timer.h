// SPDX-License-Identifier: BSD-3-Clause
// What a thread does at a time of its own: it ends pauses, and gives up requests that are too old.
#pragma once

#include "load/drive/state.h"

// Sets the timer to what is due next, if that has changed.
void timer_arm(struct worker *worker);

// Does what has become due. It may find that the window is over: the worker is stopped then.
void timer_serve(struct worker *worker);
