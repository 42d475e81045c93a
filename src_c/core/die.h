// SPDX-License-Identifier: BSD-3-Clause
// The end of a program that cannot go on.
#pragma once

// Says on stderr what failed and why, as "program: what: the error's text", and exits with 1.
__attribute__((noreturn)) void die(const char *program, const char *what, int error);
