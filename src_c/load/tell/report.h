// SPDX-License-Identifier: BSD-3-Clause
// The answer of a run as one JSON document.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "load/tell/result.h"

// Whether what was measured may be used.
bool report_is_valid(const struct result *result);

// Writes the document and flushes it; false when that failed.
bool report_write(const struct result *result, FILE *out);
