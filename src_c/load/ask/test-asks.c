// SPDX-License-Identifier: BSD-3-Clause
// A file of requests is read whole or not at all, and never beyond its end.
#include <stdlib.h>
#include <unistd.h>

#include "core/test.h"
#include "load/ask/asks.h"

static struct asks asks;
static char message[ASKS_MESSAGE_SIZE];

#define BYTES(literal) {(literal), sizeof(literal) - 1}
#define TEXT(literal) ((struct text)BYTES(literal))
#define FIRST "fibload-asks 1\n"
#define WHOLE FIRST "request a\nsend 2\nhi\nexpect text 2\nho\nend\n"

// Reads through an exact copy, so that a sanitizer sees reading beyond it. The texts go with it.
static bool read_copy(struct text file, bool http)
{
    char *copy = malloc(file.size + 1);

    if (copy == NULL)
        abort();
    memcpy(copy + 1, file.bytes, file.size);
    message[0] = '\0';
    bool good = asks_read(&asks, copy + 1, file.size, http, message);
    free(copy);
    return good;
}

static void check_refused(struct text file, bool http, const char *wanted)
{
    CHECK(!read_copy(file, http));
    CHECK_TEXT(message, wanted);
}

static void a_request_has_bytes_of_any_kind(void)
{
    static const struct text file =
        BYTES(FIRST "request ping\nsend 6\nPI\0\nNG\nclose\nexpect text 3\nend\nend\n"
                    "request b.2_C-\nexpect length 1000\nsend 1\nx\nend\n");

    CHECK(asks_read(&asks, file.bytes, file.size, false, message));
    CHECK_NUMBER(asks.count, 2);
    const struct ask *ping = asks_find(&asks, "ping");
    CHECK_BYTES(ping->send.bytes, ping->send.size, "PI\0\nNG", 6);
    CHECK_NUMBER(ping->expects, EXPECT_TEXT);
    CHECK_BYTES(ping->expected.bytes, ping->expected.size, "end", 3);
    CHECK_NUMBER(ping->per_connection, 1);
    const struct ask *other = asks_find(&asks, "b.2_C-");
    CHECK_NUMBER(other->expects, EXPECT_LENGTH);
    CHECK_NUMBER(other->length, 1000);
    CHECK_NUMBER(other->per_connection, 0);
    CHECK(asks_find(&asks, "pin") == NULL);
}

static void an_opening_has_steps(void)
{
    static const struct text file =
        BYTES(FIRST "request a\nopening-expect line\nopening-send 4\nAUTH\nopening-expect text 3\n"
                    "+OK\nopening-send 1\nx\nopening-send 1\ny\nopening-expect line\n"
                    "opening-expect text 1\nz\nsend 1\nq\nexpect length 1\nend\n"
                    "request b\nsend 1\nq\nexpect length 1\nopening-expect line\nend\n");

    CHECK(asks_read(&asks, file.bytes, file.size, false, message));
    const struct ask *a = asks_find(&asks, "a");
    CHECK_NUMBER(a->opening_count, 5);
    CHECK(a->openings[0].send.size == 0 && a->openings[0].expects == EXPECT_LINE);
    CHECK_BYTES(a->openings[1].send.bytes, a->openings[1].send.size, "AUTH", 4);
    CHECK_BYTES(a->openings[1].expected.bytes, a->openings[1].expected.size, "+OK", 3);
    CHECK(a->openings[2].send.size == 1 && a->openings[2].expects == EXPECT_NOTHING);
    CHECK(a->openings[3].send.size == 1 && a->openings[3].expects == EXPECT_LINE);
    CHECK(a->openings[4].send.size == 0 && a->openings[4].expects == EXPECT_TEXT);
    const struct ask *b = asks_find(&asks, "b");
    CHECK_NUMBER(b->opening_count, 1);
    CHECK(b->openings == a->openings + 5);
}

static void http_has_a_status_and_bodies_that_may_be_any(void)
{
    static const struct text file =
        BYTES(FIRST "request a\nsend 1\nq\nstatus 404\nexpect any\nend\n"
                    "request b\nsend 1\nq\nstatus 2xx\nexpect text 0\n\nend\n"
                    "request c\nsend 1\nq\nhead\nend\n"
                    "request d\nsend 1\nq\nexpect length 0\nend\n");

    CHECK(asks_read(&asks, file.bytes, file.size, true, message));
    CHECK_NUMBER(asks.asks[0].status, 404);
    CHECK_NUMBER(asks.asks[0].expects, EXPECT_ANY);
    CHECK_NUMBER(asks.asks[1].status, STATUS_SUCCESS);
    CHECK_NUMBER(asks.asks[1].expected.size, 0);
    CHECK(asks.asks[2].head && asks.asks[2].expects == EXPECT_ANY);
    CHECK_NUMBER(asks.asks[3].length, 0);
    check_refused(file, false, "line 5: a status needs --framing http");
}

static void what_a_check_alone_can_do_is_read_as_well(void)
{
    static const struct text learn =
        BYTES(FIRST "request a\nsend 1\nq\nstatus 404\nexpect learn\nend\n");
    static const struct text line = BYTES(FIRST "request a\nsend 1\nq\nexpect line\nend\n");

    CHECK(asks_read(&asks, learn.bytes, learn.size, true, message));
    CHECK_NUMBER(asks.asks[0].expects, EXPECT_LEARN);
    CHECK(asks_read(&asks, line.bytes, line.size, false, message));
    CHECK_NUMBER(asks.asks[0].expects, EXPECT_LINE);
    check_refused(TEXT(FIRST "request a\nsend 1\nq\nexpect learn\nend\n"), false,
                  "line 5: 'expect learn' needs --framing http (nothing says where other replies "
                  "end)");
    check_refused(line, true,
                  "line 5: 'expect line' needs --framing bytes (HTTP says where replies end)");
}

static void what_is_wrong_is_told_with_its_line(void)
{
    check_refused(TEXT(""), false, "line 1: the file is empty (it begins with 'fibload-asks 1')");
    check_refused(TEXT("fibload-asks 2\n"), false,
                  "line 1: no file of requests (it begins with 'fibload-asks 1')");
    check_refused(TEXT(FIRST), false, "line 1: the file has no request");
    check_refused(TEXT(FIRST "request a"), false,
                  "line 2: the file ends before its last request does");
    check_refused(TEXT(FIRST "request a\n"), false,
                  "line 2: the file ends before request a does ('end')");
    check_refused(TEXT(FIRST "request \n"), false,
                  "line 2: no good name (1 to 64 letters, digits, dots, dashes, underscores)");
    check_refused(TEXT(FIRST "request a,b\n"), false,
                  "line 2: no good name (1 to 64 letters, digits, dots, dashes, underscores)");
    check_refused(TEXT(WHOLE "request a\n"), false, "line 8: request a is there twice");
    check_refused(TEXT(FIRST "send 1\nx\n"), false, "line 2: 'send 1' is not possible here");
    check_refused(TEXT(FIRST "request a\nend\n"), false, "line 3: request a has no 'send'");
    check_refused(TEXT(FIRST "request a\nsend 1\nx\nend\n"), false,
                  "line 5: request a has no 'expect'");
    check_refused(TEXT(FIRST "request a\nsend 3\na\nb\nsend 1\n"), false,
                  "line 6: 'send 1' is given twice in request a");
    check_refused(TEXT(FIRST "request a\nclose\nclose\n"), false,
                  "line 4: 'close' is given twice in request a");
    check_refused(TEXT(FIRST "request a\n\x1b[31m\n"), false,
                  "line 3: '?[31m' is not possible here");
    check_refused(TEXT(FIRST "request a\nclose\0\n"), false,
                  "line 3: 'close' is not possible here");
    check_refused(TEXT(FIRST "request a\nclose \n"), false,
                  "line 3: 'close ' is not possible here");
    check_refused(TEXT(FIRST "request a\n\n"), false, "line 3: '' is not possible here");
    check_refused(TEXT(FIRST "request a\nexpect any\n"), false,
                  "line 3: 'expect any' needs --framing http (nothing says where other replies "
                  "end)");
    check_refused(TEXT(FIRST "request a\nexpect length 0\n"), false,
                  "line 3: a reply of no bytes is none (at least 1)");
    check_refused(TEXT(FIRST "request a\nexpect length 1073741825\n"), false,
                  "line 3: '1073741825' is no size (0 to 1073741824 bytes)");
    check_refused(TEXT(FIRST "request a\nhead\n"), false, "line 3: 'head' is not possible here");
    check_refused(TEXT(FIRST "request a\nstatus 199\n"), true,
                  "line 3: status '199' is not possible (200 to 599, or 2xx)");
    check_refused(TEXT(FIRST "request a\nstatus 0200\n"), true,
                  "line 3: status '0200' is not possible (200 to 599, or 2xx)");
    check_refused(TEXT(FIRST "request a\nsend 1\nx\nhead\nexpect length 1\nend\n"), true,
                  "line 7: request a expects a body, and the reply to HEAD has none");
}

static void sizes_are_those_of_what_is_there(void)
{
    check_refused(TEXT(FIRST "request a\nsend 0\n\n"), false,
                  "line 3: no bytes are nothing to send or to expect (at least 1)");
    check_refused(TEXT(FIRST "request a\nopening-send 0\n\n"), false,
                  "line 3: no bytes are nothing to send or to expect (at least 1)");
    check_refused(TEXT(FIRST "request a\nsend 5\nabcd"), false,
                  "line 3: the file ends before these 5 bytes do");
    check_refused(TEXT(FIRST "request a\nsend 4\nabcd"), false,
                  "line 3: the file ends before these 4 bytes do");
    check_refused(TEXT(FIRST "request a\nsend 3\nabcd\n"), false,
                  "line 3: there is no newline after these 3 bytes");
    check_refused(TEXT(FIRST "request a\nsend 1048577\n"), false,
                  "line 3: '1048577' is no size (0 to 1048576 bytes)");
    check_refused(TEXT(FIRST "request a\nsend 18446744073709551617\n"), false,
                  "line 3: '18446744073709551617' is no size (0 to 1048576 bytes)");
    check_refused(TEXT(FIRST "request a\nsend -1\n"), false,
                  "line 3: '-1' is no size (0 to 1048576 bytes)");
    check_refused(TEXT(FIRST "request a\nopening-expect text x\n"), false,
                  "line 3: 'x' is no size (0 to 1048576 bytes)");
}

static void a_file_is_good_only_as_a_whole(void)
{
    static const struct text file = BYTES(WHOLE);

    CHECK(read_copy(file, false));
    for (size_t size = 0; size < file.size; size++) {
        CHECK(!read_copy((struct text){file.bytes, size}, false));
        CHECK(strncmp(message, "line ", 5) == 0);
    }
}

// Any byte of it may be any other: it is read or refused, with no more than was there.
static void hostile_bytes_are_harmless(void)
{
    char file[sizeof WHOLE];

    for (size_t at = 0; at + 1 < sizeof WHOLE; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(file, WHOLE, sizeof WHOLE);
            file[at] = (char)byte;
            if (!read_copy((struct text){file, sizeof WHOLE - 1}, byte % 2 == 0)) {
                CHECK(strncmp(message, "line ", 5) == 0);
                for (const char *shown = message; *shown != '\0'; shown++)
                    CHECK(*shown >= 0x20 && *shown < 0x7f);
            }
        }
    }
}

static void there_are_bounds(void)
{
    static char file[4096 + ASKS_OPENINGS_MAX * 32];
    char *end = stpcpy(file, FIRST "request a\n");

    for (int i = 0; i <= ASKS_OPENINGS_MAX; i++)
        end = stpcpy(end, "opening-expect line\n");
    CHECK(!asks_read(&asks, file, strlen(file), false, message));
    CHECK_TEXT(message, "line 515: more than 512 steps of openings");
    end = stpcpy(file, FIRST);
    for (int i = 0; i <= ASKS_MAX; i++)
        end += sprintf(end, "request r%d\nsend 1\nx\nexpect length 1\nend\n", i);
    CHECK(!asks_read(&asks, file, strlen(file), false, message));
    CHECK_TEXT(message, "line 642: more than 128 requests");
    end = stpcpy(file, FIRST);
    memset(end, 'x', 200);
    stpcpy(end + 200, "\n");
    CHECK(!asks_read(&asks, file, strlen(file), false, message));
    CHECK_TEXT(message, "line 2: too long for a line of this file (at most 127 bytes)");
}

static void a_file_is_loaded_by_its_name(void)
{
    char path[] = "/tmp/test-asks.XXXXXX";
    int fd = mkstemp(path);

    if (fd == -1 || write(fd, WHOLE, sizeof WHOLE - 1) == -1)
        abort();
    CHECK(asks_load(&asks, path, false, message));
    CHECK_BYTES(asks.asks[0].send.bytes, asks.asks[0].send.size, "hi", 2);
    asks_free(&asks);
    if (ftruncate(fd, ASKS_FILE_MAX + 1) == -1)
        abort();
    CHECK(!asks_load(&asks, path, false, message));
    CHECK_TEXT(message, "too long (at most 16 MiB)");
    close(fd);
    unlink(path);
    CHECK(!asks_load(&asks, path, false, message));
    CHECK_TEXT(message, "cannot read it: No such file or directory");
    CHECK(!asks_load(&asks, "/", false, message));
    CHECK_TEXT(message, "cannot read it: Is a directory");
}

int main(void)
{
    a_request_has_bytes_of_any_kind();
    an_opening_has_steps();
    http_has_a_status_and_bodies_that_may_be_any();
    what_a_check_alone_can_do_is_read_as_well();
    what_is_wrong_is_told_with_its_line();
    sizes_are_those_of_what_is_there();
    a_file_is_good_only_as_a_whole();
    hostile_bytes_are_harmless();
    there_are_bounds();
    a_file_is_loaded_by_its_name();
    return test_result();
}
