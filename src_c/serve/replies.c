// SPDX-License-Identifier: BSD-3-Clause
// What null_server is to repeat: see replies.h.
#include "serve/replies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/numbers.h"

enum { LINE_SIZE = 128, SHOWN = 40 };

static const char FIRST_LINE[] = "fibload-replies 1";

// A file that is being read.
struct reading {
    const char *at;
    const char *end;
    size_t line; // that was read last, as an editor counts them
    char text[LINE_SIZE];
    const char *name; // of the request that is wanted
    size_t requests;  // begun so far
    bool is_found;    // what is wanted was among them
    bool is_inside;   // of a request
    bool has_reply;   // that request
    struct replies now;
    struct replies *found;
    char *message;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct reading *reading,
                                                         const char *format, ...)
{
    va_list list;
    int used = snprintf(reading->message, REPLIES_MESSAGE_SIZE, "line %zu: ", reading->line);

    va_start(list, format);
    vsnprintf(reading->message + used, REPLIES_MESSAGE_SIZE - (size_t)used, format, list);
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

static bool read_line(struct reading *reading)
{
    size_t left = (size_t)(reading->end - reading->at);
    const char *end = memchr(reading->at, '\n', left);
    size_t size = end != NULL ? (size_t)(end - reading->at) : left;

    reading->line++;
    if (end == NULL)
        return refuse(reading, "the file ends before its last request does");
    if (size >= LINE_SIZE)
        return refuse(reading, "too long for a line of this file (at most %d bytes)",
                      LINE_SIZE - 1);
    memcpy(reading->text, reading->at, size);
    reading->text[size] = '\0';
    reading->at = end + 1;
    return memchr(reading->text, '\0', size) == NULL || refuse_line(reading);
}

// What follows a word and one space on the line; NULL when it begins with another word.
static char *after(struct reading *reading, const char *word)
{
    size_t length = strlen(word);

    return strncmp(reading->text, word, length) == 0 && reading->text[length] == ' '
               ? reading->text + length + 1
               : NULL;
}

// Reads "IN OUT", and the bytes that go out.
static bool read_step(struct reading *reading, char *numbers, struct replies_step *step)
{
    size_t left = (size_t)(reading->end - reading->at);
    char *space = strchr(numbers, ' ');
    uint64_t in;
    uint64_t out;

    if (space == NULL)
        return refuse_line(reading);
    *space = '\0';
    if (numbers_read(numbers, &in) != NUMBER_GOOD || in > REPLIES_IN_MAX ||
        numbers_read(space + 1, &out) != NUMBER_GOOD || out > REPLIES_FILE_MAX)
        return refuse(reading, "these are no sizes");
    if (out >= left)
        return refuse(reading, "the file ends before these %zu bytes do", (size_t)out);
    if (reading->at[out] != '\n')
        return refuse(reading, "there is no newline after these %zu bytes", (size_t)out);
    *step = (struct replies_step){(size_t)in, (size_t)out, reading->at};
    for (size_t i = 0; i <= out; i++)
        reading->line += reading->at[i] == '\n';
    reading->at += out + 1;
    return true;
}

static bool read_reply(struct reading *reading, char *numbers)
{
    struct replies_step *reply = &reading->now.reply;

    if (reading->has_reply)
        return refuse_line(reading);
    reading->has_reply = true;
    if (!read_step(reading, numbers, reply))
        return false;
    return (reply->in > 0 && reply->out > 0) ||
           refuse(reading, "a request or a reply of no bytes is none");
}

static bool begin_request(struct reading *reading)
{
    const char *name = after(reading, "request");

    if (name == NULL)
        return refuse_line(reading);
    if (reading->name == NULL && reading->requests == 1)
        return refuse(reading, "there are several requests (say which: --ask)");
    reading->requests++;
    reading->is_inside = true;
    reading->has_reply = false;
    reading->is_found =
        reading->is_found || reading->name == NULL || strcmp(name, reading->name) == 0;
    reading->now.opening_count = 0;
    reading->now.closes = false;
    return true;
}

static bool end_request(struct reading *reading, bool is_wanted)
{
    if (!reading->has_reply)
        return refuse(reading, "the request has no reply");
    if (is_wanted)
        *reading->found = reading->now;
    reading->is_inside = false;
    return true;
}

static bool read_member(struct reading *reading, bool is_wanted)
{
    struct replies *now = &reading->now;
    char *opening = after(reading, "opening");
    char *reply = after(reading, "reply");

    if (strcmp(reading->text, "end") == 0)
        return end_request(reading, is_wanted);
    if (strcmp(reading->text, "close") == 0) {
        now->closes = true;
        return true;
    }
    if (reply != NULL)
        return read_reply(reading, reply);
    if (opening == NULL)
        return refuse_line(reading);
    if (now->opening_count == REPLIES_OPENINGS_MAX)
        return refuse(reading, "more than %d openings", REPLIES_OPENINGS_MAX);
    return read_step(reading, opening, &now->openings[now->opening_count++]);
}

bool replies_read(struct replies *replies, const char *name, const char *bytes, size_t size,
                  char message[static REPLIES_MESSAGE_SIZE])
{
    static struct reading reading; // too large for the stack's taste
    bool is_wanted = false;

    reading = (struct reading){
        .at = bytes, .end = bytes + size, .name = name, .found = replies, .message = message};
    if (!read_line(&reading))
        return false;
    if (strcmp(reading.text, FIRST_LINE) != 0)
        return refuse(&reading, "no file of replies (it begins with '%s')", FIRST_LINE);
    while (reading.at < reading.end) {
        if (!read_line(&reading))
            return false;
        if (!reading.is_inside) {
            bool was_found = reading.is_found;
            if (!begin_request(&reading))
                return false;
            is_wanted = reading.is_found && !was_found;
        } else if (!read_member(&reading, is_wanted)) {
            return false;
        }
    }
    if (reading.is_inside)
        return refuse(&reading, "the file ends before its last request does");
    if (!reading.is_found)
        return refuse(&reading, "there is no reply to request '%.*s'", SHOWN,
                      name != NULL ? name : "");
    return true;
}

// Reads all of a file. NULL with errno.
static char *load(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat found;
    char *bytes = NULL;

    if (fd == -1)
        return NULL;
    if (fstat(fd, &found) == 0) {
        errno = EFBIG;
        if (found.st_size <= REPLIES_FILE_MAX)
            bytes = malloc((size_t)found.st_size + 1);
    }
    *size = 0;
    while (bytes != NULL && *size < (size_t)found.st_size) {
        ssize_t got = read(fd, bytes + *size, (size_t)found.st_size - *size);
        if (got == 0)
            break;
        if (got > 0) {
            *size += (size_t)got;
        } else if (errno != EINTR) {
            int error = errno;
            free(bytes);
            bytes = NULL;
            errno = error;
        }
    }
    int error = errno;
    close(fd);
    errno = error;
    return bytes;
}

void replies_load_or_exit(struct replies *replies, const char *program, const char *name,
                          const char *path)
{
    char message[REPLIES_MESSAGE_SIZE];
    size_t size;

    char *bytes = load(path, &size);
    if (bytes != NULL && replies_read(replies, name, bytes, size, message))
        return;
    fprintf(stderr, "%s: --replies %.200s: %s; try --help\n", program, path,
            bytes != NULL ? message : strerror(errno));
    exit(2);
}
