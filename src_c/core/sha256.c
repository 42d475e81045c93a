// SPDX-License-Identifier: BSD-3-Clause
// SHA-256: see sha256.h. Sections are those of FIPS 180-4.
#include "core/sha256.h"

#include <stdint.h>
#include <string.h>

enum { BLOCK_SIZE = 64, ROUNDS = 64, WORDS = 8, LENGTH_SIZE = 8 };

// 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
static const uint32_t CONSTANTS[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotated(uint32_t word, unsigned bits) { return word >> bits | word << (32 - bits); }

static uint32_t read_word(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void write_word(uint32_t word, unsigned char *bytes)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(word >> (24 - 8 * i));
}

// 6.2.2, step 1: the message schedule.
static void spread(const unsigned char *block, uint32_t schedule[static ROUNDS])
{
    for (int i = 0; i < BLOCK_SIZE / 4; i++)
        schedule[i] = read_word(block + 4 * (size_t)i);
    for (int i = BLOCK_SIZE / 4; i < ROUNDS; i++) {
        uint32_t near = schedule[i - 2];
        uint32_t far = schedule[i - 15];
        near = rotated(near, 17) ^ rotated(near, 19) ^ near >> 10;
        far = rotated(far, 7) ^ rotated(far, 18) ^ far >> 3;
        schedule[i] = near + schedule[i - 7] + far + schedule[i - 16];
    }
}

// 6.2.2, steps 2 to 4.
static void take_in(uint32_t state[static WORDS], const unsigned char *block)
{
    uint32_t schedule[ROUNDS];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

    spread(block, schedule);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t chosen = (e & f) ^ (~e & g);
        uint32_t most = (a & b) ^ (a & c) ^ (b & c);
        uint32_t first = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + chosen +
                         CONSTANTS[i] + schedule[i];
        uint32_t second = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + most;
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + second;
    }
    const uint32_t added[WORDS] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < WORDS; i++)
        state[i] += added[i];
}

void sha256(const void *bytes, size_t length, unsigned char digest[static SHA256_SIZE])
{
    // 5.3.3: the square roots of the first eight primes, likewise.
    uint32_t state[WORDS] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    const unsigned char *at = bytes;
    size_t left = length;

    for (; left >= BLOCK_SIZE; left -= BLOCK_SIZE, at += BLOCK_SIZE)
        take_in(state, at);
    // 5.1.1: what is left, a bit that is 1, zeroes, and the length in bits.
    unsigned char last[2 * BLOCK_SIZE] = {0};
    size_t size = left + 1 + LENGTH_SIZE <= BLOCK_SIZE ? BLOCK_SIZE : 2 * BLOCK_SIZE;
    memcpy(last, at, left);
    last[left] = 0x80;
    write_word((uint32_t)((uint64_t)length >> 29), last + size - 8);
    write_word((uint32_t)((uint64_t)length << 3), last + size - 4);
    for (size_t i = 0; i < size; i += BLOCK_SIZE)
        take_in(state, last + i);
    for (int i = 0; i < WORDS; i++)
        write_word(state[i], digest + 4 * (size_t)i);
}
