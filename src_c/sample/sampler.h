// SPDX-License-Identifier: BSD-3-Clause
// A thread that looks, again and again, at what all threads below this process do.
//
// It looks a thousand times a second, or so rarely that it takes no more than 8 % of a CPU. Whoever
// reads a system call must be an ancestor of the thread that makes it, where Yama has scope 1:
// so this runs in the process that started them. While it samples it writes nothing.
#pragma once

#include <sched.h>
#include <stdint.h>

struct sampler;

struct sampler_place {
    int samples;       // the file that the recording is written to at the end
    int report;        // a pipe that is told "sampling AT_NS", and at the end "sampled ERRNO"
    cpu_set_t allowed; // the CPUs that it may use itself: not only those of the server
};

enum { SAMPLER_LINGER_NS = 12 * 1000000 };

// Starts it. Returns NULL where it cannot be: errno.
struct sampler *sampler_begin(const struct sampler_place *place);

// Lets it end by itself. It goes on for SAMPLER_LINGER_NS: until then, at 100 ticks a second,
// execution time shows up that was used before.
void sampler_stop(struct sampler *sampler);

// Ends it at once, waits until it has written what it has, and frees it.
void sampler_end(struct sampler *sampler);
