// SPDX-License-Identifier: BSD-3-Clause
// Numbers written in text, read whole or not at all.
#pragma once

#include <stdint.h>

enum number_outcome { NUMBER_GOOD, NUMBER_BAD, NUMBER_TOO_LARGE };

// Reads digits alone: no sign, no white space, nothing after them.
enum number_outcome numbers_read(const char *text, uint64_t *number);

// Reads digits with optional decimals in a unit of `unit_ns`, as nanoseconds. Decimals finer than a
// nanosecond are bad, not rounded.
enum number_outcome numbers_read_time(const char *text, uint64_t unit_ns, uint64_t *ns);
