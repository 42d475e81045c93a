// SPDX-License-Identifier: BSD-3-Clause
// The CPU work that is scheduled: fibonacci(0) = fibonacci(1) = 1, by the naive double recursion.
#pragma once

enum { FIBONACCI_LARGEST_N = 45 }; // fibonacci(45) still fits any unsigned int

unsigned fibonacci(unsigned n);
