// SPDX-License-Identifier: BSD-3-Clause
// A thread's share of a group: which clients and which part of the schedule are its own.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "load/ask/settings.h"
#include "load/drive/state.h"

// Makes thread `thread`'s share of a group. False when there is no memory.
bool share_make(struct share *share, const struct settings *settings, struct team *team,
                size_t group_number, size_t thread);

void share_free(struct share *share);
