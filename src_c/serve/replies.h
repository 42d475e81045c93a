// SPDX-License-Identifier: BSD-3-Clause
// What null_server is to repeat: a file of replies, as fibload --check --replies writes it. Pure
// but for replies_load_or_exit().
//
//     fibload-replies 1
//     request NAME
//     opening IN OUT      and OUT bytes, and a newline: once on each connection, any number of them
//     reply IN OUT        the same, for each request
//     close               the connection ends with the reply
//     end
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    REPLIES_OPENINGS_MAX = 513,
    REPLIES_IN_MAX = 1024 * 1024 * 1024, // bytes of the openings or the request
    REPLIES_FILE_MAX = 512 * 1024 * 1024,
    REPLIES_MESSAGE_SIZE = 200,
};

// So many bytes come in, and then these go out.
struct replies_step {
    size_t in;
    size_t out;
    const char *bytes;
};

struct replies {
    struct replies_step openings[REPLIES_OPENINGS_MAX];
    size_t opening_count;
    struct replies_step reply;
    bool closes;
};

// Reads what the file says of the request of this name; NULL: of the only one. The bytes must stay.
// False, with one line in `message`, when it is wrong.
bool replies_read(struct replies *replies, const char *name, const char *bytes, size_t size,
                  char message[static REPLIES_MESSAGE_SIZE]);

// The same of a file by its name. The bytes last as long as the process. On failure says why on
// stderr and exits with 2.
void replies_load_or_exit(struct replies *replies, const char *program, const char *name,
                          const char *path);
