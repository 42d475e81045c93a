// SPDX-License-Identifier: BSD-3-Clause
// What null_server has beside a design: a command line that may name replies, and loops that repeat
// them (repeater.h).
#pragma once

#include "serve/census.h"
#include "serve/options.h"
#include "serve/replies.h"

// options_parse_or_exit() with --replies and --ask; *replies is NULL where they are not given.
struct options repeating_parse_or_exit(const char *program, const char *summary, int argc,
                                       char *const argv[], const struct replies **replies);

// shards_run_or_exit() with loops that repeat replies.
void repeating_run_or_exit(const struct options *options, const struct replies *replies,
                           const int listeners[], int stop_fd, struct census *census);
