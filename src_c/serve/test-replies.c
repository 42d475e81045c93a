// SPDX-License-Identifier: BSD-3-Clause
// A file of replies is read whole or not at all, and never beyond its end.
#include <stdlib.h>

#include "core/test.h"
#include "serve/replies.h"

static struct replies replies;
static char message[REPLIES_MESSAGE_SIZE];

#define FIRST "fibload-replies 1\n"
#define ONE FIRST "request a\nreply 4 2\nho\nend\n"

// Reads through an exact copy, so that a sanitizer sees reading beyond it. The bytes go with it.
static bool read_copy(const char *name, const char *bytes, size_t size)
{
    char *copy = malloc(size + 1);

    if (copy == NULL)
        abort();
    memcpy(copy + 1, bytes, size);
    message[0] = '\0';
    bool good = replies_read(&replies, name, copy + 1, size, message);
    free(copy);
    return good;
}

static void check_refused(const char *name, const char *file, const char *wanted)
{
    CHECK(!read_copy(name, file, strlen(file)));
    CHECK_TEXT(message, wanted);
}

static void a_reply_has_bytes_of_any_kind(void)
{
    static const char file[] = FIRST "request a\nopening 0 4\n220\n\nopening 6 0\n\n"
                                     "reply 5 4\n\0\n\1\n\nclose\nend\n";

    CHECK(replies_read(&replies, NULL, file, sizeof file - 1, message));
    CHECK_NUMBER(replies.opening_count, 2);
    CHECK_NUMBER(replies.openings[0].in, 0);
    CHECK_BYTES(replies.openings[0].bytes, replies.openings[0].out, "220\n", 4);
    CHECK_NUMBER(replies.openings[1].in, 6);
    CHECK_NUMBER(replies.openings[1].out, 0);
    CHECK_NUMBER(replies.reply.in, 5);
    CHECK_BYTES(replies.reply.bytes, replies.reply.out, "\0\n\1\n", 4);
    CHECK(replies.closes);
}

static void one_of_several_is_found_by_its_name(void)
{
    static const char file[] = FIRST "request a\nopening 1 1\nx\nreply 1 1\na\nclose\nend\n"
                                     "request b\nreply 2 1\nb\nend\n"
                                     "request c\nreply 3 1\nc\nclose\nend\n";

    CHECK(replies_read(&replies, "b", file, sizeof file - 1, message));
    CHECK_NUMBER(replies.opening_count, 0);
    CHECK_NUMBER(replies.reply.in, 2);
    CHECK_BYTES(replies.reply.bytes, replies.reply.out, "b", 1);
    CHECK(!replies.closes);
    check_refused("d", file, "line 17: there is no reply to request 'd'");
    check_refused(NULL, file, "line 9: there are several requests (say which: --ask)");
}

static void what_is_wrong_is_told_with_its_line(void)
{
    check_refused(NULL, "", "line 1: the file ends before its last request does");
    check_refused(NULL, "fibload-asks 1\n",
                  "line 1: no file of replies (it begins with 'fibload-replies 1')");
    check_refused(NULL, FIRST "reply 1 1\na\n", "line 2: 'reply 1 1' is not possible here");
    check_refused(NULL, FIRST "request a\nend\n", "line 3: the request has no reply");
    check_refused(NULL, FIRST "request a\nreply 1\n", "line 3: 'reply 1' is not possible here");
    check_refused(NULL, FIRST "request a\nreply -1 1\na\nend\n", "line 3: these are no sizes");
    check_refused(NULL, FIRST "request a\nreply 1 18446744073709551616\na\nend\n",
                  "line 3: these are no sizes");
    check_refused(NULL, FIRST "request a\nreply 1 9\na\nend\n",
                  "line 3: the file ends before these 9 bytes do");
    check_refused(NULL, FIRST "request a\nreply 1 2\nabc\nend\n",
                  "line 3: there is no newline after these 2 bytes");
    check_refused(NULL, FIRST "request a\nreply 0 1\na\nend\n",
                  "line 4: a request or a reply of no bytes is none");
    check_refused(NULL, FIRST "request a\nreply 1 0\n\nend\n",
                  "line 4: a request or a reply of no bytes is none");
    check_refused(NULL, FIRST "request a\nreply 1 1\na\nreply 1 1\na\nend\n",
                  "line 5: 'reply 1 1' is not possible here");
    check_refused(NULL, FIRST "request a\n\033[31m\n", "line 3: '?[31m' is not possible here");
}

static void a_file_is_good_only_as_a_whole(void)
{
    for (size_t size = 0; size < strlen(ONE); size++)
        CHECK(!read_copy(NULL, ONE, size));
    CHECK(read_copy(NULL, ONE, strlen(ONE)));
}

int main(void)
{
    a_reply_has_bytes_of_any_kind();
    one_of_several_is_found_by_its_name();
    what_is_wrong_is_told_with_its_line();
    a_file_is_good_only_as_a_whole();
    return test_result();
}
