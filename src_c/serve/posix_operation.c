// SPDX-License-Identifier: BSD-3-Clause
// Operations of POSIX AIO: see posix_operation.h.
#include "serve/posix_operation.h"

#include <errno.h>
#include <sys/socket.h>

#include "core/die.h"

static void on_completion(int signal_number)
{
    (void)signal_number; // it is there to interrupt ppoll(2)
}

sigset_t posix_operations_prepare_or_exit(const char *program, int threads)
{
    const struct sigaction action = {.sa_handler = on_completion};
    const struct aioinit hints = {.aio_threads = threads, .aio_num = threads, .aio_idle_time = 1};
    sigset_t completion;
    sigset_t mask;

    sigemptyset(&completion);
    sigaddset(&completion, SIGRTMIN);
    if (sigprocmask(SIG_BLOCK, &completion, &mask) == -1 ||
        sigaction(SIGRTMIN, &action, NULL) == -1)
        die(program, "cannot handle signals", errno);
    sigdelset(&mask, SIGRTMIN);
    aio_init(&hints);
    return mask;
}

static void prepare(struct posix_operation *operation, int fd, volatile void *bytes, size_t size)
{
    operation->block = (struct aiocb){
        .aio_fildes = fd,
        .aio_buf = bytes,
        .aio_nbytes = size,
        .aio_sigevent = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN},
    };
}

bool posix_operation_read(struct posix_operation *operation, int fd, void *bytes, size_t size)
{
    prepare(operation, fd, bytes, size);
    operation->kind = POSIX_OPERATION_READ;
    return aio_read(&operation->block) == 0;
}

bool posix_operation_write(struct posix_operation *operation, int fd, const void *bytes,
                           size_t size)
{
    // NOLINTNEXTLINE(performance-no-int-to-ptr): one type of block for both, and here it is read
    prepare(operation, fd, (void *)(uintptr_t)bytes, size);
    operation->kind = POSIX_OPERATION_WRITE;
    return aio_write(&operation->block) == 0;
}

void posix_operation_wait(struct posix_operation *operation, int64_t until_ns)
{
    operation->kind = POSIX_OPERATION_WAIT;
    operation->deadline_ns = until_ns;
}

bool posix_operation_is_complete(struct posix_operation *operation, int64_t now_ns, ssize_t *size)
{
    *size = 0;
    if (operation->kind == POSIX_OPERATION_WAIT)
        return now_ns >= operation->deadline_ns;
    if (aio_error(&operation->block) == EINPROGRESS) {
        if (now_ns >= operation->deadline_ns && !operation->overdue)
            operation->overdue = shutdown(operation->block.aio_fildes, SHUT_RDWR) == 0;
        return false;
    }
    *size = aio_return(&operation->block);
    if (operation->overdue)
        *size = -1;
    return true;
}
