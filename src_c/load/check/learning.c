// SPDX-License-Identifier: BSD-3-Clause
// Bodies that were not known before, and are expected from then on.
#include "load/check/learning.h"

#include <stdlib.h>
#include <string.h>

#include "load/check/body.h"
#include "load/check/ending.h"

static struct text reply_of(const struct asked *asked)
{
    return (struct text){asked->kept.bytes + asked->reply_at, asked->kept.size - asked->reply_at};
}

// The body of a reply, in memory of its own. False when there is none.
static bool copy_body(const struct asked *asked, char **body, size_t *size)
{
    const struct text reply = reply_of(asked);

    *body = malloc(reply.size + 1);
    if (*body == NULL)
        return false;
    *size = body_copy(asked->ask, reply, *body);
    return true;
}

// Compares a body with the first one.
static void compare(const struct checked *checked, struct asked *asked, const char *body,
                    size_t size)
{
    struct difference difference = {
        .expected = checked->body,
        .expected_size = checked->body_size,
        .reason = "its body is not the same on each connection",
    };
    struct wrong_reply *got = &difference.got;

    while (got->at < size && got->at < checked->body_size &&
           body[got->at] == checked->body[got->at])
        got->at++;
    if (got->at == size && size == checked->body_size)
        return;
    got->from = got->at > WRONG_BEFORE ? got->at - WRONG_BEFORE : 0;
    wrong_reply_keep(got, body + got->from, size - got->from);
    ending_turn_wrong(asked, &difference);
}

bool learning_find(struct checked *checked)
{
    if (checked->ask->expects != EXPECT_LEARN || verdict_of(checked)->outcome != ASKED_RIGHT)
        return true;
    if (!copy_body(&checked->asked[0], &checked->body, &checked->body_size))
        return false;
    for (size_t i = 1; i < checked->count; i++) {
        char *body;
        size_t size;
        if (!copy_body(&checked->asked[i], &body, &size))
            return false;
        compare(checked, &checked->asked[i], body, size);
        free(body);
    }
    return true;
}

static void write_text(FILE *file, const char *word, struct text text)
{
    fprintf(file, "%s %zu\n", word, text.size);
    if (text.size > 0)
        fwrite(text.bytes, 1, text.size, file);
    putc('\n', file);
}

static void write_opening(FILE *file, const struct opening *step)
{
    if (step->send.size > 0)
        write_text(file, "opening-send", step->send);
    if (step->expects == EXPECT_TEXT)
        write_text(file, "opening-expect text", step->expected);
    else if (step->expects == EXPECT_LINE)
        fputs("opening-expect line\n", file);
}

static void write_expected(FILE *file, const struct checked *checked)
{
    const struct ask *ask = checked->ask;

    switch (ask->expects) {
    case EXPECT_TEXT:
        write_text(file, "expect text", ask->expected);
        break;
    case EXPECT_LEARN:
        write_text(file, "expect text", (struct text){checked->body, checked->body_size});
        break;
    case EXPECT_LENGTH:
        fprintf(file, "expect length %zu\n", ask->length);
        break;
    case EXPECT_LINE:
        fputs("expect line\n", file);
        break;
    default:
        fputs("expect any\n", file);
    }
}

static void write_ask(FILE *file, const struct checked *checked)
{
    const struct ask *ask = checked->ask;

    fprintf(file, "request %s\n", ask->name);
    for (size_t i = 0; i < ask->opening_count; i++)
        write_opening(file, &ask->openings[i]);
    write_text(file, "send", ask->send);
    if (ask->per_connection == 1)
        fputs("close\n", file);
    if (ask->head)
        fputs("head\n", file);
    if (ask->status != STATUS_SUCCESS)
        fprintf(file, "status %u\n", ask->status);
    write_expected(file, checked);
    fputs("end\n", file);
}

bool learning_write(const struct checked *all, size_t count, const char *path)
{
    FILE *file = fopen(path, "wbe");

    if (file == NULL)
        return false;
    fputs("fibload-asks 1\n", file);
    for (size_t i = 0; i < count; i++)
        write_ask(file, &all[i]);
    bool written = fflush(file) == 0 && ferror(file) == 0;
    return fclose(file) == 0 && written;
}
