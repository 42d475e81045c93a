// SPDX-License-Identifier: BSD-3-Clause
// The deadlines of an event loop's connections: a doubly linked list threaded through an array.
#include "serve/deadlines.h"

#include <stdlib.h>

enum { NONE = -1 };

struct deadline {
    int64_t at_ns; // 0: not set
    int before;
    int after;
};

int deadlines_init(struct deadlines *deadlines, int capacity)
{
    struct deadline *of = calloc((size_t)capacity, sizeof *of);

    if (of == NULL)
        return -1;
    *deadlines = (struct deadlines){.of = of, .capacity = capacity, .first = NONE, .last = NONE};
    return 0;
}

void deadlines_free(struct deadlines *deadlines) { free(deadlines->of); }

void deadlines_clear(struct deadlines *deadlines, int fd)
{
    struct deadline *this = &deadlines->of[fd];

    if (this->at_ns == 0)
        return;
    if (this->before == NONE)
        deadlines->first = this->after;
    else
        deadlines->of[this->before].after = this->after;
    if (this->after == NONE)
        deadlines->last = this->before;
    else
        deadlines->of[this->after].before = this->before;
    this->at_ns = 0;
}

void deadlines_set(struct deadlines *deadlines, int fd, int64_t at_ns)
{
    deadlines_clear(deadlines, fd);
    deadlines->of[fd] = (struct deadline){.at_ns = at_ns, .before = deadlines->last, .after = NONE};
    if (deadlines->last == NONE)
        deadlines->first = fd;
    else
        deadlines->of[deadlines->last].after = fd;
    deadlines->last = fd;
}

int deadlines_first(const struct deadlines *deadlines, int64_t *at_ns)
{
    if (deadlines->first != NONE)
        *at_ns = deadlines->of[deadlines->first].at_ns;
    return deadlines->first;
}
