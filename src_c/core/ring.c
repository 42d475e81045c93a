// SPDX-License-Identifier: BSD-3-Clause
// Making an io_uring: see ring.h.
#include "ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SUBMISSIONS = 1024,
    COMPLETIONS = 65536, // the kernel's limit
    EXIT_LACKING = 77,
};

// Completions that find no room are kept, and brought by the next io_uring_enter(2); those of
// successes can be left out.
static const unsigned FEATURES = IORING_FEAT_NODROP | IORING_FEAT_CQE_SKIP;

static int make_ring(struct io_uring *ring, const struct options *options)
{
    // What is newest first, for kernels from 6.1, 6.0, 5.19 and 5.17 on.
    static const unsigned FLAGS[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
        IORING_SETUP_COOP_TASKRUN,
        0,
    };
    // A connection has up to three operations in flight, and a receive may complete more than once.
    unsigned completions = 2 * SUBMISSIONS;
    int error = -EINVAL;

    while (completions < COMPLETIONS && completions < 4 * options->max_connections)
        completions *= 2;
    for (size_t i = 0; i < sizeof FLAGS / sizeof *FLAGS && error == -EINVAL; i++) {
        struct io_uring_params parameters = {
            .flags = FLAGS[i] | IORING_SETUP_CQSIZE,
            .cq_entries = completions,
        };
        error = io_uring_queue_init_params(SUBMISSIONS, ring, &parameters);
    }
    return error;
}

void ring_open_or_exit(struct io_uring *ring, const struct options *options, unsigned needed,
                       const char *linux_that_has_it)
{
    int error = make_ring(ring, options);

    if (error == 0 && (ring->features & FEATURES) == FEATURES && (ring->flags & needed) == needed)
        return;
    if (error == 0 || error == -ENOSYS || error == -EINVAL) {
        fprintf(stderr, "%s: io_uring, as this design uses it, takes %s\n", options->program,
                linux_that_has_it);
        exit(EXIT_LACKING);
    }
    if (error == -EPERM || error == -EACCES) {
        fprintf(
            stderr,
            "%s: io_uring is forbidden here (kernel.io_uring_disabled, or a container's seccomp "
            "profile)\n",
            options->program);
        exit(EXIT_LACKING);
    }
    fprintf(stderr, "%s: io_uring_setup: %s\n", options->program, strerror(-error));
    exit(EXIT_FAILURE);
}
