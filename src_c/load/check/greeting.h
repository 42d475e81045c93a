// SPDX-License-Identifier: BSD-3-Clause
// Whether a server speaks before it is asked: who does not know it takes that for a wrong reply.
#pragma once

#include <stdbool.h>

#include "load/ask/settings.h"

// Connects, says nothing, and waits for a moment.
bool greeting_comes(const struct settings *settings);
