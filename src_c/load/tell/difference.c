// SPDX-License-Identifier: BSD-3-Clause
// How a wrong reply differs from the right one, in words and as JSON.
#include "load/tell/difference.h"

#include <stdio.h>
#include <string.h>

#include "load/ask/asks.h"

// What was expected from the first byte on that is kept of what came.
static struct text expected_from(const struct difference *difference)
{
    size_t from = difference->got.from;

    if (from >= difference->expected_size)
        return (struct text){"", 0};
    return (struct text){difference->expected + from, difference->expected_size - from};
}

// Writes bytes from outside so that they are harmless: what a terminal might obey is escaped.
static size_t escape(char *text, const char *bytes, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte == '"' || byte == '\\')
            used += (size_t)sprintf(text + used, "\\%c", byte);
        else if (byte >= 0x20 && byte < 0x7f)
            text[used++] = (char)byte;
        else
            used += (size_t)sprintf(text + used, "\\x%02x", byte);
    }
    text[used] = '\0';
    return used;
}

// What a text says about its byte `at`; dots stand where it goes on. `bytes` are those kept of it,
// from its byte `from` on.
static void excerpt(char text[EXCERPT_SIZE], const char *bytes, size_t size, size_t from, size_t at,
                    bool goes_on)
{
    size_t first = at - from > SHOWN_BEFORE ? at - from - SHOWN_BEFORE : 0;
    size_t end = at - from + SHOWN_BEHIND;
    char *out = text;

    if (end >= size)
        end = size;
    else
        goes_on = true;
    if (from + first > 0)
        out = stpcpy(out, "...");
    out += escape(out, bytes + first, end > first ? end - first : 0);
    stpcpy(out, goes_on ? "..." : "");
}

void difference_say(char text[static DIFFERENCE_SIZE], const struct difference *difference)
{
    const struct wrong_reply *got = &difference->got;
    struct text expected = expected_from(difference);
    char came[EXCERPT_SIZE];
    char wanted[EXCERPT_SIZE];
    char where[128] = "";

    excerpt(came, got->bytes, got->size, got->from, got->at, got->cut);
    excerpt(wanted, expected.bytes, expected.size < WRONG_SHOWN ? expected.size : WRONG_SHOWN,
            got->from, got->at, expected.size > WRONG_SHOWN);
    if (got->at > 0)
        snprintf(where, sizeof where, "differs at byte %zu: ", got->at);
    if (difference->reason != NULL)
        snprintf(where + strlen(where), sizeof where - strlen(where), "%s: ", difference->reason);
    if (difference->expected != NULL)
        snprintf(text, DIFFERENCE_SIZE, "%s\"%s\" instead of \"%s\"", where, came, wanted);
    else
        snprintf(text, DIFFERENCE_SIZE, "%s\"%s\"", where, came);
}

void difference_write(struct json *json, const char *name, const struct difference *difference)
{
    const struct wrong_reply *got = &difference->got;
    struct text expected = expected_from(difference);

    json_open(json, name, '{');
    json_unsigned(json, "differs_at", got->at);
    json_unsigned(json, "shown_from", got->from);
    json_bytes(json, "expected", expected.bytes,
               expected.size < WRONG_SHOWN ? expected.size : WRONG_SHOWN);
    json_bytes(json, "got", got->bytes, got->size);
    json_bool(json, "cut", got->cut);
    if (difference->reason != NULL)
        json_text(json, "reason", difference->reason);
    else
        json_null(json, "reason");
    json_close(json, '}');
}
