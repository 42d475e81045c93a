// SPDX-License-Identifier: BSD-3-Clause
// All that a unit test needs: checks that say where they failed, and a count for main() to return.
#pragma once

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int test_failures;

static inline void test_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    test_failures++;
}

static inline void test_numbers(const char *file, int line, const char *what, int64_t got,
                                int64_t wanted)
{
    if (got == wanted)
        return;
    fprintf(stderr, "%s:%d: %s is %" PRId64 ", not %" PRId64 "\n", file, line, what, got, wanted);
    test_failures++;
}

static inline void test_bytes(const char *file, int line, const char *got, size_t got_length,
                              const char *wanted, size_t wanted_length)
{
    if (got_length == wanted_length && memcmp(got, wanted, got_length) == 0)
        return;
    fprintf(stderr, "%s:%d: got '%.*s', not '%.*s'\n", file, line, (int)got_length, got,
            (int)wanted_length, wanted);
    test_failures++;
}

#define CHECK(condition)                                                                           \
    ((condition) ? (void)0 : test_fail(__FILE__, __LINE__, "not so: " #condition))
#define CHECK_NUMBER(got, wanted)                                                                  \
    test_numbers(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(wanted))
#define CHECK_BYTES(got, got_length, wanted, wanted_length)                                        \
    test_bytes(__FILE__, __LINE__, (got), (got_length), (wanted), (wanted_length))
#define CHECK_TEXT(got, wanted)                                                                    \
    test_bytes(__FILE__, __LINE__, (got), strlen(got), (wanted), strlen(wanted))

// What main() returns.
static inline int test_result(void)
{
    if (test_failures > 0)
        fprintf(stderr, "%d checks failed\n", test_failures);
    return test_failures > 0;
}
