// SPDX-License-Identifier: BSD-3-Clause
// When a server is warm: rates that are given, batch by batch.
#include <math.h>

#include "core/test.h"
#include "load/count/warm_up.h"

static uint64_t random_state;

// Up to, not including, 1 (splitmix64).
static double draw(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30U)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27U)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31U)) >> 11U) * 0x1p-53;
}

// About 0, with a deviation of 1.
static double noise(void)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += draw();
    return sum;
}

// After how many batches, done as `amount_in` says, the rule is content; 0: never.
static size_t batches_until_steady(double (*amount_in)(size_t batch))
{
    struct warm_up warm_up = warm_up_begin(0);
    double amount = 0;

    for (size_t i = 0; !warm_up_is_full(&warm_up); i++) {
        amount += amount_in(i);
        warm_up_look(&warm_up, amount, (int64_t)(i + 1) * WARM_UP_BATCH_NS);
        if (warm_up_is_steady(&warm_up))
            return warm_up.count;
    }
    return 0;
}

static double constant(size_t batch) { return batch < 1000 ? 500 : 0; }
static double nothing(size_t batch) { return batch < 1000 ? 0 : 1; }
static double growing(size_t batch) { return 100 + 10 * (double)batch; }
static double in_waves(size_t batch) { return batch % 2 == 0 ? 16 : 0; } // 16 clients, 200 ms
static double seldom(size_t batch) { return batch % 7 == 6 ? 1 : 0; }
static double noisy(size_t batch) { return constant(batch) + 10 * noise(); }
static double compiling(size_t batch) { return (batch < 20 ? 100 : 900) + 10 * noise(); }
static double warming(size_t batch) { return 1000 - 900 * exp(-(double)batch / 8) + 10 * noise(); }

static void test_a_steady_server_is_warm_as_soon_as_that_can_be_said(void)
{
    CHECK_NUMBER(batches_until_steady(constant), 5);
    CHECK_NUMBER(batches_until_steady(in_waves), 5);
}

static void test_noise_is_no_transient(void)
{
    size_t sum = 0;
    const size_t times = 200;

    for (size_t i = 0; i < times; i++) {
        size_t count = batches_until_steady(noisy);
        CHECK(count >= 5);
        sum += count;
    }
    CHECK(sum < times * 10); // on average within a second
}

static void test_a_server_that_answers_seldom_is_warm_when_it_has_answered(void)
{
    CHECK_NUMBER(batches_until_steady(seldom), 7);
}

static void test_a_server_that_never_answers_or_never_is_steady_is_not_warm(void)
{
    CHECK_NUMBER(batches_until_steady(nothing), 0);
    CHECK_NUMBER(batches_until_steady(growing), 0);
}

// What follows a transient must last as long as that did.
static void test_a_transient_is_waited_for(void)
{
    size_t early = 0;

    for (int i = 0; i < 200; i++) {
        size_t count = batches_until_steady(warming);
        early += count < 20; // 92 % of the way
        CHECK(count > 0);
    }
    CHECK(early < 10);
}

// A step cannot be known before it comes; once it was seen, as much is waited for as lay before it.
static void test_a_step_that_is_seen_is_cut_off(void)
{
    struct warm_up warm_up = warm_up_begin(0);
    double amount = 0;

    for (size_t i = 0; i < 60; i++) {
        amount += compiling(i);
        warm_up_look(&warm_up, amount, (int64_t)(i + 1) * WARM_UP_BATCH_NS);
        if (warm_up.count > 23 && warm_up.count < 40)
            CHECK(!warm_up_is_steady(&warm_up));
    }
    CHECK(warm_up_is_steady(&warm_up));
}

static void test_a_look_that_comes_late_is_of_a_longer_batch(void)
{
    struct warm_up warm_up = warm_up_begin(1000);

    warm_up_look(&warm_up, 50, 1000 + WARM_UP_BATCH_NS);
    warm_up_look(&warm_up, 150, 1000 + 3 * WARM_UP_BATCH_NS);
    CHECK_NUMBER(warm_up.count, 2);
    CHECK(fabs(warm_up.batches[0] - warm_up.batches[1]) < 1e-12);
}

int main(void)
{
    test_a_steady_server_is_warm_as_soon_as_that_can_be_said();
    test_noise_is_no_transient();
    test_a_server_that_answers_seldom_is_warm_when_it_has_answered();
    test_a_server_that_never_answers_or_never_is_steady_is_not_warm();
    test_a_transient_is_waited_for();
    test_a_step_that_is_seen_is_cut_off();
    test_a_look_that_comes_late_is_of_a_longer_batch();
    return test_result();
}
