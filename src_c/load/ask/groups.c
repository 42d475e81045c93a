// SPDX-License-Identifier: BSD-3-Clause
// Groups of clients that are measured apart, as --group describes them. Pure.
#include "load/ask/groups.h"

#include <stdio.h>
#include <string.h>

#include "core/numbers.h"
#include "load/ask/exchange.h"

enum { WORD_SIZE = 80, SHOWN = 40 };

enum member { NAME, CLIENTS, N, ASK, RATE, ARRIVALS, IDLE, MEMBERS };

static const char *const NAMES[MEMBERS] = {"name", "clients",  "n",   "ask",
                                           "rate", "arrivals", "idle"};

static const uint64_t BILLION = 1000000000;

// A member among those that were seen.
static unsigned bit(enum member member) { return 1U << (unsigned)member; }

// Names go into file names and tables, so they are kept simple.
static bool read_name(const char *value, char name[static GROUP_NAME_MAX + 1])
{
    size_t length = strlen(value);

    if (length == 0 || length > GROUP_NAME_MAX ||
        strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789._-") != length)
        return false;
    memcpy(name, value, length + 1);
    return true;
}

static bool read_number(const char *value, uint64_t min, uint64_t max, uint64_t *number)
{
    uint64_t read;

    if (numbers_read(value, &read) != NUMBER_GOOD || read < min || read > max)
        return false;
    *number = read;
    return true;
}

static bool read_rate(const char *value, uint64_t *rate_billionths)
{
    uint64_t read;

    if (numbers_read_time(value, BILLION, &read) != NUMBER_GOOD || read < GROUP_RATE_MIN ||
        read > GROUP_RATE_MAX)
        return false;
    *rate_billionths = read;
    return true;
}

static bool read_arrivals(const char *value, enum arrivals *arrivals)
{
    if (strcmp(value, "poisson") == 0)
        *arrivals = ARRIVALS_POISSON;
    else if (strcmp(value, "uniform") == 0)
        *arrivals = ARRIVALS_UNIFORM;
    else
        return false;
    return true;
}

// Whether it is there is for others to say.
static bool read_ask(const char *value, char name[static ASK_NAME_MAX + 1])
{
    if (!ask_name_is_good(value))
        return false;
    memcpy(name, value, strlen(value) + 1);
    return true;
}

// Reads one member; NULL, or what is allowed instead.
static const char *read_member(enum member member, const char *value, struct group *group)
{
    switch (member) {
    case NAME:
        return read_name(value, group->name) ? NULL
                                             : "1 to 64 of a to z, 0 to 9, dot, dash, underscore";
    case CLIENTS:
        return read_number(value, 1, GROUP_CLIENTS_MAX, &group->clients) ? NULL : "1 to 1000000";
    case N:
        group->n_given = true;
        return read_number(value, 0, EXCHANGE_MAX_N, &group->n) ? NULL : "0 to 45";
    case ASK:
        return read_ask(value, group->ask_name) ? NULL : "the name of a request in --asks";
    case RATE:
        return read_rate(value, &group->rate_billionths) ? NULL : "0.001 to 10000000 per second";
    case ARRIVALS:
        group->arrivals_given = true;
        return read_arrivals(value, &group->arrivals) ? NULL : "poisson or uniform";
    default:
        group->idle = true;
        return NULL;
    }
}

static enum member find_member(const char *name)
{
    int member = 0;

    while (member < MEMBERS && strcmp(NAMES[member], name) != 0)
        member++;
    return (enum member)member;
}

// Reads one word, `name=value` or `idle`. False with a message when it is wrong.
static bool read_word(char *word, unsigned *seen, struct group *group,
                      char message[static GROUP_MESSAGE_SIZE])
{
    char *equals = strchr(word, '=');
    const char *value = equals == NULL ? "" : equals + 1;

    if (equals != NULL)
        *equals = '\0';
    enum member member = find_member(word);
    if (member == MEMBERS || (member == IDLE) != (equals == NULL)) {
        snprintf(message, GROUP_MESSAGE_SIZE,
                 "'%.*s' is not known (name=, clients=, n=, ask=, rate=, arrivals= or idle)", SHOWN,
                 word);
        return false;
    }
    if ((*seen & bit(member)) != 0) {
        snprintf(message, GROUP_MESSAGE_SIZE, "%s is given twice (once is enough)", NAMES[member]);
        return false;
    }
    *seen |= bit(member);
    const char *allowed = read_member(member, value, group);
    if (allowed != NULL)
        snprintf(message, GROUP_MESSAGE_SIZE, "%s '%.*s' is not possible (%s)", NAMES[member],
                 SHOWN, value, allowed);
    return allowed == NULL;
}

bool group_read(const char *spec, struct group *group, char message[static GROUP_MESSAGE_SIZE])
{
    const unsigned asking = bit(N) | bit(RATE) | bit(ARRIVALS);
    unsigned seen = 0;

    for (const char *at = spec;;) {
        size_t length = strcspn(at, ",");
        char word[WORD_SIZE];
        if (length >= sizeof word) {
            snprintf(message, GROUP_MESSAGE_SIZE, "'%.*s' is too long (at most %d bytes)", SHOWN,
                     at, WORD_SIZE - 1);
            return false;
        }
        memcpy(word, at, length);
        word[length] = '\0';
        if (!read_word(word, &seen, group, message))
            return false;
        if (at[length] == '\0')
            break;
        at += length + 1;
    }
    if ((seen & bit(NAME)) == 0) {
        snprintf(message, GROUP_MESSAGE_SIZE, "a name is missing (name=NAME)");
        return false;
    }
    if (group->idle && (seen & asking) != 0) {
        snprintf(message, GROUP_MESSAGE_SIZE, "an idle group asks nothing (give name and clients)");
        return false;
    }
    if (group->idle)
        group->rate_billionths = 0;
    return true;
}
