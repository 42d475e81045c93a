// SPDX-License-Identifier: BSD-3-Clause
// What fibload was asked to do.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/arguments.h"
#include "load/ask/asks.h"
#include "load/ask/exchange.h"
#include "load/ask/groups.h"

// A window that ends by the clock ends whatever the server does, and what waits then is counted.
// One that ends with so many replies may never end: it is given up when MAX_OVERDUE wait.
static const uint64_t MAX_OVERDUE_NONE = INT64_MAX;
static const uint64_t MAX_OVERDUE = 100000;

// How the answer is told.
enum told {
    TOLD_AUTO, // to a terminal as text, else as JSON
    TOLD_JSON,
    TOLD_TEXT,
};

struct settings {
    const char *host;
    uint16_t port;
    struct sockaddr_storage address;
    socklen_t address_size;
    enum framing framing;
    uint64_t clients; // that ask, of all groups
    uint64_t threads;
    bool asks_fibonacci; // rather than texts of the user's own
    uint64_t n;
    const char *request; // NULL where --asks says it
    const char *expect;
    const char *asks_path; // NULL: there are none
    const char *ask_name;  // NULL: not given
    struct asks asks;
    bool check;               // ask each of them, and measure nothing
    const char *learned_path; // of --check; NULL: not given
    const char *replies_path; // likewise
    int64_t duration_ns;      // 0: until `requests` were answered
    uint64_t requests;        // 0: for `duration_ns`
    const char *warmup;
    int64_t warmup_ns; // unless
    bool warms_up_until_steady;
    uint64_t pipeline;
    uint64_t requests_per_connection; // 0: a connection is kept
    int64_t timeout_ns;
    int64_t start_at_ns; // 0: now
    uint64_t seed;
    uint64_t
        rate_billionths; // of a request per second, of a group that gives none; 0: closed loops
    enum arrivals arrivals;
    bool spin;
    uint64_t max_overdue; // MAX_OVERDUE_NONE: as many as there are
    int edges_fd;         // -1: nobody listens
    enum told told;
    struct group groups[ARGUMENT_TEXTS_MAX]; // at least one asks
    size_t group_count;
};

// Prints one line on stderr and exits with 2.
__attribute__((format(printf, 1, 2), noreturn)) void settings_reject(const char *format, ...);

// Of all groups, the idle ones included.
uint64_t settings_all_clients(const struct settings *settings);

// How many requests a client of a closed loop keeps in flight.
uint32_t settings_in_flight(const struct settings *settings);
// As they are called on the command line, NULL behind the last.
extern const char *const SETTINGS_FRAMINGS[];
const char *settings_framing_name(enum framing framing);

bool settings_have_open_loop(const struct settings *settings);
