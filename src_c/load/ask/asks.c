// SPDX-License-Identifier: BSD-3-Clause
// What clients ask, with names, as a file of --asks has it. Pure.
#include "load/ask/asks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/numbers.h"

enum { LINE_SIZE = 128, SHOWN = 40 };

static const char FIRST_LINE[] = "fibload-asks 1";

// A file that is being read.
struct reading {
    const char *at;
    const char *end;
    size_t line; // that was read last, as an editor counts them
    char text[LINE_SIZE];
    bool http;
    struct asks *asks;
    struct ask *ask; // that is begun; NULL: none
    unsigned seen;   // of it, by a bit for each member
    char *message;
};

enum member { SEND, CLOSE, HEAD, STATUS, EXPECT };

__attribute__((format(printf, 2, 3))) static bool refuse(struct reading *reading,
                                                         const char *format, ...)
{
    va_list list;
    int used = snprintf(reading->message, ASKS_MESSAGE_SIZE, "line %zu: ", reading->line);

    va_start(list, format);
    vsnprintf(reading->message + used, ASKS_MESSAGE_SIZE - (size_t)used, format, list);
    va_end(list);
    for (char *byte = reading->message; *byte != '\0'; byte++) { // what a terminal might obey
        if ((unsigned char)*byte < 0x20 || (unsigned char)*byte >= 0x7f)
            *byte = '?';
    }
    return false;
}

static bool refuse_line(struct reading *reading)
{
    return refuse(reading, "'%.*s' is not possible here", SHOWN, reading->text);
}

// Reads a line into `text`.
static bool read_line(struct reading *reading)
{
    size_t left = (size_t)(reading->end - reading->at);
    const char *end = memchr(reading->at, '\n', left);
    size_t size = end != NULL ? (size_t)(end - reading->at) : left;

    reading->line++;
    memcpy(reading->text, reading->at, size < LINE_SIZE ? size : LINE_SIZE - 1);
    reading->text[size < LINE_SIZE ? size : LINE_SIZE - 1] = '\0';
    if (end == NULL)
        return refuse(reading, "the file ends before its last request does");
    if (size >= LINE_SIZE)
        return refuse(reading, "too long for a line of this file (at most %d bytes)",
                      LINE_SIZE - 1);
    reading->at = end + 1;
    if (memchr(reading->text, '\0', size) != NULL)
        return refuse_line(reading);
    return true;
}

// What follows a word and one space on the line; NULL when it begins with another word.
static const char *after(const struct reading *reading, const char *word)
{
    size_t length = strlen(word);

    return strncmp(reading->text, word, length) == 0 && reading->text[length] == ' '
               ? reading->text + length + 1
               : NULL;
}

static bool read_size(struct reading *reading, const char *digits, size_t most, size_t *size)
{
    uint64_t read;

    if (numbers_read(digits, &read) != NUMBER_GOOD || read > most)
        return refuse(reading, "'%.*s' is no size (0 to %zu bytes)", SHOWN, digits, most);
    *size = (size_t)read;
    return true;
}

// Reads as many bytes as the line says, and the newline after them.
static bool read_text(struct reading *reading, const char *digits, struct text *text)
{
    size_t left = (size_t)(reading->end - reading->at);

    if (!read_size(reading, digits, ASKS_TEXT_MAX, &text->size))
        return false;
    if (text->size >= left)
        return refuse(reading, "the file ends before these %zu bytes do", text->size);
    if (reading->at[text->size] != '\n')
        return refuse(reading, "there is no newline after these %zu bytes", text->size);
    text->bytes = reading->at;
    for (size_t i = 0; i <= text->size; i++)
        reading->line += reading->at[i] == '\n';
    reading->at += text->size + 1;
    return true;
}

static bool read_some_text(struct reading *reading, const char *digits, struct text *text)
{
    if (strcmp(digits, "0") == 0)
        return refuse(reading, "no bytes are nothing to send or to expect (at least 1)");
    return read_text(reading, digits, text);
}

// Takes note of a member of the request. False when it has it already.
static bool note(struct reading *reading, enum member member)
{
    unsigned bit = 1U << (unsigned)member;

    if ((reading->seen & bit) != 0)
        return refuse(reading, "'%.*s' is given twice in request %s", SHOWN, reading->text,
                      reading->ask->name);
    reading->seen |= bit;
    return true;
}

static bool begin_step(struct reading *reading, struct opening **step)
{
    struct asks *asks = reading->asks;

    if (asks->opening_count == ASKS_OPENINGS_MAX) {
        refuse(reading, "more than %d steps of openings", ASKS_OPENINGS_MAX);
        return false; // as it always does
    }
    *step = &asks->openings[asks->opening_count++];
    **step = (struct opening){.expects = EXPECT_NOTHING};
    reading->ask->opening_count++;
    return true;
}

// The step that an expectation belongs to: the one before it, unless that has one already.
static bool find_step(struct reading *reading, struct opening **step)
{
    const struct ask *ask = reading->ask;

    if (ask->opening_count > 0) {
        *step = &reading->asks->openings[reading->asks->opening_count - 1];
        if ((*step)->expects == EXPECT_NOTHING)
            return true;
    }
    return begin_step(reading, step);
}

static bool read_opening(struct reading *reading)
{
    const char *rest = after(reading, "opening-send");
    struct opening *step = NULL;

    if (rest != NULL)
        return begin_step(reading, &step) && read_some_text(reading, rest, &step->send);
    if (strcmp(reading->text, "opening-expect line") == 0) {
        if (!find_step(reading, &step))
            return false;
        step->expects = EXPECT_LINE;
        return true;
    }
    rest = after(reading, "opening-expect text");
    if (rest == NULL)
        return refuse_line(reading);
    if (!find_step(reading, &step))
        return false;
    step->expects = EXPECT_TEXT;
    return read_some_text(reading, rest, &step->expected);
}

static bool read_status(struct reading *reading, const char *status)
{
    uint64_t read = 0;

    if (!reading->http)
        return refuse(reading, "a status needs --framing http");
    if (!note(reading, STATUS))
        return false;
    if (strcmp(status, "2xx") == 0)
        return true;
    if (strlen(status) != 3 || numbers_read(status, &read) != NUMBER_GOOD || read < 200 ||
        read > 599)
        return refuse(reading, "status '%.*s' is not possible (200 to 599, or 2xx)", SHOWN, status);
    reading->ask->status = (unsigned)read;
    return true;
}

static bool read_expect(struct reading *reading)
{
    struct ask *ask = reading->ask;
    const char *rest;

    if (!note(reading, EXPECT))
        return false;
    if (strcmp(reading->text, "expect any") == 0) {
        ask->expects = EXPECT_ANY;
        return reading->http || refuse(reading, "'expect any' needs --framing http (nothing says "
                                                "where other replies end)");
    }
    if (strcmp(reading->text, "expect learn") == 0) {
        ask->expects = EXPECT_LEARN;
        return reading->http || refuse(reading, "'expect learn' needs --framing http (nothing says "
                                                "where other replies end)");
    }
    if (strcmp(reading->text, "expect line") == 0) {
        ask->expects = EXPECT_LINE;
        return !reading->http ||
               refuse(reading, "'expect line' needs --framing bytes (HTTP says where replies end)");
    }
    rest = after(reading, "expect length");
    if (rest != NULL) {
        ask->expects = EXPECT_LENGTH;
        if (!read_size(reading, rest, ASKS_LENGTH_MAX, &ask->length))
            return false;
        return reading->http || ask->length > 0 ||
               refuse(reading, "a reply of no bytes is none (at least 1)");
    }
    rest = after(reading, "expect text");
    if (rest == NULL)
        return refuse_line(reading);
    ask->expects = EXPECT_TEXT;
    return reading->http ? read_text(reading, rest, &ask->expected)
                         : read_some_text(reading, rest, &ask->expected);
}

// Ends a request; it must be whole.
static bool end_request(struct reading *reading)
{
    struct ask *ask = reading->ask;

    if ((reading->seen & 1U << SEND) == 0)
        return refuse(reading, "request %s has no 'send'", ask->name);
    if ((reading->seen & 1U << EXPECT) == 0) {
        if (!ask->head)
            return refuse(reading, "request %s has no 'expect'", ask->name);
        ask->expects = EXPECT_ANY;
    }
    if (ask->head && (ask->expected.size > 0 || ask->length > 0))
        return refuse(reading, "request %s expects a body, and the reply to HEAD has none",
                      ask->name);
    reading->asks->count++;
    reading->ask = NULL;
    return true;
}

static bool begin_request(struct reading *reading)
{
    struct asks *asks = reading->asks;
    const char *name = after(reading, "request");

    if (name == NULL)
        return refuse_line(reading);
    if (!ask_name_is_good(name))
        return refuse(reading, "no good name (1 to %d letters, digits, dots, dashes, underscores)",
                      ASK_NAME_MAX);
    if (asks_find(asks, name) != NULL)
        return refuse(reading, "request %s is there twice", name);
    if (asks->count == ASKS_MAX)
        return refuse(reading, "more than %d requests", ASKS_MAX);
    reading->seen = 0;
    reading->ask = &asks->asks[asks->count];
    *reading->ask =
        (struct ask){.openings = asks->openings + asks->opening_count, .status = STATUS_SUCCESS};
    memcpy(reading->ask->name, name, strlen(name) + 1);
    return true;
}

// Reads a line of a request, and the bytes that it announces.
static bool read_member(struct reading *reading)
{
    const char *send = after(reading, "send");
    const char *status = after(reading, "status");

    if (strcmp(reading->text, "end") == 0)
        return end_request(reading);
    if (send != NULL)
        return note(reading, SEND) && read_some_text(reading, send, &reading->ask->send);
    if (strncmp(reading->text, "expect ", 7) == 0)
        return read_expect(reading);
    if (strncmp(reading->text, "opening-", 8) == 0)
        return read_opening(reading);
    if (status != NULL)
        return read_status(reading, status);
    if (strcmp(reading->text, "close") == 0) {
        reading->ask->per_connection = 1;
        return note(reading, CLOSE);
    }
    if (strcmp(reading->text, "head") == 0 && reading->http) {
        reading->ask->head = true;
        return note(reading, HEAD);
    }
    return refuse_line(reading);
}

bool asks_read(struct asks *asks, const char *bytes, size_t size, bool http,
               char message[static ASKS_MESSAGE_SIZE])
{
    struct reading reading = {
        .at = bytes, .end = bytes + size, .http = http, .asks = asks, .message = message};

    asks->file = NULL;
    asks->count = 0;
    asks->opening_count = 0;
    if (size == 0) {
        reading.line = 1;
        return refuse(&reading, "the file is empty (it begins with '%s')", FIRST_LINE);
    }
    if (!read_line(&reading))
        return false;
    if (strcmp(reading.text, FIRST_LINE) != 0)
        return refuse(&reading, "no file of requests (it begins with '%s')", FIRST_LINE);
    while (reading.at < reading.end) {
        if (!read_line(&reading) ||
            !(reading.ask == NULL ? begin_request(&reading) : read_member(&reading)))
            return false;
    }
    if (reading.ask != NULL)
        return refuse(&reading, "the file ends before request %s does ('end')", reading.ask->name);
    return asks->count > 0 || refuse(&reading, "the file has no request");
}

const struct ask *asks_find(const struct asks *asks, const char *name)
{
    for (size_t i = 0; i < asks->count; i++) {
        if (strcmp(asks->asks[i].name, name) == 0)
            return &asks->asks[i];
    }
    return NULL;
}

bool ask_name_is_good(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= ASK_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               length;
}
