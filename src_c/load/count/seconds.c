// SPDX-License-Identifier: BSD-3-Clause
// Latencies second by second: the second that passes as a histogram, those that have passed
// sparsely, so that memory is bounded by what was seen. Pure.
#include "load/count/seconds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t SECOND_NS = 1000000000;

static void *allocate(void *old, size_t count, size_t size)
{
    void *memory = reallocarray(old, count, size);

    if (memory == NULL) {
        fputs("fibload: out of memory for the seconds of the window\n", stderr);
        exit(EXIT_FAILURE);
    }
    return memory;
}

// Moves what a histogram counts into bins, and empties it. Only what lies between its extremes is
// looked at: a thread must not be late for its next request because a second is over.
static struct second take(struct histogram *histogram, int64_t number)
{
    struct second second = {.number = number,
                            .total = histogram->total,
                            .sum_ns = histogram->sum_ns,
                            .min_ns = histogram->min_ns,
                            .max_ns = histogram->max_ns,
                            .out_of_range = histogram->out_of_range};
    size_t first = histogram_index(histogram->min_ns);
    size_t last = histogram_index(histogram->max_ns);

    for (size_t i = first; i <= last; i++)
        second.bin_count += histogram->counts[i] > 0;
    if (second.bin_count > 0)
        second.bins = allocate(NULL, second.bin_count, sizeof *second.bins);
    size_t at = 0;
    for (size_t i = first; at < second.bin_count; i++) {
        if (histogram->counts[i] == 0)
            continue;
        second.bins[at++] = (struct bin){.index = (uint32_t)i, .count = histogram->counts[i]};
        histogram->counts[i] = 0;
    }
    histogram->total = 0;
    histogram->sum_ns = 0;
    histogram->min_ns = 0;
    histogram->max_ns = 0;
    histogram->out_of_range = 0;
    return second;
}

// Makes room for one more second at a place among those kept.
static void make_room(struct seconds *seconds, size_t at)
{
    if (seconds->kept_count == seconds->kept_room) {
        seconds->kept_room = seconds->kept_room == 0 ? 16 : 2 * seconds->kept_room;
        seconds->kept = allocate(seconds->kept, seconds->kept_room, sizeof *seconds->kept);
    }
    memmove(seconds->kept + at + 1, seconds->kept + at,
            (seconds->kept_count - at) * sizeof *seconds->kept);
    seconds->kept_count++;
}

void seconds_close(struct seconds *seconds)
{
    if (seconds->now.total + seconds->now.out_of_range == 0)
        return;
    make_room(seconds, seconds->kept_count);
    seconds->kept[seconds->kept_count - 1] =
        take(&seconds->now, seconds->now_end_ns / SECOND_NS - 1);
}

void seconds_roll(struct seconds *seconds, int64_t since_begin_ns)
{
    seconds_close(seconds);
    seconds->now_end_ns = (since_begin_ns / SECOND_NS + 1) * SECOND_NS;
}

// Merges bins, both by index, into new ones.
static struct bin *merge(const struct second *a, const struct second *b, size_t *count)
{
    struct bin *bins = allocate(NULL, a->bin_count + b->bin_count + 1, sizeof *bins);
    size_t i = 0;
    size_t j = 0;

    *count = 0;
    while (i < a->bin_count || j < b->bin_count) {
        bool from_a =
            j == b->bin_count || (i < a->bin_count && a->bins[i].index <= b->bins[j].index);
        bool from_b =
            i == a->bin_count || (j < b->bin_count && b->bins[j].index <= a->bins[i].index);
        struct bin bin = {.index = from_a ? a->bins[i].index : b->bins[j].index};
        if (from_a)
            bin.count += a->bins[i++].count;
        if (from_b)
            bin.count += b->bins[j++].count;
        bins[(*count)++] = bin;
    }
    return bins;
}

static void add_second(struct second *sum, const struct second *part)
{
    size_t count;
    struct bin *bins = merge(sum, part, &count);

    free(sum->bins);
    sum->bins = bins;
    sum->bin_count = count;
    if (part->total > 0 && (sum->total == 0 || part->min_ns < sum->min_ns))
        sum->min_ns = part->min_ns;
    if (part->max_ns > sum->max_ns)
        sum->max_ns = part->max_ns;
    sum->total += part->total;
    sum->sum_ns += part->sum_ns;
    sum->out_of_range += part->out_of_range;
}

void seconds_add(struct seconds *sum, const struct seconds *part)
{
    size_t at = 0;

    for (size_t i = 0; i < part->kept_count; i++) {
        const struct second *second = &part->kept[i];
        while (at < sum->kept_count && sum->kept[at].number < second->number)
            at++;
        if (at == sum->kept_count || sum->kept[at].number != second->number) {
            make_room(sum, at);
            sum->kept[at] = (struct second){.number = second->number};
        }
        add_second(&sum->kept[at], second);
    }
}

void seconds_total(const struct seconds *seconds, struct histogram *sum)
{
    for (size_t i = 0; i < seconds->kept_count; i++) {
        const struct second *second = &seconds->kept[i];
        if (second->total > 0 && (sum->total == 0 || second->min_ns < sum->min_ns))
            sum->min_ns = second->min_ns;
        if (second->max_ns > sum->max_ns)
            sum->max_ns = second->max_ns;
        sum->total += second->total;
        sum->sum_ns += second->sum_ns;
        sum->out_of_range += second->out_of_range;
        for (size_t j = 0; j < second->bin_count; j++)
            sum->counts[second->bins[j].index] += second->bins[j].count;
    }
}

bool seconds_add_up_to(const struct seconds *seconds, const struct histogram *histogram)
{
    struct histogram *sum = allocate(NULL, 1, sizeof *sum);

    memset(sum, 0, sizeof *sum);
    seconds_total(seconds, sum);
    bool same = memcmp(sum, histogram, sizeof *sum) == 0; // integers of 8 bytes: no padding
    free(sum);
    return same;
}

void seconds_free(struct seconds *seconds)
{
    for (size_t i = 0; i < seconds->kept_count; i++)
        free(seconds->kept[i].bins);
    free(seconds->kept);
    seconds->kept = NULL;
    seconds->kept_count = 0;
    seconds->kept_room = 0;
}
