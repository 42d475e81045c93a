// SPDX-License-Identifier: BSD-3-Clause
// Numbers written in text, read whole or not at all.
#include "core/numbers.h"

#include <stdbool.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Adds one decimal digit; false when the number no longer fits.
static bool append_digit(uint64_t *number, char digit)
{
    return !__builtin_mul_overflow(*number, UINT64_C(10), number) &&
           !__builtin_add_overflow(*number, (uint64_t)(digit - '0'), number);
}

enum number_outcome numbers_read(const char *text, uint64_t *number)
{
    uint64_t value = 0;
    bool fits = true;

    if (*text == '\0')
        return NUMBER_BAD;
    for (; *text != '\0'; text++) {
        if (!is_digit(*text))
            return NUMBER_BAD;
        fits = fits && append_digit(&value, *text);
    }
    if (!fits)
        return NUMBER_TOO_LARGE;
    *number = value;
    return NUMBER_GOOD;
}

enum number_outcome numbers_read_time(const char *text, uint64_t unit_ns, uint64_t *ns)
{
    uint64_t value = 0;
    bool fits = true;

    if (!is_digit(*text))
        return NUMBER_BAD;
    for (; is_digit(*text); text++)
        fits = fits && append_digit(&value, *text);
    fits = fits && !__builtin_mul_overflow(value, unit_ns, &value);
    if (*text == '.') {
        text++;
        if (!is_digit(*text))
            return NUMBER_BAD;
        for (; is_digit(*text); text++) {
            unit_ns /= 10;
            if (unit_ns == 0)
                return NUMBER_BAD;
            fits =
                fits && !__builtin_add_overflow(value, (uint64_t)(*text - '0') * unit_ns, &value);
        }
    }
    if (*text != '\0')
        return NUMBER_BAD;
    if (!fits)
        return NUMBER_TOO_LARGE;
    *ns = value;
    return NUMBER_GOOD;
}
