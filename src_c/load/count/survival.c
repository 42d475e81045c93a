// SPDX-License-Identifier: BSD-3-Clause
// How long requests take when some of them have not ended yet: the product-limit estimator (Kaplan
// and Meier 1958) with delayed entry. Pure.
#include "load/count/survival.h"

static const long double ROUNDING = 1e-6L; // of a request; products are exact to far less

// How many end at a step of the histogram, and how many leave it without that.
static uint64_t ended_at(const struct lifetimes *lifetimes, enum cut_off cut_off, size_t i)
{
    uint64_t censored = cut_off == CUT_OFF_ENDS_NOW ? lifetimes->censored->counts[i] : 0;

    return lifetimes->answered->counts[i] + censored;
}

static uint64_t left_at(const struct lifetimes *lifetimes, enum cut_off cut_off, size_t i)
{
    return cut_off == CUT_OFF_IS_TYPICAL ? lifetimes->censored->counts[i] : 0;
}

bool survival_percentile_if(const struct lifetimes *lifetimes, enum cut_off cut_off, double percent,
                            int64_t *value_ns)
{
    const struct histogram *entered = lifetimes->entered;
    uint64_t total = lifetimes->answered->total + lifetimes->censored->total;
    uint64_t yet_to_enter = entered->total;
    uint64_t at_risk = total - yet_to_enter;
    uint64_t wanted = (uint64_t)(percent / 100 * (double)total + 0.5);
    long double surviving = 1;

    if (wanted == 0)
        wanted = 1;
    if (at_risk == 0 && entered->counts[0] == 0)
        return false; // nobody was watched from the beginning
    for (size_t i = 0; i < HISTOGRAM_COUNTS; i++) {
        uint64_t ended = ended_at(lifetimes, cut_off, i);
        // Within one step of the histogram: first come those who enter, then the replies, and then
        // those who are censored, so that who has a reply was at risk of it.
        at_risk += entered->counts[i];
        yet_to_enter -= entered->counts[i];
        if (ended > 0) {
            // All who were watched at this age had their reply; of who was watched only later,
            // nothing is known about how many came that far.
            if (ended == at_risk && yet_to_enter > 0)
                return false;
            surviving *= (long double)(at_risk - ended) / (long double)at_risk;
            if ((1 - surviving) * (long double)total >= (long double)wanted - ROUNDING) {
                *value_ns = histogram_highest_at(i);
                return true;
            }
        }
        at_risk -= ended + left_at(lifetimes, cut_off, i);
        if (at_risk == 0 && yet_to_enter > 0)
            return false; // likewise: nobody was watched from here until the next one enters
    }
    return false;
}

bool survival_percentile(const struct lifetimes *lifetimes, double percent, int64_t *value_ns)
{
    return survival_percentile_if(lifetimes, CUT_OFF_IS_TYPICAL, percent, value_ns);
}

bool survival_last_seen(const struct lifetimes *lifetimes, double percent, int64_t *value_ns)
{
    static const struct histogram nobody; // enters late: each counts from its beginning
    const struct lifetimes seen = {lifetimes->answered, lifetimes->censored, &nobody};

    return survival_percentile_if(&seen, CUT_OFF_ENDS_NOW, percent, value_ns);
}
