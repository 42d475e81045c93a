// SPDX-License-Identifier: BSD-3-Clause
// Who is served and who was refused: what the loops of a server count together.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "serve/options.h"

struct census {
    atomic_uint_least64_t live;
    atomic_uint_least64_t refused;
    atomic_bool said; // why, where it is for want of something
};

// The descriptors of those that a loop serves are below this.
int census_capacity(const struct options *options);

// A connection is closed unserved, for want of what `lacking` names and the error says: it counts
// as refused, and the first time that is said on stderr.
void census_refuse(struct census *census, const struct options *options, const char *lacking,
                   int error);
