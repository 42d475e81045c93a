// SPDX-License-Identifier: BSD-3-Clause
// Who is served and who was refused: see census.h.
#include "serve/census.h"

#include "serve/acceptor.h"

enum { SPARE_FDS = 4096 }; // descriptors that are not connections: listeners, loops, the inherited

int census_capacity(const struct options *options)
{
    return (int)options->max_connections + SPARE_FDS;
}

void census_refuse(struct census *census, const struct options *options, const char *lacking,
                   int error)
{
    atomic_fetch_add(&census->refused, 1);
    acceptor_say_why(&census->said, options->program, lacking, error);
}
