// SPDX-License-Identifier: BSD-3-Clause
// What became of a request on all of its connections.
#include "load/check/verdict.h"

#include "load/check/ending.h"

const struct asked *verdict_of(const struct checked *checked)
{
    const struct asked *most = &checked->asked[0];

    for (size_t i = 1; i < checked->count; i++) {
        if (checked->asked[i].outcome > most->outcome)
            most = &checked->asked[i];
    }
    return most;
}

bool verdict_is_right(const struct checked *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (verdict_of(&all[i])->outcome != ASKED_RIGHT)
            return false;
    }
    return true;
}

// The shortest time of those that were right; -1: none was.
static int64_t fastest_ns(const struct checked *checked)
{
    int64_t fastest = -1;

    for (size_t i = 0; i < checked->count; i++) {
        const struct asked *asked = &checked->asked[i];
        if (asked->outcome == ASKED_RIGHT && (fastest == -1 || asked->took_ns < fastest))
            fastest = asked->took_ns;
    }
    return fastest;
}

static void write_checked(struct json *json, const struct checked *checked)
{
    const struct asked *most = verdict_of(checked);
    int64_t took_ns = fastest_ns(checked);
    size_t right = 0;

    for (size_t i = 0; i < checked->count; i++)
        right += checked->asked[i].outcome == ASKED_RIGHT;
    json_open(json, NULL, '{');
    json_text(json, "request", checked->ask->name);
    json_text(json, "outcome", ending_outcome_name(most->outcome));
    json_unsigned(json, "asked", checked->count);
    json_unsigned(json, "right", right);
    if (took_ns >= 0)
        json_signed(json, "took_ns", took_ns);
    else
        json_null(json, "took_ns");
    if (most->outcome != ASKED_RIGHT)
        json_text(json, "reason", most->reason);
    else
        json_null(json, "reason");
    if (most->has_difference)
        difference_write(json, "first_wrong", &most->difference);
    else
        json_null(json, "first_wrong");
    json_close(json, '}');
}

bool verdict_write(const struct checked *all, size_t count, FILE *out)
{
    struct json json = {.out = out};

    json_open(&json, NULL, '{');
    json_open(&json, "check", '[');
    for (size_t i = 0; i < count; i++)
        write_checked(&json, &all[i]);
    json_close(&json, ']');
    json_bool(&json, "valid", verdict_is_right(all, count));
    json_close(&json, '}');
    putc('\n', out);
    return fflush(out) == 0 && ferror(out) == 0;
}
