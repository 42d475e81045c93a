// SPDX-License-Identifier: BSD-3-Clause
// What one CPU's probe has measured: when, and how long. The newest are kept.
#include "probe/samples.h"

#include <stdlib.h>

bool samples_begin(struct samples *samples)
{
    *samples = (struct samples){.ring = calloc(SAMPLES_KEPT, sizeof *samples->ring)};
    return samples->ring != NULL;
}

void samples_add(struct samples *samples, struct sample sample)
{
    samples->ring[samples->taken++ % SAMPLES_KEPT] = sample;
}

void samples_end(struct samples *samples)
{
    free(samples->ring);
    *samples = (struct samples){0};
}

static int compare(const void *left, const void *right)
{
    const int64_t *one = left, *other = right;
    return (*one > *other) - (*one < *other);
}

struct samples_median samples_between(const struct samples *samples, int64_t begin_ns,
                                      int64_t end_ns, int64_t room[static SAMPLES_KEPT])
{
    size_t known = samples->taken < SAMPLES_KEPT ? (size_t)samples->taken : SAMPLES_KEPT;
    size_t count = 0;

    for (size_t i = 0; i < known; i++) {
        const struct sample *sample = &samples->ring[i];
        if (sample->begin_ns >= begin_ns && sample->end_ns <= end_ns)
            room[count++] = sample->cpu_ns;
    }
    if (count == 0)
        return (struct samples_median){0};
    qsort(room, count, sizeof *room, compare);
    return (struct samples_median){.count = count, .cpu_ns = room[(count - 1) / 2]};
}
