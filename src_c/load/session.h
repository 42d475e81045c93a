// SPDX-License-Identifier: BSD-3-Clause
// One run of fibload: what it was asked, its threads, and what it has found.
#pragma once

#include <stddef.h>

#include "load/ask/settings.h"
#include "load/drive/state.h"
#include "load/tell/result.h"

struct session {
    const struct settings *settings;
    struct run run;
    struct worker **workers;
    size_t thread_count;
    int signals;
    struct result *result;
};
