// SPDX-License-Identifier: BSD-3-Clause
// The replies as they came, for the null server to repeat.
#pragma once

#include "load/check/verdict.h"

// Writes the replies, as null_server --replies reads them: for each step of a connection how many
// bytes come in, and which go out. One that was too long to be kept is left out. False with errno.
bool repeating_write(const struct checked *all, size_t count, const char *path);
