// SPDX-License-Identifier: BSD-3-Clause
// How long requests take when some of them have not ended yet: the product-limit estimator (Kaplan
// and Meier 1958) with delayed entry. Pure.
#include "load/count/survival.h"

static const long double ROUNDING = 1e-6L; // of a request; products are exact to far less

bool survival_percentile(const struct lifetimes *lifetimes, double percent, int64_t *value_ns)
{
    const struct histogram *answered = lifetimes->answered;
    const struct histogram *censored = lifetimes->censored;
    const struct histogram *entered = lifetimes->entered;
    uint64_t total = answered->total + censored->total;
    uint64_t yet_to_enter = entered->total;
    uint64_t at_risk = total - yet_to_enter;
    uint64_t wanted = (uint64_t)(percent / 100 * (double)total + 0.5);
    long double surviving = 1;

    if (wanted == 0)
        wanted = 1;
    if (at_risk == 0 && entered->counts[0] == 0)
        return false; // nobody was watched from the beginning
    for (size_t i = 0; i < HISTOGRAM_COUNTS; i++) {
        // Within one step of the histogram: first come those who enter, then the replies, and then
        // those who are censored, so that who has a reply was at risk of it.
        at_risk += entered->counts[i];
        yet_to_enter -= entered->counts[i];
        if (answered->counts[i] > 0) {
            // All who were watched at this age had their reply; of who was watched only later,
            // nothing is known about how many came that far.
            if (answered->counts[i] == at_risk && yet_to_enter > 0)
                return false;
            surviving *= (long double)(at_risk - answered->counts[i]) / (long double)at_risk;
            if ((1 - surviving) * (long double)total >= (long double)wanted - ROUNDING) {
                *value_ns = histogram_highest_at(i);
                return true;
            }
        }
        at_risk -= answered->counts[i] + censored->counts[i];
        if (at_risk == 0 && yet_to_enter > 0)
            return false; // likewise: nobody was watched from here until the next one enters
    }
    return false;
}
