// SPDX-License-Identifier: BSD-3-Clause
// The median of a window is of the samples that lie in it as a whole, and of nothing else.
#include "core/test.h"
#include "probe/samples.h"

static int64_t room[SAMPLES_KEPT];

static void add(struct samples *samples, int64_t begin_ns, int64_t cpu_ns)
{
    samples_add(samples, (struct sample){begin_ns, begin_ns + cpu_ns, cpu_ns});
}

static void test_only_whole_samples_of_the_window_count(void)
{
    struct samples samples;
    CHECK(samples_begin(&samples));
    add(&samples, 0, 900);   // begins before
    add(&samples, 1000, 30); // at the edge itself
    add(&samples, 2000, 10);
    add(&samples, 3000, 20);
    add(&samples, 3990, 800); // ends after
    struct samples_median found = samples_between(&samples, 1000, 4000, room);
    CHECK_NUMBER(found.count, 3);
    CHECK_NUMBER(found.cpu_ns, 20);
    samples_end(&samples);
}

static void test_of_an_even_number_the_lower_middle_counts_and_of_none_nothing(void)
{
    struct samples samples;
    CHECK(samples_begin(&samples));
    CHECK_NUMBER(samples_between(&samples, 0, INT64_MAX, room).count, 0);
    add(&samples, 10, 40);
    add(&samples, 100, 30);
    CHECK_NUMBER(samples_between(&samples, 0, INT64_MAX, room).cpu_ns, 30);
    CHECK_NUMBER(samples_between(&samples, 200, INT64_MAX, room).count, 0);
    samples_end(&samples);
}

static void test_of_more_than_there_is_room_for_the_newest_are_kept(void)
{
    struct samples samples;
    CHECK(samples_begin(&samples));
    for (int64_t i = 0; i < SAMPLES_KEPT + 5; i++)
        add(&samples, i * 100, i < 5 ? 99 : 7);
    struct samples_median found = samples_between(&samples, 0, INT64_MAX, room);
    CHECK_NUMBER(found.count, SAMPLES_KEPT);
    CHECK_NUMBER(room[SAMPLES_KEPT - 1], 7); // sorted: none of the first five
    samples_end(&samples);
}

int main(void)
{
    test_only_whole_samples_of_the_window_count();
    test_of_an_even_number_the_lower_middle_counts_and_of_none_nothing();
    test_of_more_than_there_is_room_for_the_newest_are_kept();
    return test_result();
}
