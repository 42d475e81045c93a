// SPDX-License-Identifier: BSD-3-Clause
// The first round of a closed loop, through windows that open while it is under way: the throughput
// against servers whose capacity is known, and when it is over. `test-first_round --table` prints
// by how much it and two other estimators are off.
#include <math.h>
#include <stdlib.h>

#include "core/test.h"
#include "load/count/first_round.h"
#include "load/count/tally.h"

static const double SECOND_NS = 1e9;
static const double LARGEST_BIAS = 0.005; // of the rate

enum { CLIENTS_MAX = 64 };
enum order { FIFO, LIFO, AT_RANDOM };

// A server that works on so many requests at a time, of the clients of a closed loop which have all
// asked at 0.
struct process {
    const char *name;
    enum order order;
    int clients;
    int at_once;
    double length_s; // of the service of one
    double jitter;   // ± this share of it
    double warmup_s;
    double window_s;
};

static const struct process EXACT[] = {
    {"1 of 5 at a time, no warm-up", FIFO, 5, 1, .05, 0, 0, .7},
    {"1 of 8 at a time", FIFO, 8, 1, .05, 0, .2, .7},
    {"1 of 32 at a time", FIFO, 32, 1, .05, 0, .2, .7},
    {"the same, window of 1.3 s", FIFO, 32, 1, .05, 0, .2, 1.3},
    {"the same, window of 3 s", FIFO, 32, 1, .05, 0, .2, 3},
    {"the same, no warm-up", FIFO, 32, 1, .05, 0, 0, .7},
    {"the same, most were answered", FIFO, 32, 1, .05, 0, 1, .7},
    {"1 of 64 at a time, window of 3 s", FIFO, 64, 1, .05, 0, .2, 3},
    {"1 of 32 at a time, the last first", LIFO, 32, 1, .05, 0, .2, .7},
    {"16 in step, 200 ms", FIFO, 16, 16, .2, 0, .1, .7},
    {"the same, window of 1.3 s", FIFO, 16, 16, .2, 0, .1, 1.3},
    {"the same, window of 1.5 requests", FIFO, 16, 16, .2, 0, .1, .3},
    {"the same ± 2 %, window of 1.3 s", FIFO, 16, 16, .2, .02, .1, 1.3},
    {"4 of 32 at a time, 100 ms", FIFO, 32, 4, .1, 0, .1, 1.3},
    {"4 of 32 at a time, 100 ms ± 2 %", FIFO, 32, 4, .1, .02, .1, 3},
};
// Where the order is drawn, what is off in one window is not in another.
static const struct process ON_AVERAGE[] = {
    {"1 of 8 at a time, at random", AT_RANDOM, 8, 1, .05, 0, .2, .7},
    {"1 of 32 at a time, at random", AT_RANDOM, 32, 1, .05, 0, .2, .7},
    {"the same, window of 3 s", AT_RANDOM, 32, 1, .05, 0, .2, 3},
    {"the same, the first half answered", AT_RANDOM, 32, 1, .05, 0, 1, 1},
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

// A request that waits, or is being served.
struct request {
    double sent_s;
    double ends_s;
    bool is_first;
};

static struct request queue[CLIENTS_MAX];
static int waiting;
static struct request served[CLIENTS_MAX];
static int serving;

static struct request take(const struct process *process)
{
    int at = 0;

    if (process->order == LIFO)
        at = waiting - 1;
    if (process->order == AT_RANDOM)
        at = (int)(draw() * waiting);
    struct request request = queue[at];
    memmove(queue + at, queue + at + 1, (size_t)(waiting - at - 1) * sizeof *queue);
    waiting--;
    return request;
}

static void serve_more(const struct process *process, double now_s)
{
    while (waiting > 0 && serving < process->at_once) {
        double length_s = process->length_s * (1 + process->jitter * (2 * draw() - 1));
        served[serving] = take(process);
        served[serving++].ends_s = now_s + length_s;
    }
}

static int next_to_end(void)
{
    int next = 0;

    for (int i = 1; i < serving; i++)
        next = served[i].ends_s < served[next].ends_s ? i : next;
    return next;
}

static struct tally *tally;

static void count_reply(const struct request *request, int64_t begin_ns)
{
    int64_t now_ns = (int64_t)(request->ends_s * SECOND_NS);

    tally_reply(tally, begin_ns, (int64_t)(request->sent_s * SECOND_NS), now_ns);
    tally->accounting.by_outcome[OUTCOME_OK]++;
    tally->first_round += request->is_first;
}

static void count_unfinished(const struct request *request, int64_t begin_ns, int64_t end_ns)
{
    int64_t sent_ns = (int64_t)(request->sent_s * SECOND_NS);

    if (request->is_first)
        tally_censor(tally, begin_ns, sent_ns, end_ns);
    else
        tally_resume(tally, begin_ns, sent_ns, end_ns);
}

static void empty(void)
{
    seconds_free(&tally->seconds);
    memset(tally, 0, sizeof *tally);
}

// Fills the tally with what is seen through a window from `begin_s` on.
static void run_once(const struct process *process, double begin_s)
{
    double end_s = begin_s + process->window_s;
    int64_t begin_ns = (int64_t)(begin_s * SECOND_NS);

    empty();
    waiting = process->clients;
    serving = 0;
    for (int i = 0; i < waiting; i++)
        queue[i] = (struct request){.is_first = true};
    serve_more(process, 0);
    for (int next = next_to_end(); served[next].ends_s < end_s; next = next_to_end()) {
        struct request request = served[next];
        served[next] = served[--serving];
        if (request.ends_s >= begin_s)
            count_reply(&request, begin_ns);
        queue[waiting++] = (struct request){.sent_s = request.ends_s};
        serve_more(process, request.ends_s);
    }
    for (int i = 0; i < waiting + serving; i++)
        count_unfinished(i < waiting ? &queue[i] : &served[i - waiting], begin_ns,
                         (int64_t)(end_s * SECOND_NS));
    tally_close(tally);
}

enum estimator { COUNTED, BY_PARTS, TOLD, ESTIMATORS };

// By how much a window's estimates are off.
static void estimate(const struct process *process, double begin_s, double bias[ESTIMATORS])
{
    double rate_per_s = process->at_once / process->length_s;
    double sure = rate_per_s * process->window_s;
    int64_t window_ns = (int64_t)(process->window_s * SECOND_NS);

    run_once(process, begin_s);
    uint64_t first_round = tally->first_round;
    bias[COUNTED] = (double)tally_ok(tally) / sure - 1;
    bias[TOLD] = tally_requests(tally, window_ns) / sure - 1;
    tally->first_round = 0;
    bias[BY_PARTS] = tally_requests(tally, window_ns) / sure - 1;
    tally->first_round = first_round;
}

static bool prints_table;

static void show(const struct process *process, const double bias[ESTIMATORS])
{
    if (prints_table)
        printf("%-44s %8.2f %8.2f %8.2f\n", process->name, 100 * bias[COUNTED],
               100 * bias[BY_PARTS], 100 * bias[TOLD]);
    if (fabs(bias[TOLD]) <= LARGEST_BIAS)
        return;
    fprintf(stderr, "%s: off by %.2f %%\n", process->name, 100 * bias[TOLD]);
    test_failures++;
}

// At each phase by itself: the phase may be the same in every trial. Of lengths that vary it is the
// mean of some windows.
static void test_a_ramp_has_the_servers_rate_at_every_phase(const struct process *process)
{
    const int phases = 50;
    const int times = process->jitter > 0 ? 10 : 1;
    double worst[ESTIMATORS] = {0};

    for (int p = 0; p < phases; p++) {
        double sums[ESTIMATORS] = {0};
        // No more than half of a service, so that the first round stays in the window.
        double begin_s = process->warmup_s + (p + .5) / phases * process->length_s / 2;
        for (int i = 0; i < times; i++) {
            double bias[ESTIMATORS];
            estimate(process, process->warmup_s > 0 ? begin_s : 0, bias);
            for (int e = 0; e < ESTIMATORS; e++)
                sums[e] += bias[e] / times;
        }
        for (int e = 0; e < ESTIMATORS; e++)
            worst[e] = fabs(sums[e]) > fabs(worst[e]) ? sums[e] : worst[e];
    }
    show(process, worst);
}

static void test_a_ramp_has_the_servers_rate_on_average(const struct process *process)
{
    const int times = 500;
    double mean[ESTIMATORS] = {0};

    for (int i = 0; i < times; i++) {
        double bias[ESTIMATORS];
        estimate(process, process->warmup_s + draw() * process->length_s, bias);
        for (int e = 0; e < ESTIMATORS; e++)
            mean[e] += bias[e] / times;
    }
    show(process, mean);
}

// What the test above is good for: by parts these are told to be faster than they are.
static void test_by_parts_a_ramp_is_too_fast(void)
{
    double bias[ESTIMATORS];

    estimate(&EXACT[2], .2, bias);
    CHECK(bias[BY_PARTS] > .25);
    CHECK(tally_is_ramp(tally));
}

static void test_after_the_first_round_requests_count_by_parts(void)
{
    const struct process late = {"", FIFO, 32, 1, .05, 0, 1.61, .7};
    double bias[ESTIMATORS];

    estimate(&late, late.warmup_s, bias);
    CHECK_NUMBER(tally->first_round, 0);
    CHECK(!tally_is_ramp(tally));
    CHECK(bias[TOLD] == bias[BY_PARTS]);
    CHECK(fabs(bias[TOLD]) < LARGEST_BIAS);
}

// One of the first round among a hundred replies is no ramp.
static void test_a_straggler_is_no_ramp(void)
{
    CHECK(!first_round_matters(0, 0));
    CHECK(!first_round_matters(1, 100));
    CHECK(!first_round_matters(2, 100));
    CHECK(first_round_matters(3, 100));
    CHECK(first_round_matters(1, 1));
}

static struct timeline timeline;

static void test_a_window_that_is_no_longer_than_a_request_has_what_came(void)
{
    memset(&timeline, 0, sizeof timeline);
    for (int i = 0; i < 7; i++)
        timeline_count(&timeline, 100 + i);
    CHECK(first_round_served(&timeline, 1000, 1000) == 7);
    CHECK(first_round_served(&timeline, 1000, 5000) == 7);
    CHECK(first_round_served(&timeline, 1000, 0) == 7);
    CHECK(first_round_served(&timeline, 1000, 500) != 7);
}

// More than what could be in part at the edges of a window is not added, nor taken away: bursts of
// which nothing was in flight at an edge, in the middle and near the end.
static void test_a_request_counts_for_one_at_most(void)
{
    empty();
    for (int i = 0; i < 100; i++)
        tally_reply(tally, 0, 500000 - 400000, 500000 + i);
    tally->first_round = 100;
    CHECK(tally_is_ramp(tally));
    tally_close(tally);
    CHECK(first_round_served(&tally->timeline, 1000000, 400000) > 150);
    CHECK(tally_requests(tally, 1000000) == 100);
    empty();
    for (int i = 0; i < 150; i++)
        tally_reply(tally, 0, 4999000 - 400000, 4999000);
    tally->first_round = 150;
    tally_close(tally);
    CHECK(first_round_served(&tally->timeline, 5000000, 400000) < 150);
    CHECK(tally_requests(tally, 5000000) == 150);
}

// After how many batches of 100 ms the first round is over; 0: never. What was answered by the end
// of one, of all `asked` and in all.
static size_t batches_until_over(uint64_t asked, uint64_t (*answered)(uint64_t batch),
                                 uint64_t (*replies)(uint64_t batch))
{
    struct first_round first_round = first_round_begin(asked);

    if (first_round_is_over(&first_round))
        return 0;
    for (uint64_t i = 1; i <= WARM_UP_BATCHES_MAX; i++) {
        first_round_look(&first_round, answered(i), replies(i));
        if (first_round_is_over(&first_round))
            return first_round.count;
    }
    return 0;
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t twenty_a_second(uint64_t batch) { return 2 * batch; }
static uint64_t thousand_a_second(uint64_t batch) { return 100 * batch; }
static uint64_t up_to_31(uint64_t batch) { return least(2 * batch, 31); }
static uint64_t one(uint64_t batch) { return batch > 0; }
static uint64_t two_a_second(uint64_t batch) { return batch / 5; }
static uint64_t but_one_of_500(uint64_t batch)
{
    return least(5000 * batch, batch < 15 ? 499 : 500);
}
static uint64_t nothing(uint64_t batch) { return batch > 1000; }

static void test_the_first_round_is_over_when_all_were_answered(void)
{
    CHECK_NUMBER(batches_until_over(32, twenty_a_second, twenty_a_second), 16);
    CHECK_NUMBER(batches_until_over(4, two_a_second, two_a_second), 20);
    CHECK_NUMBER(batches_until_over(8, thousand_a_second, thousand_a_second), 1);
}

static void test_nobody_waits_for_clients_that_are_never_answered(void)
{
    // As long again as the others took, at most.
    size_t with_one_that_hangs = batches_until_over(32, up_to_31, twenty_a_second);
    CHECK(with_one_that_hangs > 16 && with_one_that_hangs <= 33);
    CHECK_NUMBER(batches_until_over(8, one, thousand_a_second), 1); // one connection at a time
    CHECK(batches_until_over(8, one, twenty_a_second) <= 4);
    CHECK(batches_until_over(500, but_one_of_500, thousand_a_second) <= 5);
}

static void test_a_first_round_may_never_be_over(void)
{
    CHECK_NUMBER(batches_until_over(1000, twenty_a_second, twenty_a_second), 0);
}

static void test_an_open_loop_has_no_first_round(void)
{
    struct first_round first_round = first_round_begin(0);

    CHECK(first_round_is_over(&first_round));
}

static void test_without_a_reply_the_first_round_is_not_over(void)
{
    CHECK_NUMBER(batches_until_over(8, nothing, nothing), 0);
}

int main(int argc, char *argv[])
{
    tally = calloc(1, sizeof *tally);
    CHECK(tally != NULL);
    if (tally == NULL)
        return test_result();
    prints_table = argc > 1 && strcmp(argv[1], "--table") == 0;
    if (prints_table)
        printf("%-44s %8s %8s %8s\n", "bias in %, at the worst phase", "counted", "by parts",
               "told");
    for (size_t i = 0; i < sizeof EXACT / sizeof *EXACT; i++)
        test_a_ramp_has_the_servers_rate_at_every_phase(&EXACT[i]);
    for (size_t i = 0; i < sizeof ON_AVERAGE / sizeof *ON_AVERAGE; i++)
        test_a_ramp_has_the_servers_rate_on_average(&ON_AVERAGE[i]);
    test_by_parts_a_ramp_is_too_fast();
    test_after_the_first_round_requests_count_by_parts();
    test_a_straggler_is_no_ramp();
    test_a_window_that_is_no_longer_than_a_request_has_what_came();
    test_a_request_counts_for_one_at_most();
    test_the_first_round_is_over_when_all_were_answered();
    test_nobody_waits_for_clients_that_are_never_answered();
    test_a_first_round_may_never_be_over();
    test_an_open_loop_has_no_first_round();
    test_without_a_reply_the_first_round_is_not_over();
    seconds_free(&tally->seconds);
    free(tally);
    return test_result();
}
