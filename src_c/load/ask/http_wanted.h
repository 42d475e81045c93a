// SPDX-License-Identifier: BSD-3-Clause
// The reply of HTTP that an exchange expects, and how it stands with one that comes (http_reply.h).
// Pure.
#pragma once

#include "load/ask/asks.h"
#include "load/ask/http_memory.h"
#include "load/ask/http_reply.h"
#include "load/ask/reply.h"

struct http_wanted {
    struct http_expectation expectation;
    char status_line[16]; // as it must begin, to be shown
};

// What a request expects; its texts stay where they are. NULL when there is no memory.
struct http_wanted *http_wanted_make(const struct ask *ask);

// As reply_feed(), reply_end() and reply_difference() are of all framings; `reply` has room for the
// one of HTTP and for the last one.
enum reply_state http_wanted_feed(const struct http_wanted *wanted, struct reply *reply,
                                  const char *bytes, size_t size, size_t *used);
enum reply_state http_wanted_end(const struct http_wanted *wanted, struct reply *reply);
struct difference http_wanted_difference(const struct http_wanted *wanted,
                                         const struct reply *reply);
