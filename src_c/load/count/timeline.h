// SPDX-License-Identifier: BSD-3-Clause
// How many replies came when: counts over time, so that a window can be halved after it has ended.
#pragma once

#include <stdint.h>

enum { TIMELINE_SLOTS = 1024 };

// Slot i counts what came from i << shift ns to (i + 1) << shift ns. When time runs past the last
// slot, pairs are joined and the slots become twice as long: at most 1/512 of the time that passed.
struct timeline {
    unsigned shift;
    uint64_t slots[TIMELINE_SLOTS];
};

// Doubles the length of the slots until `shift` is reached.
void timeline_coarsen(struct timeline *timeline, unsigned shift);

static inline void timeline_count(struct timeline *timeline, int64_t since_begin_ns)
{
    while ((uint64_t)since_begin_ns >> timeline->shift >= TIMELINE_SLOTS)
        timeline_coarsen(timeline, timeline->shift + 1);
    timeline->slots[(uint64_t)since_begin_ns >> timeline->shift]++;
}

// Adds a part, which may be coarsened for it.
void timeline_add(struct timeline *sum, struct timeline *part);

// How many came before a moment; of the slot it falls into, the share that lies before it.
uint64_t timeline_before(const struct timeline *timeline, int64_t since_begin_ns);
