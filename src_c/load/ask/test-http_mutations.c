// SPDX-License-Identifier: BSD-3-Clause
// Replies of HTTP at random, whole and damaged: what becomes of one does not depend on how it was
// cut. The seed is fixed: a failure comes again.
#include "load/ask/test-http.h"

enum {
    MUTATED = 1000000, // damaged replies
    BATCHES = 20000,   // of replies on one connection
    BATCH_MOST = 12,
    SIZE_MOST = 1024,
    CUTS_MOST = 6,
};

// xorshift64*
static uint64_t draw(uint64_t *random)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * 0x2545F4914F6CDD1DU >> 32;
}

static size_t below(uint64_t *random, size_t bound) { return (size_t)(draw(random) % bound); }

static const struct http_case *draw_case(uint64_t *random)
{
    size_t right = sizeof RIGHT_CASES / sizeof *RIGHT_CASES;
    size_t wrong = sizeof WRONG_CASES / sizeof *WRONG_CASES;
    size_t number = below(random, right + wrong);

    return number < right ? &RIGHT_CASES[number] : &WRONG_CASES[number - right];
}

// Cuts of `size` bytes, in ascending order. Returns how many there are.
static size_t draw_cuts(uint64_t *random, size_t size, size_t *cuts)
{
    size_t count = 1 + below(random, CUTS_MOST);

    for (size_t i = 0; i < count; i++) {
        size_t cut = below(random, size + 1);
        size_t place = i;
        for (; place > 0 && cuts[place - 1] > cut; place--)
            cuts[place] = cuts[place - 1];
        cuts[place] = cut;
    }
    return count;
}

// A byte that means something somewhere, or any.
static char draw_byte(uint64_t *random)
{
    static const char bytes[] = "\r\n\0 \t:;,-+\"01579afAFxCtTH/.";
    size_t number = below(random, sizeof bytes + 3);

    return number < sizeof bytes ? bytes[number] : (char)draw(random);
}

// Damages a text in one place. Returns its new size.
static size_t damage(uint64_t *random, char *bytes, size_t size)
{
    size_t at = below(random, size + 1);
    size_t span = 1 + below(random, below(random, 8) == 0 ? 40 : 3);
    const struct http_case *other = draw_case(random);

    switch (below(random, 4)) {
    case 0: // another byte
        if (at < size)
            bytes[at] = draw_byte(random);
        return size;
    case 1: // one more
        if (size == SIZE_MOST)
            return size;
        memmove(bytes + at + 1, bytes + at, size - at);
        bytes[at] = draw_byte(random);
        return size + 1;
    case 2: // fewer
        span = span < size - at ? span : size - at;
        memmove(bytes + at, bytes + at + span, size - at - span);
        return size - span;
    default: // a piece of another one
        span = span < other->size ? span * 4 : other->size;
        span = span < other->size ? span : other->size;
        span = span < size - at ? span : size - at;
        memcpy(bytes + at, other->bytes + other->size - span, span);
        return size;
    }
}

static void say(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        fprintf(stderr, bytes[i] < ' ' || bytes[i] > '~' ? "\\x%02x" : "%c",
                (unsigned char)bytes[i]);
    fprintf(stderr, "\n");
}

// Whether a reply that is taken with the memory of others is what it is without.
static bool is_remembered(const struct http_expectation *expectation, struct http_memory *memory,
                          const char *bytes, size_t size, const struct result *read)
{
    struct result result = {0};

    result.state = http_memory_feed(expectation, memory, &result.reply, bytes, size, &result.used);
    result.state_at_end = result.state;
    if (result.state == REPLY_RIGHT && !http_reply_begun(&result.reply))
        return read->state == REPLY_RIGHT && read->used == result.used && !read->reply.closes;
    if (result.state == REPLY_MORE)
        result.state_at_end = http_reply_end(expectation, &result.reply);
    return is_same(read, &result);
}

// Feeds a damaged reply as a whole, cut at random, and with the memory of others.
static bool is_steady(uint64_t *random, const struct http_expectation *expectation,
                      struct http_memory *memory, const char *bytes, size_t size)
{
    size_t cuts[CUTS_MOST];
    size_t count = draw_cuts(random, size, cuts);
    struct result whole = feed_cut(expectation, bytes, size, NULL, 0);
    struct result pieces = feed_cut(expectation, bytes, size, cuts, count);

    return is_same(&whole, &pieces) && is_remembered(expectation, memory, bytes, size, &whole);
}

static void damaged_replies_are_the_same_however_they_are_cut(uint64_t random)
{
    static struct http_memory memories[EXPECTATION_COUNT];
    static size_t ended[REPLY_LOST + 1];
    char bytes[SIZE_MOST];

    const struct http_case *one = draw_case(&random);

    for (size_t i = 0; i < MUTATED && test_failures < 10; i++) {
        if (below(&random, 4) == 0) // else the memory has seen much of it
            one = draw_case(&random);
        size_t size = one->size;
        size_t number = below(&random, EXPECTATION_COUNT);
        memcpy(bytes, one->bytes, size);
        for (size_t times = below(&random, 4); times > 0; times--)
            size = damage(&random, bytes, size);
        if (!is_steady(&random, EXPECTATIONS[number], &memories[number], bytes, size)) {
            CHECK_NUMBER(number, -1);
            say(bytes, size);
        }
        size_t used;
        struct http_reply reply = {0};
        ended[http_reply_feed(EXPECTATIONS[number], &reply, bytes, size, &used)]++;
    }
    for (size_t state = 0; state <= REPLY_LOST; state++) // or little would have been tried
        CHECK(ended[state] > MUTATED / 50);
}

// Replies that came together, in pieces that end anywhere, are told apart.
static void check_batch(uint64_t *random)
{
    const struct http_case *cases[BATCH_MOST];
    char bytes[BATCH_MOST * SIZE_MOST];
    struct http_reply reply = {0};
    size_t size = 0;
    size_t count = 0;
    size_t done = 0;
    size_t taken = 0;

    while (count < BATCH_MOST) {
        const struct http_case *one = draw_case(random);
        if (one->state == REPLY_MORE || one->closes) // nothing comes after it
            continue;
        memcpy(bytes + size, one->bytes, one->size);
        size += one->size;
        cases[count++] = one;
    }
    for (size_t at = 0, wanted = 0; at < size;) {
        size_t piece = 1 + below(random, below(random, 2) == 0 ? 8 : size - at);
        piece = piece < size - at ? piece : size - at;
        for (size_t fed = 0; fed < piece && done < count;) {
            size_t used;
            enum reply_state state =
                feed_copy(cases[done]->expectation, &reply, bytes + at + fed, piece - fed, &used);
            fed += used;
            taken += used;
            if (state == REPLY_MORE)
                continue;
            wanted += cases[done]->size;
            CHECK_NUMBER(state, cases[done]->state);
            CHECK_NUMBER(taken, wanted);
            http_reply_begin(&reply);
            done++;
        }
        at += piece;
    }
    CHECK_NUMBER(done, count);
}

int main(void)
{
    uint64_t random = 12;

    for (size_t i = 0; i < BATCHES && test_failures < 10; i++)
        check_batch(&random);
    damaged_replies_are_the_same_however_they_are_cut(random);
    return test_result();
}
