// SPDX-License-Identifier: BSD-3-Clause
// The CPU work that is scheduled: fibonacci(0) = fibonacci(1) = 1, by the naive double recursion.
#include "core/fibonacci.h"

enum { CACHE_LINE = 64 };

// The compiler must not change the work. Inlining levels of the recursion into one another, as gcc
// does, makes its cost climb in uneven steps (1.4 and 1.8 times in turn instead of 1.618); so does
// reusing a result for two calls with the same n, which it may when it sees that the function is
// pure. The attribute forbids the first, the empty volatile asm, which costs nothing, the second.
//
// Nor must it depend on the program it is linked into. Where a loop lies in its cache line decides
// how fast it is decoded: servers that computed the same differed by up to 18 %. Source: Mytkowicz
// et al., Producing Wrong Data Without Doing Anything Obviously Wrong!, ASPLOS 2009, section 4.
// NOLINTNEXTLINE(misc-no-recursion): it is the work
__attribute__((noinline, aligned(CACHE_LINE))) unsigned fibonacci(unsigned n)
{
    // NOLINTNEXTLINE(portability-no-assembler): there is nothing in it
    __asm__ volatile("");
    return n < 2 ? 1 : fibonacci(n - 1) + fibonacci(n - 2);
}
