// SPDX-License-Identifier: BSD-3-Clause
// Connections that stand before the load begins: those of an open loop, so that opening them delays
// nothing that is due, and idle ones.
#pragma once

#include <stdbool.h>

#include "load/ask/settings.h"
#include "load/drive/state.h"

// Whether there are any for these settings.
bool standing_is_needed(const struct settings *settings);

// Connects them, and returns when each stands or has failed, when the server takes too long, or
// when the worker is told to hurry.
void standing_connect(struct worker *worker);
