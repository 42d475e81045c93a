// SPDX-License-Identifier: BSD-3-Clause
// The answer of a run in a few lines, for whoever sits at a terminal.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "load/tell/result.h"

// False, and errno says why, when it could not be written.
bool summary_write(const struct result *result, FILE *out);
