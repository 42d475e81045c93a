// SPDX-License-Identifier: BSD-3-Clause
// The end of a program that cannot go on: see die.h.
#include "core/die.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *program, const char *what, int error)
{
    fprintf(stderr, "%s: %s: %s\n", program, what, strerror(error));
    exit(EXIT_FAILURE);
}
