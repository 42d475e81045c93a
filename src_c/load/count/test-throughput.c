// SPDX-License-Identifier: BSD-3-Clause
// The throughput of a closed loop against processes whose rate is known, at all phases of the
// window. `test-throughput --table` prints by how much it and two others are off.
#include <math.h>

#include "core/test.h"
#include "load/count/throughput.h"

static const double SECOND_NS = 1e9;
static const double WARM_UP = 40;         // in mean lengths: what it began with is forgotten
static const double LARGEST_BIAS = 0.005; // of the rate
static const double ERROR_OF_MANY = 0.04; // of a mean of all windows: they scatter

enum law { CONSTANT, JITTER, EXPONENTIAL, LOGNORMAL, RARE, TWO_KINDS };

// Clients in a closed loop: each sends when it is answered.
struct process {
    const char *name;
    enum law law;
    double mean_s; // of a request's length
    int clients;
    double window_s;
    bool in_step;
    double rate_per_s; // the truth
    int strangers;     // clients beside them that are never answered
};

static const struct process IN_STEP[] = {
    {"16 in step, 200 ms, window 1.3 s", CONSTANT, .2, 16, 1.3, true, 80, 0},
    {"16 in step, 200 ms ± 2 %", JITTER, .2, 16, 1.3, true, 80, 0},
    {"16 in step, window of 1.05 requests", CONSTANT, 1, 16, 1.05, true, 16, 0},
    {"16 in step, window of 2.5 requests", CONSTANT, 1, 16, 2.5, true, 16, 0},
    {"one client, window of 6.5 requests", CONSTANT, .2, 1, 1.3, true, 5, 0},
    {"one at a time of 8, the rest never", CONSTANT, .0101, 1, 1, true, 1 / .0101, 7},
};
static const struct process INDEPENDENT[] = {
    {"16 apart, 200 ms", CONSTANT, .2, 16, 1.3, false, 80, 0},
    {"16 exponential, 200 ms", EXPONENTIAL, .2, 16, 1.3, false, 80, 0},
    {"4 exponential, 200 ms", EXPONENTIAL, .2, 4, 1.3, false, 20, 0},
    {"1 exponential, 50 ms", EXPONENTIAL, .05, 1, 1.3, false, 20, 0},
    {"16 lognormal, sigma 1", LOGNORMAL, .1, 16, 1.3, false, 160, 0},
    {"64 apart, one reply each or none", CONSTANT, 1, 64, .6, false, 64, 0},
    {"64 exponential, half without a reply", EXPONENTIAL, 1, 64, .7, false, 64, 0},
    {"8, one request in 50 takes 15 times as long", RARE, .0256, 8, .5, false, 8 / .0256, 0},
    {"4 take 10 ms, 4 take 300 ms", TWO_KINDS, .3, 8, 1, false, 4 / .01 + 4 / .3, 0},
};

static uint64_t random_state;

// Up to, not including, 1 (splitmix64).
static double draw(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30U)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27U)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31U)) >> 11U) * 0x1p-53;
}

static double length_s(const struct process *process, int client)
{
    static const double PI = 3.14159265358979323846;

    switch (process->law) {
    case JITTER:
        return process->mean_s * (1 + .02 * (2 * draw() - 1));
    case EXPONENTIAL:
        return -process->mean_s * log1p(-draw());
    case LOGNORMAL: // with this mean
        return process->mean_s * exp(sqrt(-2 * log1p(-draw())) * cos(2 * PI * draw()) - .5);
    case RARE:
        return draw() < .02 ? .3 : .02;
    case TWO_KINDS:
        return client % 2 == 0 ? .01 : process->mean_s;
    default:
        return process->mean_s;
    }
}

static struct histogram answered;
static struct histogram censored;
static struct histogram resumed;

// The estimators.
enum estimator { COUNTED, FIRST_TO_LAST, BY_PARTS, ESTIMATORS };

// What one client does, seen through the window from 0 on, which begins it at `at_s`.
static void run_client(const struct process *process, int client, double at_s, double *before,
                       double sums[ESTIMATORS])
{
    double first_s = 0;
    double last_s = 0;
    int count = 0;

    for (;;) {
        double end_s = at_s + length_s(process, client);
        if (end_s >= process->window_s) {
            double age_ns = (process->window_s - at_s) * SECOND_NS;
            histogram_record(&censored, (int64_t)age_ns);
            histogram_record(&resumed, (int64_t)age_ns);
            break;
        }
        if (end_s >= 0) {
            histogram_record(&answered, (int64_t)((end_s - at_s) * SECOND_NS));
            *before += at_s < 0 ? -at_s / (end_s - at_s) : 0;
            first_s = count++ == 0 ? end_s : first_s;
            last_s = end_s;
        }
        at_s = end_s;
    }
    sums[COUNTED] += count / process->window_s;
    if (count > 1)
        sums[FIRST_TO_LAST] += (count - 1) / (last_s - first_s);
    else
        sums[FIRST_TO_LAST] += count / process->window_s;
}

static void empty(struct histogram *histogram)
{
    if (histogram->total > 0) {
        size_t last = histogram_index(histogram->max_ns);
        memset(histogram->counts, 0, (last + 1) * sizeof *histogram->counts);
    }
    histogram->total = histogram->sum_ns = histogram->out_of_range = 0;
    histogram->min_ns = histogram->max_ns = 0;
}

// Adds one window's estimates. Clients in step begin `phase` of a request before it.
static void run_once(const struct process *process, double phase, double sums[ESTIMATORS])
{
    double before = 0;

    empty(&answered);
    empty(&censored);
    empty(&resumed);
    for (int i = 0; i < process->clients; i++) {
        double ago = process->in_step ? phase : draw() + WARM_UP;
        run_client(process, i, -ago * process->mean_s, &before, sums);
    }
    for (int i = 0; i < process->strangers; i++)
        histogram_record(&censored, (int64_t)(process->window_s * SECOND_NS));
    const struct served served = {.window_ns = (int64_t)(process->window_s * SECOND_NS),
                                  .answered = &answered,
                                  .before = before,
                                  .censored = &censored,
                                  .resumed = &resumed};
    sums[BY_PARTS] += served_requests(&served) / process->window_s;
}

static bool prints_table;

static void print(const struct process *process, const double bias[ESTIMATORS])
{
    if (prints_table)
        printf("%-44s %8.2f %8.2f %8.2f\n", process->name, 100 * bias[COUNTED],
               100 * bias[FIRST_TO_LAST], 100 * bias[BY_PARTS]);
}

static void check(const struct process *process, double bias, double largest)
{
    if (fabs(bias) <= largest)
        return;
    fprintf(stderr, "%s: off by %.2f %%\n", process->name, 100 * bias);
    test_failures++;
}

// At each phase by itself: the phase may be the same in every trial.
static void test_clients_in_step_have_their_rate_at_every_phase(const struct process *process)
{
    const int phases = 100;
    const int times = 10;
    double worst[ESTIMATORS] = {0};

    for (int p = 0; p < phases; p++) {
        double sums[ESTIMATORS] = {0};
        for (int i = 0; i < times; i++)
            run_once(process, (p + .5) / phases, sums);
        for (int e = 0; e < ESTIMATORS; e++) {
            double bias = sums[e] / times / process->rate_per_s - 1;
            if (fabs(bias) > fabs(worst[e]))
                worst[e] = bias;
        }
    }
    print(process, worst);
    check(process, worst[BY_PARTS], LARGEST_BIAS);
}

// On average. What is counted in a window is right then, so that the difference to it is the bias.
static void test_independent_clients_have_their_rate(const struct process *process)
{
    const int times = 2500;
    double sums[ESTIMATORS] = {0};
    double bias[ESTIMATORS];

    for (int i = 0; i < times; i++)
        run_once(process, 0, sums);
    for (int e = 0; e < ESTIMATORS; e++)
        bias[e] = (sums[e] - sums[COUNTED]) / times / process->rate_per_s;
    print(process, bias);
    check(process, bias[BY_PARTS], LARGEST_BIAS);
    check(process, sums[COUNTED] / times / process->rate_per_s - 1, ERROR_OF_MANY);
}

static void test_without_a_reply_there_is_no_rate(void)
{
    const struct served served = {
        .window_ns = 1000, .answered = &answered, .censored = &censored, .resumed = &resumed};

    empty(&answered);
    empty(&censored);
    empty(&resumed);
    CHECK(served_requests(&served) == 0);
    histogram_record(&censored, 500);
    histogram_record(&resumed, 500);
    CHECK(served_requests(&served) == 0);
}

// Replies after 100; at the end one is 60 old, one 150, one 250, and one of 150 never had a reply.
static void test_what_is_in_flight_counts_by_what_is_known_of_it(void)
{
    const struct served served = {
        .window_ns = 1000, .answered = &answered, .censored = &censored, .resumed = &resumed};

    empty(&answered);
    empty(&censored);
    empty(&resumed);
    for (int i = 0; i < 5; i++)
        histogram_record(&answered, 100);
    CHECK(served_requests(&served) == 5);
    histogram_record(&censored, 60);
    CHECK(fabs(served_requests(&served) - 5.6) < 1e-9);
    histogram_record(&censored, 150);
    CHECK(fabs(served_requests(&served) - 5.6) < 1e-9);
    histogram_record(&resumed, 150);
    CHECK(fabs(served_requests(&served) - 6.2) < 1e-9);
    histogram_record(&censored, 250);
    histogram_record(&resumed, 250);
    CHECK(fabs(served_requests(&served) - 6.2) < 1e-9);
}

int main(int argc, char *argv[])
{
    prints_table = argc > 1 && strcmp(argv[1], "--table") == 0;
    if (prints_table)
        printf("%-44s %8s %8s %8s\n", "bias in %, at the worst phase in step", "counted",
               "first–last", "by parts");
    for (size_t i = 0; i < sizeof IN_STEP / sizeof *IN_STEP; i++)
        test_clients_in_step_have_their_rate_at_every_phase(&IN_STEP[i]);
    for (size_t i = 0; i < sizeof INDEPENDENT / sizeof *INDEPENDENT; i++)
        test_independent_clients_have_their_rate(&INDEPENDENT[i]);
    test_without_a_reply_there_is_no_rate();
    test_what_is_in_flight_counts_by_what_is_known_of_it();
    return test_result();
}
