// SPDX-License-Identifier: BSD-3-Clause
// The end of the window, whoever ends it and however long that takes: what another thread was let
// count lies before it. The clock is the test's own, and another thread looks whenever it is read.
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/test.h"
#include "load/drive/window.h"

static const int64_t BEGIN_NS = 1000;
static const int64_t STALL_NS = INT64_C(20) * NS_PER_MS; // of who ends the window, at each step

static const int64_t COOLDOWN_NS = INT64_C(5) * NS_PER_MS; // after a planned end

static struct window window;
static int64_t now_ns;
static int64_t counted_ns; // when the other thread was let count last

// Another thread reads the clock and asks whether it may count.
static void look(void)
{
    if (!window_is_over(&window, now_ns))
        counted_ns = now_ns;
}

// In place of the library's. Who reads it is stalled before it does, and after.
int clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    now_ns += STALL_NS;
    look();
    *now = clock_timespec(now_ns);
    now_ns += STALL_NS;
    look();
    return 0;
}

static void begin_anew(uint64_t requests, int64_t duration_ns)
{
    now_ns = BEGIN_NS;
    counted_ns = 0;
    CHECK(window_init(&window, requests, COOLDOWN_NS));
    window_open(&window, BEGIN_NS, duration_ns);
    look();
    CHECK_NUMBER(counted_ns, BEGIN_NS);
}

// The window has ended: all that was counted lies in it, and nothing is counted any more.
static void check_end(int64_t end_ns, int64_t cooldown_ns)
{
    CHECK_NUMBER(window_end_now(&window), end_ns);
    CHECK(counted_ns < end_ns);
    counted_ns = 0;
    look();
    CHECK_NUMBER(counted_ns, 0);
    CHECK(window_is_over(&window, end_ns));
    CHECK(!window_is_over(&window, end_ns - 1));
    CHECK_NUMBER(atomic_load(&window.cooldown_ns), cooldown_ns);
    close(window.finished);
}

static void test_who_ends_it_now_has_all_that_was_counted_in_it(void)
{
    begin_anew(0, 0);
    check_end(window_end_now(&window), 0);
    begin_anew(0, NS_PER_S);
    int64_t end_ns = window_end_now(&window);
    CHECK(end_ns < BEGIN_NS + NS_PER_S);
    check_end(end_ns, 0);
}

static void test_an_open_loop_that_fails_does_as_well(void)
{
    begin_anew(0, NS_PER_S);
    window_abort(&window);
    CHECK(atomic_load(&window.aborted));
    check_end(window_end_now(&window), 0);
}

static void test_the_last_of_the_wanted_replies_does_as_well(void)
{
    begin_anew(2, 0);
    CHECK_NUMBER(window_admit(&window, BEGIN_NS), WINDOW_INSIDE);
    CHECK_NUMBER(window_admit(&window, BEGIN_NS + 1), WINDOW_INSIDE);
    CHECK_NUMBER(window_admit(&window, BEGIN_NS + 2), WINDOW_OVER);
    check_end(window_end_now(&window), 0);
}

static void test_an_end_that_was_planned_and_has_come_stays(void)
{
    begin_anew(0, STALL_NS);
    check_end(BEGIN_NS + STALL_NS, COOLDOWN_NS);
    begin_anew(0, STALL_NS / 2); // it comes while the clock is read
    check_end(BEGIN_NS + STALL_NS / 2, COOLDOWN_NS);
    begin_anew(0, 3 * STALL_NS); // it comes while the window is being ended
    check_end(BEGIN_NS + 3 * STALL_NS, COOLDOWN_NS);
    begin_anew(0, STALL_NS / 2); // it comes while an open loop fails
    window_abort(&window);
    check_end(BEGIN_NS + STALL_NS / 2, COOLDOWN_NS);
}

static void test_one_that_was_aborted_before_it_opened_stays_so(void)
{
    now_ns = BEGIN_NS;
    CHECK(window_init(&window, 0, COOLDOWN_NS));
    window_abort(&window);
    int64_t end_ns = window_end_now(&window);
    counted_ns = 0;
    window_open(&window, now_ns + NS_PER_MS, NS_PER_S);
    check_end(end_ns, 0);
}

int main(void)
{
    test_who_ends_it_now_has_all_that_was_counted_in_it();
    test_an_open_loop_that_fails_does_as_well();
    test_the_last_of_the_wanted_replies_does_as_well();
    test_an_end_that_was_planned_and_has_come_stays();
    test_one_that_was_aborted_before_it_opened_stays_so();
    return test_result();
}
