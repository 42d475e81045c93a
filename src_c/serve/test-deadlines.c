// SPDX-License-Identifier: BSD-3-Clause
// The queue of deadlines against the plainest model of it: an array, searched.
#include <stdlib.h>

#include "core/test.h"
#include "serve/deadlines.h"

enum { CAPACITY = 8, STEPS = 20000 };

static void the_first_is_always_the_earliest_of_those_set(void)
{
    struct deadlines deadlines;
    int64_t model[CAPACITY] = {0}; // 0: not set
    unsigned random = 12345;       // a fixed seed: a failure comes back

    if (deadlines_init(&deadlines, CAPACITY) == -1) {
        test_fail(__FILE__, __LINE__, "no memory");
        return;
    }
    for (int64_t now = 1; now <= STEPS; now++) {
        random = random * 1103515245 + 12345;
        int fd = (int)(random >> 16) % CAPACITY;
        bool is_set = (random >> 24) % 2 == 0;
        if (is_set)
            deadlines_set(&deadlines, fd, now);
        else
            deadlines_clear(&deadlines, fd);
        model[fd] = is_set ? now : 0;

        int earliest = -1;
        for (int i = 0; i < CAPACITY; i++) {
            if (model[i] != 0 && (earliest == -1 || model[i] < model[earliest]))
                earliest = i;
        }
        int64_t at = 0;
        CHECK_NUMBER(deadlines_first(&deadlines, &at), earliest);
        CHECK_NUMBER(at, earliest == -1 ? 0 : model[earliest]);
    }
    deadlines_free(&deadlines);
}

int main(void)
{
    the_first_is_always_the_earliest_of_those_set();
    return test_result();
}
