// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>

#include "core/test.h"
#include "load/count/listen_queue.h"

// What is found in a file with this text.
static int64_t read_text(const char *text)
{
    char *copy = strdup(text);
    FILE *file = copy == NULL ? NULL : fmemopen(copy, strlen(copy), "r");

    if (file == NULL)
        abort();
    int64_t found = listen_overflows_in(file);
    fclose(file);
    free(copy);
    return found;
}

static void the_number_stands_below_its_name(void)
{
    CHECK_NUMBER(read_text("TcpExt: SyncookiesSent ListenOverflows ListenDrops\n"
                           "TcpExt: 7 12 13\n"
                           "IpExt: InNoRoutes ListenOverflows\n"
                           "IpExt: 0 99\n"),
                 12);
    CHECK_NUMBER(read_text("TcpExt: ListenOverflows\nTcpExt: 0\n"), 0);
    CHECK_NUMBER(read_text("Other: ListenOverflows\nOther: 4\n"
                           "TcpExt: A ListenOverflows\nTcpExt: 1 5"),
                 5);
}

static void what_is_not_there_is_not_known(void)
{
    CHECK_NUMBER(read_text("\n"), -1);
    CHECK_NUMBER(read_text("TcpExt: ListenDrops\nTcpExt: 13\n"), -1);
    CHECK_NUMBER(read_text("TcpExt: A ListenOverflows\nTcpExt: 1\n"), -1);
    CHECK_NUMBER(read_text("TcpExt: A ListenOverflows\n"), -1);
    CHECK_NUMBER(read_text("TcpExt: A ListenOverflows\nTcpExt: 1 x\n"), -1);
    CHECK_NUMBER(read_text("TcpExt: A ListenOverflows\nTcpExt: 1 -3\n"), -1);
}

static void the_kernel_counts_upwards(void)
{
    int64_t before = listen_overflows();

    CHECK(before == -1 || listen_overflows() >= before);
}

int main(void)
{
    the_number_stands_below_its_name();
    what_is_not_there_is_not_known();
    the_kernel_counts_upwards();
    return test_result();
}
