// SPDX-License-Identifier: BSD-3-Clause
// How a request that was asked ends: see ending.h.
#include "load/check/ending.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *ending_outcome_name(enum asked_outcome outcome)
{
    static const char *const names[ASKED_OUTCOMES] = {
        [ASKED_RIGHT] = "right",     [ASKED_LOCAL] = "local",     [ASKED_REFUSED] = "refused",
        [ASKED_TIMEOUT] = "timeout", [ASKED_CLOSED] = "closed",   [ASKED_RESET] = "reset",
        [ASKED_SURPLUS] = "surplus", [ASKED_OPENING] = "opening", [ASKED_WRONG] = "wrong",
    };
    return names[outcome];
}

void ending_close(struct asked *asked)
{
    if (asked->fd != -1)
        close(asked->fd);
    asked->fd = -1;
    asked->state = ASKED_OVER;
}

void ending_fail(struct asked *asked, enum asked_outcome outcome, const char *format, ...)
{
    va_list list;

    asked->outcome = outcome;
    va_start(list, format);
    vsnprintf(asked->reason, sizeof asked->reason, format, list);
    va_end(list);
    ending_close(asked);
}

void ending_fail_with(struct asked *asked, enum asked_outcome outcome,
                      const struct difference *difference)
{
    char how[DIFFERENCE_SIZE];

    asked->has_difference = true;
    asked->difference = *difference;
    difference_say(how, difference);
    ending_fail(asked, outcome, "%s", how);
}

void ending_turn_wrong(struct asked *asked, const struct difference *difference)
{
    ending_fail_with(asked, ASKED_WRONG, difference);
}

void ending_add_reason(struct asked *asked, const char *more)
{
    size_t used = strlen(asked->reason);

    snprintf(asked->reason + used, sizeof asked->reason - used, "%s", more);
}

void ending_fail_call(struct asked *asked, const char *call)
{
    ending_fail(asked, ASKED_LOCAL, "%s: %s", call, strerror(errno));
}

const char *ending_part_of(const struct asked *asked)
{
    return asked->state == ASKED_IN_OPENING ? "opening" : "reply";
}

void ending_fail_wrong(struct asked *asked)
{
    struct difference difference = {.got = asked->reply.got, .reason = "its line does not end"};

    if (asked->ask->expects != EXPECT_LINE)
        difference = reply_difference(asked->exchange, &asked->reply);
    ending_fail_with(asked, ASKED_WRONG, &difference);
}

void ending_fail_cut(struct asked *asked, enum asked_outcome outcome)
{
    size_t came = asked->came - asked->reply_at;

    if (asked->state == ASKED_WAITING && asked->reply.wrong) {
        ending_fail_wrong(asked);
    } else {
        ending_fail(asked, outcome,
                    "the server %s the connection before its %s was complete (%zu bytes had come)",
                    outcome == ASKED_RESET ? "reset" : "closed", ending_part_of(asked), came);
    }
}

void ending_fail_connect(struct asked *asked, int error)
{
    if (error == ECONNREFUSED || error == ETIMEDOUT || error == ECONNRESET) {
        ending_fail(asked, ASKED_REFUSED, "no connection: %s", strerror(error));
        return;
    }
    errno = error;
    ending_fail_call(asked, "connect");
}

void ending_fail_surplus(struct asked *asked, const char *bytes, size_t size)
{
    struct difference difference = {.reason =
                                        "more came behind the reply, and nobody asked for it"};

    wrong_reply_keep(&difference.got, bytes, size);
    ending_fail_with(asked, ASKED_SURPLUS, &difference);
}

void ending_fail_too_long(struct asked *asked)
{
    ending_fail(
        asked, ASKED_WRONG,
        "its body is longer than what can be compared byte by byte (%d bytes): expect its length",
        ASKS_TEXT_MAX);
}
