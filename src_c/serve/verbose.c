// SPDX-License-Identifier: BSD-3-Clause
// What --verbose prints on stderr; never called without it.
#include "serve/verbose.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { SHOWN_BYTES = 64 }; // of a request

void verbose_connection(const struct options *options, int fd)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];

    // A client may be gone again by now.
    if (getpeername(fd, (struct sockaddr *)&peer, &length) == -1 ||
        getnameinfo((struct sockaddr *)&peer, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        fprintf(stderr, "%s: [%d] connection from a client that has left\n", options->program, fd);
        return;
    }
    fprintf(stderr, "%s: [%d] connection from %s port %s\n", options->program, fd, host, port);
}

void verbose_request(const struct options *options, int fd, const char *request, size_t length,
                     const char *reply, size_t reply_length)
{
    char shown[4 * SHOWN_BYTES + 1];
    size_t used = 0;

    for (size_t i = 0; i < length && i < SHOWN_BYTES; i++) {
        unsigned char c = (unsigned char)request[i];
        if (c >= ' ' && c < 0x7f && c != '\\')
            shown[used++] = (char)c;
        else
            used += (size_t)snprintf(shown + used, 5, "\\x%02x", c);
    }
    shown[used] = '\0';
    while (reply_length > 0 && reply[reply_length - 1] == '\n')
        reply_length--;
    fprintf(stderr, "%s: [%d] '%s'%s: %.*s\n", options->program, fd, shown,
            length > SHOWN_BYTES ? "..." : "", (int)reply_length, reply);
}
