// SPDX-License-Identifier: BSD-3-Clause
// Groups of clients that are measured apart, as --group describes them. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/ask/asks.h"
#include "load/ask/schedule.h"

enum {
    GROUP_NAME_MAX = 64,
    GROUP_CLIENTS_MAX = 1000000,
    GROUP_MESSAGE_SIZE = 200,
};

static const uint64_t GROUP_RATE_MIN = 1000000; // 0.001 per second, as billionths
static const uint64_t GROUP_RATE_MAX = UINT64_C(10000000000000000); // 10 million per second

struct group {
    char name[GROUP_NAME_MAX + 1];
    bool idle; // connected and silent
    uint64_t clients;
    uint64_t n;
    uint64_t rate_billionths; // of a request per second; 0: a closed loop
    enum arrivals arrivals;
    bool n_given;
    bool arrivals_given;
    char ask_name[ASK_NAME_MAX + 1]; // "": not given
    struct ask ask; // what is asked and what must come back: set when `n` or the name is settled
    char request_digits[24]; // where the texts for `n` are kept
    char expect_digits[24];
};

// Reads "name=small,clients=7,n=1,rate=500,arrivals=uniform" or "name=idle,clients=100,idle", or
// with ask=NAME instead of n, over the values that `group` has. False, with one line in `message`,
// when it is wrong.
bool group_read(const char *spec, struct group *group, char message[static GROUP_MESSAGE_SIZE]);
