// SPDX-License-Identifier: BSD-3-Clause
// A window can be halved after it has ended, however long it was.
#include "core/test.h"
#include "load/count/timeline.h"

static struct timeline timeline;
static struct timeline other;

static void empty_both(void)
{
    memset(&timeline, 0, sizeof timeline);
    memset(&other, 0, sizeof other);
}

static void a_steady_rate_has_equal_halves(void)
{
    empty_both();
    for (int64_t at_ns = 0; at_ns < 5000000000; at_ns += 10000)
        timeline_count(&timeline, at_ns);
    int64_t first = (int64_t)timeline_before(&timeline, 2500000000);
    CHECK(first > 249900 && first < 250100);
}

static void nothing_is_lost_when_slots_are_joined(void)
{
    empty_both();
    timeline_count(&timeline, 0);
    timeline_count(&timeline, 1);
    timeline_count(&timeline, 1000000);
    timeline_count(&timeline, INT64_C(3600) * 1000000000);
    CHECK_NUMBER(timeline_before(&timeline, INT64_C(7200) * 1000000000), 4);
    CHECK_NUMBER(timeline_before(&timeline, INT64_C(1800) * 1000000000), 3);
}

static void all_is_before_the_end_and_nothing_before_the_begin(void)
{
    empty_both();
    timeline_count(&timeline, 100);
    timeline_count(&timeline, 900);
    CHECK_NUMBER(timeline_before(&timeline, 0), 0);
    CHECK_NUMBER(timeline_before(&timeline, 901), 2);
}

static void adding_joins_slots_of_different_lengths(void)
{
    empty_both();
    timeline_count(&timeline, 10);
    timeline_count(&other, 20);
    timeline_count(&other, 1000000000);
    timeline_add(&timeline, &other);
    CHECK_NUMBER(timeline_before(&timeline, 500000000), 2);
    CHECK_NUMBER(timeline_before(&timeline, 2000000000), 3);
    empty_both();
    timeline_count(&timeline, 1000000000);
    timeline_count(&other, 20);
    timeline_add(&timeline, &other);
    CHECK_NUMBER(timeline_before(&timeline, 500000000), 1);
}

int main(void)
{
    a_steady_rate_has_equal_halves();
    nothing_is_lost_when_slots_are_joined();
    all_is_before_the_end_and_nothing_before_the_begin();
    adding_joins_slots_of_different_lengths();
    return test_result();
}
