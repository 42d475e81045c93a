// SPDX-License-Identifier: BSD-3-Clause
// The command line of fibload, read, checked and resolved.
#pragma once

#include "load/ask/settings.h"

// Reads the command line. Prints the help and exits with 0, or one line on stderr and exits with 2.
// `settings` must stay where it is: its texts point into it.
void command_line_read(struct settings *settings, int argc, char *const argv[]);
