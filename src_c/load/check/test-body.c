// SPDX-License-Identifier: BSD-3-Clause
// The body of a reply is what its chunks carry, wherever it ends.
#include "core/test.h"
#include "load/check/body.h"

#define BYTES(literal) {(literal), sizeof(literal) - 1}
#define TEXT(literal) ((struct text)BYTES(literal))

static const struct ask GET = {.status = STATUS_SUCCESS};
static const struct ask HEAD = {.status = STATUS_SUCCESS, .head = true};

static void check_body(const struct ask *ask, struct text reply, struct text wanted)
{
    char body[256];
    size_t size = body_copy(ask, reply, body);

    CHECK_BYTES(body, size, wanted.bytes, wanted.size);
}

static void a_body_of_a_length(void)
{
    check_body(&GET, TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na\r\n\0b"),
               TEXT("a\r\n\0b"));
    check_body(&GET, TEXT("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), TEXT(""));
}

static void a_body_in_chunks(void)
{
    check_body(&GET,
               TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "3;x=y\r\nabc\r\n1\r\n\n\r\n0\r\nDigest: z\r\n\r\n"),
               TEXT("abc\n"));
}

static void a_body_that_ends_with_its_connection(void)
{
    check_body(&GET, TEXT("HTTP/1.0 200 OK\r\n\r\nabc\r\n\r\ndef"), TEXT("abc\r\n\r\ndef"));
}

static void replies_before_it_have_none(void)
{
    check_body(&GET,
               TEXT("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
               TEXT("hi"));
}

static void no_body(void)
{
    check_body(&GET, TEXT("HTTP/1.1 204 No Content\r\n\r\n"), TEXT(""));
    check_body(&HEAD, TEXT("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"), TEXT(""));
}

int main(void)
{
    a_body_of_a_length();
    a_body_in_chunks();
    a_body_that_ends_with_its_connection();
    replies_before_it_have_none();
    no_body();
    return test_result();
}
