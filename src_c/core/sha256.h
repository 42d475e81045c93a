// SPDX-License-Identifier: BSD-3-Clause
// SHA-256, FIPS 180-4: small and clear, no assembler, no tables but its own.
#pragma once

#include <stddef.h>

enum { SHA256_SIZE = 32 };

// Hashes `length` bytes.
void sha256(const void *bytes, size_t length, unsigned char digest[static SHA256_SIZE]);
