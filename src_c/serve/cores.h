// SPDX-License-Identifier: BSD-3-Clause
// How many physical cores this process may use: how many workers are worth having.
#pragma once

#include <stdint.h>

// Counts the distinct physical cores in the affinity mask, at most the CPU quota of the cgroup (v1
// or v2) rounded down, at least 1. `root` stands before every path that is read: "" for this
// machine, a folder for a test.
uint64_t cores_available(const char *root);

// The quota alone: whole CPUs, at least 1; UINT64_MAX where there is none.
uint64_t cores_quota(const char *root);
