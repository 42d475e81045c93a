// SPDX-License-Identifier: BSD-3-Clause
// What fibload was asked to do.
#include "load/ask/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *const SETTINGS_FRAMINGS[] = {[FRAMING_MESSAGE] = "message",
                                         [FRAMING_LINE] = "line",
                                         [FRAMING_BYTES] = "bytes",
                                         [FRAMING_HTTP] = "http",
                                         NULL};

void settings_reject(const char *format, ...)
{
    va_list list;

    fputs("fibload: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputs("; try --help\n", stderr);
    exit(2);
}

const char *settings_framing_name(enum framing framing) { return SETTINGS_FRAMINGS[framing]; }

uint64_t settings_all_clients(const struct settings *settings)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < settings->group_count; i++)
        sum += settings->groups[i].clients;
    return sum;
}

uint32_t settings_in_flight(const struct settings *settings)
{
    uint64_t limit = settings->requests_per_connection;

    return (uint32_t)(limit > 0 && limit < settings->pipeline ? limit : settings->pipeline);
}

bool settings_have_open_loop(const struct settings *settings)
{
    for (size_t i = 0; i < settings->group_count; i++) {
        if (settings->groups[i].rate_billionths > 0)
            return true;
    }
    return false;
}
