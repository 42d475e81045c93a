// SPDX-License-Identifier: BSD-3-Clause
// What the clients of each group ask, resolved from the options and from a file of requests.
#pragma once

#include <stdbool.h>

#include "core/arguments.h"
#include "load/ask/settings.h"

enum { CHECK_CONNECTIONS_MAX = 4096 }; // of --check, at the same time

// Makes the groups that are asked for, or the one of all clients, each with its request. Rejects
// what does not go together (settings_reject()). With --check there are no groups.
void asking_resolve(struct settings *settings, const struct argument_texts *groups, bool n_given);
