// SPDX-License-Identifier: BSD-3-Clause
// What became of a request on all of its connections.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "load/ask/exchange.h"
#include "load/check/state.h"

// A request of the file, asked on `count` connections.
struct checked {
    const struct ask *ask;
    struct exchange exchange;
    struct http_memory memory;
    struct asked *asked;
    size_t count;
    char *body; // that was learned; NULL: none
    size_t body_size;
};

// The connection that tells most of the server: a right one where all are.
const struct asked *verdict_of(const struct checked *checked);

bool verdict_is_right(const struct checked *all, size_t count);

// Writes the JSON document. False when it could not be written.
bool verdict_write(const struct checked *all, size_t count, FILE *out);
