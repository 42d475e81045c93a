// SPDX-License-Identifier: BSD-3-Clause
// The CPU work that is scheduled: fibonacci(0) = fibonacci(1) = 1, by the naive double recursion.
#include "fibonacci.h"

// The compiler must not change the work. Inlining levels of the recursion into one another, as gcc
// does, makes its cost climb in uneven steps (1.4 and 1.8 times in turn instead of 1.618); so does
// reusing a result for two calls with the same n, which it may when it sees that the function is
// pure. The attribute forbids the first, the empty volatile asm, which costs nothing, the second.
__attribute__((noinline)) unsigned fibonacci(unsigned n)
{
    __asm__ volatile("");
    return n < 2 ? 1 : fibonacci(n - 1) + fibonacci(n - 2);
}
