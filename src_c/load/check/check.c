// SPDX-License-Identifier: BSD-3-Clause
// Each request of a file asked once on each of some connections, all at the same time.
#include "load/check/check.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/die.h"
#include "load/check/asked.h"
#include "load/check/ending.h"
#include "load/check/greeting.h"
#include "load/check/learning.h"
#include "load/check/repeating.h"
#include "load/check/verdict.h"

enum { BUFFER_SIZE = 64 * 1024 };

static const size_t KEPT_MAX = (size_t)256 * 1024 * 1024; // of all replies together

// All that is asked.
struct check {
    const struct settings *settings;
    struct checked *all; // one for each request
    size_t count;
    size_t room; // for what is kept of replies
    struct asked **live;
    struct pollfd *polls;
    size_t live_count;
    char buffer[BUFFER_SIZE];
};

// Whether what comes on a connection is needed later.
static bool is_kept(const struct settings *settings, const struct ask *ask, size_t number)
{
    return ask->expects == EXPECT_LEARN || (settings->replies_path != NULL && number == 0);
}

static bool make_checked(struct check *check, struct checked *checked, const struct ask *ask)
{
    const struct settings *settings = check->settings;

    checked->ask = ask;
    checked->count = (size_t)settings->clients;
    checked->asked = calloc(checked->count, sizeof *checked->asked);
    if (checked->asked == NULL ||
        !exchange_make(&checked->exchange, ask, settings->framing, false, 1))
        return false;
    for (size_t i = 0; i < checked->count; i++) {
        size_t *room = is_kept(settings, ask, i) ? &check->room : NULL;
        if (!asked_make(&checked->asked[i], ask, &checked->exchange, &checked->memory, room))
            return false;
    }
    return true;
}

static struct check *make(const struct settings *settings)
{
    struct check *check = calloc(1, sizeof *check);

    if (check == NULL)
        return NULL;
    check->settings = settings;
    check->count = settings->asks.count;
    check->room = KEPT_MAX;
    size_t connections = check->count * (size_t)settings->clients;
    check->all = calloc(check->count, sizeof *check->all);
    check->live = (struct asked **)calloc(connections, sizeof(struct asked *));
    check->polls = calloc(connections, sizeof *check->polls);
    bool made = check->all != NULL && check->live != NULL && check->polls != NULL;
    for (size_t i = 0; i < check->count && made; i++)
        made = make_checked(check, &check->all[i], &settings->asks.asks[i]);
    return made ? check : NULL; // else the program ends
}

static void free_all(struct check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        struct checked *checked = &check->all[i];
        for (size_t c = 0; c < checked->count; c++)
            asked_free(&checked->asked[c]);
        exchange_free(&checked->exchange);
        free(checked->asked);
        free(checked->body);
    }
    free(check->all);
    free((void *)check->live);
    free(check->polls);
    free(check);
}

// Opens all connections. Each has its turn among those of the other requests.
static void begin(struct check *check)
{
    for (size_t c = 0; c < (size_t)check->settings->clients; c++) {
        for (size_t i = 0; i < check->count; i++) {
            struct asked *asked = &check->all[i].asked[c];
            asked_begin(asked, check->settings);
            check->live[check->live_count++] = asked;
        }
    }
}

// Forgets those that are over, and says when the first of the others is overdue.
static int64_t sift(struct check *check)
{
    int64_t first_ns = INT64_MAX;
    size_t kept = 0;

    for (size_t i = 0; i < check->live_count; i++) {
        struct asked *asked = check->live[i];
        if (asked->state == ASKED_OVER)
            continue;
        if (asked->deadline_ns < first_ns)
            first_ns = asked->deadline_ns;
        check->polls[kept] = (struct pollfd){.fd = asked->fd, .events = asked_events(asked)};
        check->live[kept++] = asked;
    }
    check->live_count = kept;
    return first_ns;
}

// Waits until something happens, and deals with it.
static void turn(struct check *check, int64_t first_ns)
{
    const struct timespec patience = clock_until(first_ns);
    int ready = ppoll(check->polls, check->live_count, &patience, NULL);

    if (ready == -1 && errno != EINTR)
        die("fibload", "ppoll", errno);
    int64_t now_ns = clock_now_ns();
    for (size_t i = 0; i < check->live_count; i++) {
        struct asked *asked = check->live[i];
        if (ready > 0 && check->polls[i].revents != 0)
            asked_ready(asked, check->polls[i].revents, check->buffer, sizeof check->buffer);
        if (asked->state != ASKED_OVER && asked->deadline_ns <= now_ns)
            asked_overdue(asked);
    }
}

// Whether what came may have been no reply at all.
static bool may_be_greeting(const struct asked *asked)
{
    bool is_other = asked->outcome == ASKED_WRONG || asked->outcome == ASKED_SURPLUS;

    return is_other && asked->ask->opening_count == 0;
}

// Where a reply is another one, says so if the server speaks before it is asked.
static void look_for_greeting(const struct check *check)
{
    bool looked = false;
    bool comes = false;

    for (size_t i = 0; i < check->count; i++) {
        const struct checked *checked = &check->all[i];
        for (size_t c = 0; c < checked->count; c++) {
            if (!may_be_greeting(&checked->asked[c]))
                continue;
            comes = comes || (!looked && greeting_comes(check->settings));
            looked = true;
            if (comes)
                ending_add_reason(&checked->asked[c],
                                  "; the server speaks before it is asked, as an opening can say");
        }
    }
}

static bool write_file(const struct check *check, const char *path,
                       bool (*write)(const struct checked *, size_t, const char *))
{
    if (path == NULL || write(check->all, check->count, path))
        return true;
    fprintf(stderr, "fibload: cannot write %.200s: %s\n", path, strerror(errno));
    return false;
}

// What was asked for, if all was right: else there is nothing to go on with.
static bool write_files(const struct check *check)
{
    return write_file(check, check->settings->learned_path, learning_write) &&
           write_file(check, check->settings->replies_path, repeating_write);
}

int check_run(const struct settings *settings)
{
    struct check *check = make(settings);

    if (check == NULL)
        die("fibload", "cannot prepare", errno);
    begin(check);
    for (int64_t first_ns = sift(check); check->live_count > 0; first_ns = sift(check))
        turn(check, first_ns);
    for (size_t i = 0; i < check->count; i++) {
        if (!learning_find(&check->all[i]))
            die("fibload", "cannot learn", errno);
    }
    look_for_greeting(check);
    bool is_right = verdict_is_right(check->all, check->count);
    bool written = !is_right || write_files(check);
    if (!verdict_write(check->all, check->count, stdout)) {
        fprintf(stderr, "fibload: cannot write the answer: %s\n", strerror(errno));
        written = false;
    }
    free_all(check);
    return is_right && written ? EXIT_SUCCESS : EXIT_FAILURE;
}
