// SPDX-License-Identifier: BSD-3-Clause
// What clients ask, with names, as a file of --asks has it. Pure but for asks_load().
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ASK_NAME_MAX = 64,
    ASKS_MAX = 128,          // requests in a file
    ASKS_OPENINGS_MAX = 512, // steps of their openings, all together
    ASKS_TEXT_MAX = 1024 * 1024,
    ASKS_FILE_MAX = 16 * 1024 * 1024,
    ASKS_LENGTH_MAX = 1024 * 1024 * 1024, // of a reply whose bytes do not matter
    ASKS_MESSAGE_SIZE = 200,
};

// Bytes of any kind, without a terminator.
struct text {
    const char *bytes;
    size_t size;
};

enum expects {
    EXPECT_NOTHING, // the step of an opening that only sends
    EXPECT_TEXT,    // these bytes
    EXPECT_LENGTH,  // so many, whatever they are
    EXPECT_LINE,    // one line, whatever it says: in an opening, and where --check asks
    EXPECT_ANY,     // any body: only of HTTP
    EXPECT_LEARN,   // any body, which --check has become EXPECT_TEXT: only of HTTP
};

// One step of what is said on a new connection before it is measured.
struct opening {
    struct text send; // no bytes: nothing
    enum expects expects;
    struct text expected;
};

enum { STATUS_SUCCESS = 2 }; // any of 200 to 299

struct ask {
    char name[ASK_NAME_MAX + 1];
    const struct opening *openings;
    size_t opening_count;
    struct text send;
    enum expects expects;
    struct text expected;
    size_t length;           // of EXPECT_LENGTH
    uint64_t per_connection; // requests on a connection; 0: it is kept
    bool head;               // the reply to HEAD has no body
    unsigned status;         // of HTTP: STATUS_SUCCESS, or the one that must come
};

struct asks {
    char *file; // what the texts point into; NULL when they belong to somebody else
    struct ask asks[ASKS_MAX];
    size_t count;
    struct opening openings[ASKS_OPENINGS_MAX];
    size_t opening_count;
};

// Reads the bytes of a file; they must stay. False, with one line in `message`, when it is wrong.
bool asks_read(struct asks *asks, const char *bytes, size_t size, bool http,
               char message[static ASKS_MESSAGE_SIZE]);

// The same of a file by its name. `asks` is large, and belongs to nobody's stack.
bool asks_load(struct asks *asks, const char *path, bool http,
               char message[static ASKS_MESSAGE_SIZE]);
void asks_free(struct asks *asks);

// NULL when there is none of this name.
const struct ask *asks_find(const struct asks *asks, const char *name);

// Whether requests can have this name: letters, digits, dot, dash and underscore.
bool ask_name_is_good(const char *name);
