// SPDX-License-Identifier: BSD-3-Clause
// An io_uring: making one with what this kernel has of what makes it fast, its queue, and what its
// completions bring back.
#pragma once

#include <liburing.h>
#include <stdint.h>

#include "core/lacking.h"
#include "serve/options.h"

// Makes a ring. Where the system has no io_uring, or none with all flags in `needed` (of
// io_uring_setup(2)), or forbids it, or lets no memory be locked for it, says so on stderr and
// exits with 77; on other failures with 1.
void ring_open_or_exit(struct io_uring *ring, const struct options *options, unsigned needed,
                       struct linux_version takes);

// Says that a call has failed in making a ring, or its buffers, and exits: with 77 where there is
// no such call, or it is forbidden, and for want of memory where the user's is limited that may be
// locked (RLIMIT_MEMLOCK), to which some kernels charge all of it, as 6.18 does; else with 1.
__attribute__((noreturn)) void ring_fail(const struct options *options, const char *call, int error,
                                         struct linux_version takes);

// A free entry of the submission queue: never NULL, since when the queue is full it is submitted.
struct io_uring_sqe *ring_entry(struct io_uring *ring, const struct options *options);

// What io_uring_enter(2) has returned: most of its failures mean that it is to be called again.
// Ends with a message after any other.
void ring_check_entered(const struct options *options, int result);

enum operation {
    OPERATION_ACCEPT,
    OPERATION_RECEIVE,
    OPERATION_SEND,
    OPERATION_WAIT,
    OPERATION_STOP,
    OPERATION_TIMER,
    OPERATION_OTHER, // whose outcome is of no account
};

// A tag is 8 bits of operation, 24 of generation, 32 of descriptor.
enum { DESCRIPTOR_BITS = 32, GENERATION_BITS = 24 };

// What a completion brings back: which operation, of which descriptor's generation. These three are
// here in full since every request makes and reads several.
static inline uint64_t ring_tag(enum operation operation, int fd, uint32_t generation)
{
    uint64_t short_generation = generation & ((1U << GENERATION_BITS) - 1);

    return (uint64_t)operation << (DESCRIPTOR_BITS + GENERATION_BITS) |
           short_generation << DESCRIPTOR_BITS | (uint32_t)fd;
}

static inline enum operation ring_tag_operation(uint64_t tag)
{
    return (enum operation)(tag >> (DESCRIPTOR_BITS + GENERATION_BITS));
}

static inline int ring_tag_descriptor(uint64_t tag) { return (int)(uint32_t)tag; }
