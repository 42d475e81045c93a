// SPDX-License-Identifier: BSD-3-Clause
// What a run has found, and its answer as one JSON document.
#pragma once

#include "accounting.h"
#include "cpu.h"
#include "histogram.h"
#include "settings.h"
#include "timeline.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct result {
    const struct settings *settings;
    struct accounting accounting;
    struct histogram histogram;
    struct timeline timeline;
    struct cpu_use cpu;
    int64_t begin_ns;
    int64_t end_ns;
    uint64_t connected; // clients that had a connection at least once
    uint64_t answered;  // and those that had a reply
    bool interrupted;
    bool stalled;    // not enough replies came for --requests
    int edges_error; // errno of an announcement that failed; 0: none did
};

// Whether what was measured may be used.
bool report_is_valid(const struct result *result);

// Writes the document and flushes it; false when that failed.
bool report_write(const struct result *result, FILE *out);
