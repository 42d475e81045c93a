// SPDX-License-Identifier: BSD-3-Clause
// A look at one thread: what it does, and what it has used since the last one.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sample/gil.h"
#include "sample/tree.h"

// Looks at a living task by its place, and adds what has changed to the recording. False when it
// has ended.
bool look_at_task(struct tree *tree, struct gil_files *files, size_t place);
