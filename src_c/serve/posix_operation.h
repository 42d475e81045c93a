// SPDX-License-Identifier: BSD-3-Clause
// One aio_read(3) or aio_write(3) at a time, and the signal that ends ppoll(2) when one is
// complete.
#pragma once

#include <aio.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum posix_operation_kind { POSIX_OPERATION_READ, POSIX_OPERATION_WRITE, POSIX_OPERATION_WAIT };

struct posix_operation {
    struct aiocb block;
    enum posix_operation_kind kind;
    bool overdue;
    int64_t deadline_ns; // for the client, to send or to take bytes; of a wait, its end
};

// Has glibc keep `threads` threads for operations, and arranges that SIGRTMIN comes inside ppoll(2)
// only, with the mask it returns. On failure says why on stderr and exits with 1.
sigset_t posix_operations_prepare_or_exit(const char *program, int threads);

// Begins to wait for a time; nothing is asked of glibc.
void posix_operation_wait(struct posix_operation *operation, int64_t until_ns);

// Begins to read, or to write: false when there is no memory for it.
bool posix_operation_read(struct posix_operation *operation, int fd, void *bytes, size_t size);
bool posix_operation_write(struct posix_operation *operation, int fd, const void *bytes,
                           size_t size);

// Asks whether an operation in flight is complete; then *size is what read(2) or write(2) returned,
// or -1 if that took too long: from its deadline on, a shutdown(2) frees the thread that blocks in
// it, which aio_cancel(3) would not.
bool posix_operation_is_complete(struct posix_operation *operation, int64_t now_ns, ssize_t *size);
