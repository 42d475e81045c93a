// SPDX-License-Identifier: BSD-3-Clause
// What the clients of each group ask, resolved from the options and from a file of requests.
#include "load/ask/asking.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct text text_of(const char *bytes) { return (struct text){bytes, strlen(bytes)}; }

// The request of --asks with this name, or the one that --ask or the file itself leaves no choice
// of. NULL when neither does.
static const struct ask *find_ask(const struct settings *s, const char *name)
{
    if (*name == '\0' && s->ask_name != NULL)
        name = s->ask_name;
    if (*name == '\0')
        return s->asks.count == 1 ? &s->asks.asks[0] : NULL;
    const struct ask *ask = asks_find(&s->asks, name);
    if (ask == NULL)
        settings_reject("--asks %.60s has no request '%.*s' (the first is %s)", s->asks_path,
                        ASK_NAME_MAX, name, s->asks.asks[0].name);
    return ask;
}

// Decides which of the requests in --asks a group sends. An idle one has but its opening of it.
static void resolve_group_ask(const struct settings *s, struct group *group)
{
    const struct ask *ask = find_ask(s, group->ask_name);

    if (ask != NULL)
        group->ask = *ask;
    else if (!group->idle)
        settings_reject("--asks has %zu requests (say which: --ask, or ask= of each group)",
                        s->asks.count);
}

// Decides what a group asks and what must come back.
static void resolve_group_texts(const struct settings *s, struct group *group)
{
    group->ask = (struct ask){.expects = EXPECT_TEXT};
    if (s->asks_path != NULL) {
        resolve_group_ask(s, group);
    } else if (!s->asks_fibonacci) {
        group->ask.send = text_of(s->request);
        group->ask.expected = text_of(s->expect);
    } else {
        snprintf(group->request_digits, sizeof group->request_digits, "%" PRIu64, group->n);
        snprintf(group->expect_digits, sizeof group->expect_digits, "%" PRIu32,
                 exchange_fibonacci((unsigned)group->n));
        group->ask.send = text_of(group->request_digits);
        group->ask.expected = text_of(group->expect_digits);
    }
    if (group->ask.per_connection == 0)
        group->ask.per_connection = s->requests_per_connection;
}

// Reads the requests that --asks names, if it is given.
static void resolve_asks(struct settings *s, bool n_given)
{
    char message[ASKS_MESSAGE_SIZE];
    const char *framing = settings_framing_name(s->framing);

    if (s->framing < FRAMING_BYTES) {
        if (s->asks_path != NULL || s->ask_name != NULL)
            settings_reject("--%s needs --framing bytes or http (%s framing has --n or --request)",
                            s->asks_path != NULL ? "asks" : "ask", framing);
        return;
    }
    if (s->asks_path == NULL)
        settings_reject("--framing %s needs --asks (the file says what is asked)", framing);
    const char *other = n_given ? "n" : s->request != NULL ? "request" : "expect";
    if (n_given || s->request != NULL || s->expect != NULL)
        settings_reject("--asks and --%s exclude each other (one says what is asked)", other);
    if (!asks_load(&s->asks, s->asks_path, s->framing == FRAMING_HTTP, message))
        settings_reject("--asks %.200s: %s", s->asks_path, message);
}

// Checks the texts of the user's own, if there are any.
static void check_texts(struct settings *s, bool n_given)
{
    if ((s->request == NULL) != (s->expect == NULL))
        settings_reject("--request and --expect need each other (give both or neither)");
    s->asks_fibonacci = s->request == NULL && s->asks_path == NULL;
    if (s->request == NULL)
        return;
    if (n_given)
        settings_reject("--n and --request exclude each other (one says what is asked)");
    if (strlen(s->request) > EXCHANGE_TEXT_MAX || strlen(s->expect) > EXCHANGE_TEXT_MAX)
        settings_reject("--request or --expect is too long (at most %d bytes)", EXCHANGE_TEXT_MAX);
    if (s->framing == FRAMING_MESSAGE && (*s->request == '\0' || *s->expect == '\0'))
        settings_reject(
            "--request and --expect are not empty in message framing (the bytes are the frame)");
}

// Checks a group against the groups before it and against the options.
static void check_group(const struct settings *s, const struct group *group)
{
    for (const struct group *other = s->groups; other < group; other++) {
        if (strcmp(other->name, group->name) == 0)
            settings_reject("--group: the name %s is given twice (each group needs its own)",
                            group->name);
    }
    if (group->n_given && !s->asks_fibonacci)
        settings_reject("--group: n and --%s exclude each other (one says what is asked)",
                        s->asks_path != NULL ? "asks" : "request");
    if (*group->ask_name != '\0' && s->asks_path == NULL)
        settings_reject("--group: ask needs --asks (the file with the requests)");
    if (group->arrivals_given && group->rate_billionths == 0)
        settings_reject("--group: arrivals needs a rate (a closed loop sends when it is answered)");
}

// Makes the groups that are asked for, or the one of all clients.
static void resolve_groups(struct settings *s, const struct argument_texts *specs)
{
    const struct group defaults = {.name = "all",
                                   .clients = s->clients,
                                   .n = s->n,
                                   .rate_billionths = s->rate_billionths,
                                   .arrivals = s->arrivals};

    s->group_count = specs->count > 0 ? specs->count : 1;
    s->clients = 0;
    for (size_t i = 0; i < s->group_count; i++) {
        struct group *group = &s->groups[i];
        char message[GROUP_MESSAGE_SIZE];
        *group = defaults;
        if (specs->count > 0 && !group_read(specs->texts[i], group, message))
            settings_reject("--group '%.60s': %s", specs->texts[i], message);
        check_group(s, group);
        resolve_group_texts(s, group);
        s->clients += group->idle ? 0 : group->clients;
    }
    if (s->clients == 0)
        settings_reject("--group: all groups are idle (at least one must ask)");
    if (settings_all_clients(s) > GROUP_CLIENTS_MAX)
        settings_reject("--group: more than %d clients in all (that is the most)",
                        GROUP_CLIENTS_MAX);
    const struct group *first = s->groups;
    while (first->idle)
        first++;
    s->n = first->n;
    if (s->asks_path == NULL) {
        s->request = first->ask.send.bytes;
        s->expect = first->ask.expected.bytes;
    }
}

// What only --check can do is nothing for a load.
static void check_for_load(const struct settings *s)
{
    if (s->learned_path != NULL || s->replies_path != NULL)
        settings_reject("--%s needs --check (which asks each request once)",
                        s->learned_path != NULL ? "learned" : "replies");
    for (size_t i = 0; i < s->asks.count; i++) {
        const struct ask *ask = &s->asks.asks[i];
        if (ask->expects == EXPECT_LEARN || ask->expects == EXPECT_LINE) {
            settings_reject("--asks %.200s: request %s has 'expect %s', which needs --check",
                            s->asks_path, ask->name,
                            ask->expects == EXPECT_LEARN ? "learn" : "line");
        }
    }
}

// Nothing is measured, and all of the file is asked: what says otherwise is a mistake.
static void check_for_check(const struct settings *s, const struct argument_texts *groups)
{
    const char *other = NULL;

    if (s->asks_path == NULL)
        settings_reject("--check needs --asks (the file with the requests)");
    if (groups->count > 0)
        other = "group";
    else if (s->ask_name != NULL)
        other = "ask";
    else if (s->requests > 0)
        other = "requests";
    else if (s->rate_billionths > 0)
        other = "rate";
    else if (s->pipeline > 1)
        other = "pipeline";
    if (other != NULL) {
        settings_reject("--check and --%s exclude each other (it asks all of the file, once on "
                        "each connection)",
                        other);
    }
    if (s->clients * s->asks.count > CHECK_CONNECTIONS_MAX) {
        settings_reject("--check: %" PRIu64 " clients with %zu requests are too many connections "
                        "(at most %d)",
                        s->clients, s->asks.count, CHECK_CONNECTIONS_MAX);
    }
}

void asking_resolve(struct settings *settings, const struct argument_texts *groups, bool n_given)
{
    if (settings->check && settings->framing < FRAMING_BYTES)
        settings_reject("--check needs --framing bytes or http (and --asks)");
    resolve_asks(settings, n_given);
    if (settings->check) {
        check_for_check(settings, groups);
        return;
    }
    check_for_load(settings);
    check_texts(settings, n_given);
    resolve_groups(settings, groups);
}
