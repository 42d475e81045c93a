// SPDX-License-Identifier: BSD-3-Clause
// What a run has found.
#include "load/tell/result.h"

#include <stddef.h>

uint64_t result_offered_billionths(const struct result *result)
{
    const struct settings *settings = result->settings;
    uint64_t sum = 0;

    for (size_t i = 0; i < settings->group_count; i++)
        sum += settings->groups[i].rate_billionths;
    return sum;
}

bool result_is_ramp(const struct result *result)
{
    for (size_t i = 0; i < result->settings->group_count; i++) {
        if (tally_is_ramp(&result->groups[i]))
            return true;
    }
    return false;
}

double result_served(const struct result *result)
{
    double sum = 0;

    for (size_t i = 0; i < result->settings->group_count; i++)
        sum += tally_requests(&result->groups[i], result_window_ns(result));
    return sum;
}

double result_offered_per_s(const struct result *result)
{
    return (double)result_offered_billionths(result) / 1e9;
}

bool result_runs_dry(const struct settings *settings, const struct group *group)
{
    return settings->pipeline > 1 && group->ask.per_connection > 0;
}
