// SPDX-License-Identifier: BSD-3-Clause
// How many replies came when: counts over time, so that a window can be halved after it has ended.
#include "load/count/timeline.h"

#include <stddef.h>
#include <string.h>

void timeline_coarsen(struct timeline *timeline, unsigned shift)
{
    for (; timeline->shift < shift; timeline->shift++) {
        for (size_t i = 0; i < TIMELINE_SLOTS / 2; i++)
            timeline->slots[i] = timeline->slots[2 * i] + timeline->slots[2 * i + 1];
        memset(timeline->slots + TIMELINE_SLOTS / 2, 0, sizeof timeline->slots / 2);
    }
}

void timeline_add(struct timeline *sum, struct timeline *part)
{
    timeline_coarsen(sum, part->shift);
    timeline_coarsen(part, sum->shift);
    for (int i = 0; i < TIMELINE_SLOTS; i++)
        sum->slots[i] += part->slots[i];
}

uint64_t timeline_before(const struct timeline *timeline, int64_t since_begin_ns)
{
    uint64_t slot = (uint64_t)since_begin_ns >> timeline->shift;
    uint64_t count = 0;

    for (uint64_t i = 0; i < slot && i < TIMELINE_SLOTS; i++)
        count += timeline->slots[i];
    if (slot < TIMELINE_SLOTS) {
        double length = (double)(UINT64_C(1) << timeline->shift);
        double share = ((double)since_begin_ns - (double)(slot << timeline->shift)) / length;
        count += (uint64_t)((double)timeline->slots[slot] * share + 0.5);
    }
    return count;
}
