// SPDX-License-Identifier: BSD-3-Clause
// An io_uring: see ring.h.
#include "ring/ring.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "core/die.h"

enum {
    SUBMISSIONS = 1024,
    // Small, since it is locked in memory: with 64 bytes for each submission and 16 for each
    // completion a ring and its buffers come to 154 KiB, so that fifty of them have room in the 8
    // MiB that a plain user may lock. What finds no room in it the kernel keeps.
    COMPLETIONS = 4096,
};

// Completions that find no room are kept, and brought by the next io_uring_enter(2); those of
// successes can be left out.
static const unsigned FEATURES = IORING_FEAT_NODROP | IORING_FEAT_CQE_SKIP;

static int make_ring(struct io_uring *ring)
{
    // What is newest first, for kernels from 6.1, 6.0, 5.19 and 5.17 on.
    static const unsigned FLAGS[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
        IORING_SETUP_COOP_TASKRUN,
        0,
    };
    int error = -EINVAL;

    for (size_t i = 0; i < sizeof FLAGS / sizeof *FLAGS && error == -EINVAL; i++) {
        struct io_uring_params parameters = {
            .flags = FLAGS[i] | IORING_SETUP_CQSIZE,
            .cq_entries = COMPLETIONS,
        };
        error = io_uring_queue_init_params(SUBMISSIONS, ring, &parameters);
    }
    return error;
}

void ring_fail(const struct options *options, const char *call, int error,
               struct linux_version takes)
{
    struct rlimit limit;

    if (lacking_is_why(error))
        lacking_exit(options->program, call, error, takes);
    if (error != ENOMEM || getrlimit(RLIMIT_MEMLOCK, &limit) == -1 ||
        limit.rlim_cur == RLIM_INFINITY)
        die(options->program, call, error);
    fprintf(stderr,
            "%s: %s: no memory: all that a user's programs may lock is %" PRIu64
            " KiB (raise ulimit -l, or take fewer --workers)\n",
            options->program, call, (uint64_t)limit.rlim_cur / 1024);
    exit(EXIT_LACKING);
}

void ring_open_or_exit(struct io_uring *ring, const struct options *options, unsigned needed,
                       struct linux_version takes)
{
    int error = make_ring(ring);

    if (error == 0 && (ring->features & FEATURES) == FEATURES && (ring->flags & needed) == needed)
        return;
    // EINVAL is what a kernel says that does not know the oldest of what is asked for.
    if (error == 0 || error == -EINVAL)
        lacking_exit(options->program, "io_uring_setup", -error, takes);
    ring_fail(options, "io_uring_setup", -error, takes);
}

void ring_check_entered(const struct options *options, int result)
{
    // EBUSY, EAGAIN: completions are to be taken first.
    if (result < 0 && result != -ETIME && result != -EINTR && result != -EBUSY && result != -EAGAIN)
        die(options->program, "io_uring_enter", -result);
}

struct io_uring_sqe *ring_entry(struct io_uring *ring, const struct options *options)
{
    struct io_uring_sqe *entry;

    while ((entry = io_uring_get_sqe(ring)) == NULL)
        ring_check_entered(options, io_uring_submit(ring));
    return entry;
}
