// SPDX-License-Identifier: BSD-3-Clause
// Bodies that were not known before, and are expected from then on.
#pragma once

#include "load/check/verdict.h"

// Finds the body of a request that is to be learned, if all of its replies are right: those whose
// body is another one turn wrong. False when there is no memory.
bool learning_find(struct checked *checked);

// Writes the file of requests with what was learned. False with errno.
bool learning_write(const struct checked *all, size_t count, const char *path);
