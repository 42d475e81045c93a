// SPDX-License-Identifier: BSD-3-Clause
// The work besides: how much of it there is, that it is done, and that no increment is lost.
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/test.h"
#include "core/work.h"

enum { THREADS = 4, UNITS = 50 };

static struct work prepared(int kind, uint64_t units)
{
    struct work work = {.kind = kind, .units = units};

    work_prepare_or_exit(&work, "test");
    return work;
}

static void unless_said_a_request_does_one_unit_and_of_fibonacci_none(void)
{
    CHECK_NUMBER(prepared(WORK_FIB, 0).units, 0);
    CHECK_NUMBER(prepared(WORK_FIB, 3).units, 3);
    for (int kind = WORK_HASH; kind <= WORK_SHARED; kind++) {
        CHECK_NUMBER(prepared(kind, 0).units, 1);
        CHECK_NUMBER(prepared(kind, 3).units, 3);
    }
}

static void the_answer_is_fibonacci_whatever_is_done_besides(void)
{
    for (int kind = WORK_FIB; kind <= WORK_SHARED; kind++) {
        struct work work = prepared(kind, 2);
        for (unsigned n = 0; n < 10; n++)
            CHECK_NUMBER(work_answer(&work, n), fibonacci(n));
    }
}

static void *answer(void *argument)
{
    work_answer(argument, 0);
    return NULL;
}

static void no_increment_of_any_thread_is_lost(void)
{
    struct work work = prepared(WORK_SHARED, 1);
    pthread_t threads[THREADS];

    work_do(&work);
    uint64_t each = work_counted(&work);
    CHECK(each > 1);
    work.units = UNITS;
    for (int i = 0; i < THREADS; i++)
        CHECK_NUMBER(pthread_create(&threads[i], NULL, answer, &work), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_NUMBER(pthread_join(threads[i], NULL), 0);
    CHECK_NUMBER(work_counted(&work), each * (1 + UNITS * THREADS));
}

static void a_child_has_a_counter_of_its_own(void)
{
    struct work work = prepared(WORK_SHARED, 1);
    int status;

    work_do(&work);
    uint64_t before = work_counted(&work);
    pid_t child = fork();
    CHECK(child != -1);
    if (child == 0) {
        work_do(&work);
        _exit(work_counted(&work) == 2 * before ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    CHECK_NUMBER(waitpid(child, &status, 0), child);
    CHECK_NUMBER(status, EXIT_SUCCESS);
    CHECK_NUMBER(work_counted(&work), before);
}

static int64_t used_ns(const struct work *work)
{
    struct timespec begin;
    struct timespec end;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    work_do(work);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return (end.tv_sec - begin.tv_sec) * INT64_C(1000000000) + end.tv_nsec - begin.tv_nsec;
}

// On any machine and in any build a unit takes more than a hundredth of fibonacci(20). What a
// compiler has seen through takes next to nothing.
static void no_unit_is_optimised_away(void)
{
    struct work fib = prepared(WORK_FIB, UNITS);
    int64_t fib_ns = used_ns(&fib);

    CHECK(fib_ns > 0);
    for (int kind = WORK_HASH; kind <= WORK_SHARED; kind++) {
        struct work work = prepared(kind, UNITS);
        int64_t work_ns = used_ns(&work);
        if (work_ns * 100 < fib_ns)
            test_fail(__FILE__, __LINE__, WORK_KINDS[kind]);
    }
}

int main(void)
{
    unless_said_a_request_does_one_unit_and_of_fibonacci_none();
    the_answer_is_fibonacci_whatever_is_done_besides();
    no_increment_of_any_thread_is_lost();
    a_child_has_a_counter_of_its_own();
    no_unit_is_optimised_away();
    return test_result();
}
