// SPDX-License-Identifier: BSD-3-Clause
// Why a measurement must not be used, and what must be known of it.
#pragma once

#include "load/tell/result.h"

enum { REASONS_MAX = 16, REASON_SIZE = 480 };

struct reasons {
    int count; // 0: it may be used
    char text[REASONS_MAX][REASON_SIZE];
};

struct reasons reasons_collect(const struct result *result);

// What must be known of a measurement, and takes nothing from it.
struct reasons notes_collect(const struct result *result);
