// SPDX-License-Identifier: BSD-3-Clause
// Each request of a file asked once on each of some connections, all at the same time.
#pragma once

#include "load/ask/settings.h"

// Asks, prints what became of it as JSON, and writes the files that are asked for if all was right.
// Returns the exit status: 0 if all was right, else 1.
int check_run(const struct settings *settings);
