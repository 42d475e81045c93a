// SPDX-License-Identifier: BSD-3-Clause
// SHA-256 beside its published vectors: FIPS 180-2, appendix B, and NIST's byte-oriented ones
// (SHA256ShortMsg.rsp). Around the lengths where padding takes another block, beside Python's.
#include "core/sha256.h"
#include "core/test.h"

enum { MILLION = 1000000, HEX_SIZE = 2 * SHA256_SIZE };

static void check(const void *bytes, size_t length, const char *wanted)
{
    unsigned char digest[SHA256_SIZE];
    char hex[HEX_SIZE + 1];

    sha256(bytes, length, digest);
    for (size_t i = 0; i < SHA256_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    CHECK_TEXT(hex, wanted);
}

static void published_vectors_are_met(void)
{
    static char as[MILLION];

    memset(as, 'a', sizeof as);
    check("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check("\xd3", 1, "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1");
    check("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check(as, sizeof as, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// The last block has room for 55 bytes and the length; one more, and there is another.
static void padding_begins_another_block_where_it_must(void)
{
    static const struct {
        size_t length;
        const char *wanted;
    } ROWS[] = {
        {55, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"},
        {56, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"},
        {63, "c7723fa1e0127975e49e62e753db53924c1bd84b8ac1ac08df78d09270f3d971"},
        {64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"},
        {65, "98ce42deef51d40269d542f5314bef2c7468d401ad5d85168bfab4c0108f75f7"},
        {119, "f616b0d54e78571a9611f343c9f8e022e859e920381ab0e4d3da01e193a7bd7e"},
        {120, "6edd9f6f9cc92cded36e6c4a580933f9c9f1b90562b46903b806f21902a1a54f"},
        {128, "38723a2e5e8a17aa7950dc008209944e898f69a7bd10a23c839d341e935fd5ca"},
    };
    static const char zeroes[128];

    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        check(zeroes, ROWS[i].length, ROWS[i].wanted);
}

int main(void)
{
    published_vectors_are_met();
    padding_begins_another_block_where_it_must();
    return test_result();
}
