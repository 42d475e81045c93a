// SPDX-License-Identifier: BSD-3-Clause
// What a thread waits for, by the system call that it is in.
#include "sample/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

// Calls that one architecture has and another has not are left out there.
static const struct {
    long number;
    char wait;
} CALLS[] = {
#ifdef SYS_accept
    {SYS_accept, WAIT_NETWORK},
#endif
    {SYS_accept4, WAIT_NETWORK},
    {SYS_connect, WAIT_NETWORK},
    {SYS_recvfrom, WAIT_NETWORK},
    {SYS_recvmsg, WAIT_NETWORK},
    {SYS_recvmmsg, WAIT_NETWORK},
    {SYS_sendto, WAIT_NETWORK},
    {SYS_sendmsg, WAIT_NETWORK},
    {SYS_sendmmsg, WAIT_NETWORK},
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, WAIT_NETWORK},
#endif
    {SYS_epoll_pwait, WAIT_NETWORK},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, WAIT_NETWORK},
#endif
#ifdef SYS_io_uring_enter
    {SYS_io_uring_enter, WAIT_NETWORK},
#endif
    {SYS_io_getevents, WAIT_NETWORK}, // Linux AIO: of sockets here, IOCB_CMD_POLL
#ifdef SYS_io_pgetevents
    {SYS_io_pgetevents, WAIT_NETWORK},
#endif
    {SYS_futex, WAIT_FUTEX},
#ifdef SYS_futex_wait
    {SYS_futex_wait, WAIT_FUTEX},
#endif
    {SYS_nanosleep, WAIT_SLEEPING},
    {SYS_clock_nanosleep, WAIT_SLEEPING},
    {SYS_read, WAIT_DESCRIPTOR},
    {SYS_readv, WAIT_DESCRIPTOR},
    {SYS_pread64, WAIT_DESCRIPTOR},
    {SYS_write, WAIT_DESCRIPTOR},
    {SYS_writev, WAIT_DESCRIPTOR},
    {SYS_pwrite64, WAIT_DESCRIPTOR},
    {SYS_sendfile, WAIT_DESCRIPTOR},
};

enum { CALL_COUNT = sizeof CALLS / sizeof CALLS[0] };

// Whether a call waits for descriptors, of which it says how many; which argument is that?
static int count_of_descriptors(long number)
{
    switch (number) {
#ifdef SYS_select
    case SYS_select:
        return 0;
#endif
#ifdef SYS_poll
    case SYS_poll:
        return 1;
#endif
    case SYS_pselect6:
        return 0;
    case SYS_ppoll:
        return 1;
    default:
        return -1;
    }
}

char calls_wait(const struct call *call)
{
    int count = count_of_descriptors(call->number);
    if (count != -1)
        return call->arguments[count] == 0 ? WAIT_SLEEPING : WAIT_NETWORK;
    for (unsigned i = 0; i < CALL_COUNT; i++) {
        if (CALLS[i].number == call->number)
            return CALLS[i].wait;
    }
    return WAIT_OTHER;
}

// Reads a number after spaces; false where there is none.
static bool read_hexadecimal(const char **at, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(*at, &end, 16);
    if (end == *at || errno != 0)
        return false;
    *at = end;
    return true;
}

enum call_outcome calls_read(const char *text, struct call *call)
{
    static const char RUNNING[] = "running";
    if (strncmp(text, RUNNING, sizeof RUNNING - 1) == 0)
        return CALL_RUNNABLE;
    char *end;
    struct call found = {0};
    errno = 0;
    found.number = strtol(text, &end, 10);
    const char *at = end;
    if (end == text || errno != 0 || !read_hexadecimal(&at, &found.arguments[0]) ||
        !read_hexadecimal(&at, &found.arguments[1]))
        return CALL_UNREADABLE;
    // Outside of a call the two are the stack pointer and the program counter.
    found.ended = found.number == -1 && found.arguments[0] == 0 && found.arguments[1] == 0;
    *call = found;
    return CALL_WAITS;
}
