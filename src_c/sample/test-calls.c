// SPDX-License-Identifier: BSD-3-Clause
// What a thread waits for is told by its system call, and by nothing that is not one.
#include <inttypes.h>
#include <sys/syscall.h>

#include "core/test.h"
#include "sample/calls.h"

// What a line of the kernel's says; '.' where it says that the thread is runnable, or is no line.
static char waits(const char *text)
{
    struct call call;
    return calls_read(text, &call) == CALL_WAITS ? calls_wait(&call) : '.';
}

static char waits_in(long number, uint64_t first, uint64_t second)
{
    char line[120];
    snprintf(line, sizeof line, "%ld 0x%" PRIx64 " 0x%" PRIx64 " 0x0 0x0 0x0 0x0 0x7ffe 0x7f1b\n",
             number, first, second);
    return waits(line);
}

static void test_what_is_waited_for(void)
{
    CHECK_NUMBER(waits_in(SYS_accept4, 3, 0), WAIT_NETWORK);
    CHECK_NUMBER(waits_in(SYS_recvfrom, 3, 0), WAIT_NETWORK);
    CHECK_NUMBER(waits_in(SYS_epoll_pwait, 3, 0), WAIT_NETWORK);
    CHECK_NUMBER(waits_in(SYS_io_getevents, 3, 0), WAIT_NETWORK);
    CHECK_NUMBER(waits_in(SYS_futex, 0x7f0000000000, 0x189), WAIT_FUTEX);
    CHECK_NUMBER(waits_in(SYS_clock_nanosleep, 1, 0), WAIT_SLEEPING);
    CHECK_NUMBER(waits_in(SYS_read, 3, 0), WAIT_DESCRIPTOR);
    CHECK_NUMBER(waits_in(SYS_wait4, 3, 0), WAIT_OTHER);
    CHECK_NUMBER(waits_in(-1, 0x7ffe, 0x7f1b), WAIT_OTHER);
}

static void test_who_polls_no_descriptor_sleeps(void)
{
    CHECK_NUMBER(waits_in(SYS_ppoll, 0x7ffe, 1), WAIT_NETWORK);
    CHECK_NUMBER(waits_in(SYS_ppoll, 0x7ffe, 0), WAIT_SLEEPING);
    CHECK_NUMBER(waits_in(SYS_pselect6, 4, 0x7ffe), WAIT_NETWORK);
    CHECK_NUMBER(waits_in(SYS_pselect6, 0, 0x7ffe), WAIT_SLEEPING);
}

static void test_arguments_are_read_whole(void)
{
    struct call call;
    CHECK_NUMBER(calls_read("202 0xfffffffffffffff0 0x80 0x0\n", &call), CALL_WAITS);
    CHECK_NUMBER(call.number, 202);
    CHECK(call.arguments[0] == 0xfffffffffffffff0);
    CHECK_NUMBER(call.arguments[1], 0x80);
    CHECK(!call.ended);
}

static void test_a_zombie_has_ended(void)
{
    struct call call;
    CHECK_NUMBER(calls_read("-1 0x0 0x0\n", &call), CALL_WAITS);
    CHECK(call.ended);
    CHECK_NUMBER(calls_read("-1 0x7ffe 0x7f1b\n", &call), CALL_WAITS);
    CHECK(!call.ended);
}

static void test_what_is_no_such_line_says_nothing(void)
{
    static const char *const LINES[] = {
        "", "\n", "x", "202", "202 ", "202 0x", "202 0x1", "0x", "99999999999999999999 0x1 0x1",
    };
    struct call call = {.number = 7};
    CHECK_NUMBER(calls_read("running\n", &call), CALL_RUNNABLE);
    for (unsigned i = 0; i < sizeof LINES / sizeof LINES[0]; i++)
        CHECK_NUMBER(calls_read(LINES[i], &call), CALL_UNREADABLE);
    CHECK_NUMBER(call.number, 7);
}

int main(void)
{
    test_what_is_waited_for();
    test_who_polls_no_descriptor_sleeps();
    test_arguments_are_read_whole();
    test_a_zombie_has_ended();
    test_what_is_no_such_line_says_nothing();
    return test_result();
}
