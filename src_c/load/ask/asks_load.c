// SPDX-License-Identifier: BSD-3-Clause
// A file of requests by its name: see asks.h.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/ask/asks.h"

// Reads all that a file has, and one byte more than it may have at most.
static bool load(FILE *file, char **bytes, size_t *size)
{
    size_t room = 0;

    *bytes = NULL;
    *size = 0;
    do {
        room = room == 0 ? 64 * (size_t)1024 : 2 * room;
        if (room > ASKS_FILE_MAX)
            room = (size_t)ASKS_FILE_MAX + 1;
        char *larger = realloc(*bytes, room);
        if (larger == NULL)
            return false;
        *bytes = larger;
        *size += fread(*bytes + *size, 1, room - *size, file);
    } while (*size == room && room <= ASKS_FILE_MAX);
    return ferror(file) == 0;
}

bool asks_load(struct asks *asks, const char *path, bool http,
               char message[static ASKS_MESSAGE_SIZE])
{
    FILE *file = fopen(path, "rbe");
    char *bytes = NULL;
    size_t size = 0;
    bool loaded = file != NULL && load(file, &bytes, &size);
    int error = errno;

    if (file != NULL)
        fclose(file);
    if (!loaded) {
        snprintf(message, ASKS_MESSAGE_SIZE, "cannot read it: %s", strerror(error));
        free(bytes);
        return false;
    }
    if (size > ASKS_FILE_MAX) {
        snprintf(message, ASKS_MESSAGE_SIZE, "too long (at most %d MiB)",
                 ASKS_FILE_MAX / 1024 / 1024);
        free(bytes);
        return false;
    }
    bool good = asks_read(asks, bytes, size, http, message);
    asks->file = bytes;
    if (!good)
        asks_free(asks);
    return good;
}

void asks_free(struct asks *asks)
{
    free(asks->file);
    asks->file = NULL;
    asks->count = 0;
}
