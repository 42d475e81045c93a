// SPDX-License-Identifier: BSD-3-Clause
// How often a full listen queue turned a connection away, as the kernel counts it.
#include "load/count/listen_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Which word of a line is "ListenOverflows"; -1 when none is.
static int column_of(char *names)
{
    char *rest = names;
    int column = 0;

    for (char *word; (word = strsep(&rest, " \n")) != NULL; column++) {
        if (strcmp(word, "ListenOverflows") == 0)
            return column;
    }
    return -1;
}

static int64_t number_in(char *numbers, int column)
{
    char *rest = numbers;
    char *word = strsep(&rest, " \n");

    for (; word != NULL && column > 0; column--)
        word = strsep(&rest, " \n");
    if (word == NULL || *word == '\0')
        return -1;
    char *end;
    errno = 0;
    long long number = strtoll(word, &end, 10);
    return errno == 0 && *end == '\0' && number >= 0 ? number : -1;
}

// The file has pairs of lines that begin alike: names, and below them numbers.
int64_t listen_overflows_in(FILE *netstat)
{
    char *line = NULL;
    size_t room = 0;
    int column = -1;
    int64_t found = -1;

    while (found == -1 && getline(&line, &room, netstat) != -1) {
        if (strncmp(line, "TcpExt:", strlen("TcpExt:")) != 0)
            continue;
        if (column == -1)
            column = column_of(line);
        else
            found = number_in(line, column);
    }
    free(line);
    return found;
}

int64_t listen_overflows(void)
{
    FILE *netstat = fopen("/proc/net/netstat", "re");

    if (netstat == NULL)
        return -1;
    int64_t found = listen_overflows_in(netstat);
    fclose(netstat);
    return found;
}
