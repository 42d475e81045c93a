// SPDX-License-Identifier: BSD-3-Clause
// What --verbose prints on stderr; never called without it.
#pragma once

#include <stddef.h>

#include "serve/options.h"

void verbose_connection(const struct options *options, int fd);

// Shows the request with everything but printable ASCII escaped, and its reply.
void verbose_request(const struct options *options, int fd, const char *request, size_t length,
                     const char *reply, size_t reply_length);
