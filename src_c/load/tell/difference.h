// SPDX-License-Identifier: BSD-3-Clause
// How a wrong reply differs from the right one, in words and as JSON.
#pragma once

#include "load/count/accounting.h"
#include "load/tell/json.h"

enum {
    SHOWN_BEFORE = 12, // bytes before the first that differs
    SHOWN_BEHIND = 20, // and from it on
    EXCERPT_SIZE = (SHOWN_BEFORE + SHOWN_BEHIND) * 4 + 8,
    DIFFERENCE_SIZE = 2 * EXCERPT_SIZE + 160,
};

// Part of a sentence, without anything that a terminal might obey.
void difference_say(char text[static DIFFERENCE_SIZE], const struct difference *difference);

// The same as an object.
void difference_write(struct json *json, const char *name, const struct difference *difference);
