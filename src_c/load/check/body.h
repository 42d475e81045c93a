// SPDX-License-Identifier: BSD-3-Clause
// The body of a whole reply of HTTP, without its chunks. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "load/ask/asks.h"

// Copies the body of a reply to `ask`, which is right and whole, to where `size` bytes have room: a
// body is never longer than its reply. Returns how long it is.
size_t body_copy(const struct ask *ask, struct text reply, char *body);
