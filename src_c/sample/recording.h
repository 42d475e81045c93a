// SPDX-License-Identifier: BSD-3-Clause
// What the sampler has seen, kept in memory of a fixed size until it is written as text.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    RECORDING_THREADS_MOST = 16384,
    RECORDING_SAMPLES_MOST = 1 << 19,
    RECORDING_NAME_SIZE = 16, // with its NUL: TASK_COMM_LEN
};

// What a thread did, beside the waits of calls.h and the locks below.
enum {
    DOES_RUN = 'r',     // it has a CPU, or is ready to have one
    DOES_GIL = 'g',     // waits for the GIL
    DOES_LOCK = 'l',    // for another futex
    DOES_FUTEX = 'f',   // for one of which it cannot be told
    DOES_UNKNOWN = '?', // waits, and for what cannot be told
    // Of switches: what it did from then on.
    DOES_GET_CPU = 'I',
    DOES_LEAVE_CPU = 'W', // to wait
    DOES_LOSE_CPU = 'P',  // preempted
};

// Why something could not be read: the first error, and of how many threads.
struct lack {
    int error;
    unsigned count;
};

// A change of what a thread did. Samples that show none are not kept.
struct recorded {
    int64_t at_ns;
    uint32_t gap_ns; // since the sample before; as much as fits
    uint32_t thread : 24;
    uint32_t does : 8;
    uint32_t run_ns;   // execution time that has shown up since then
    uint32_t delay_ns; // and time that it was ready without a CPU
};

struct recorded_thread {
    pid_t pid;
    pid_t tid;
    int64_t first_ns; // when it was first seen, and last
    int64_t last_ns;
    uint32_t samples;
    bool was_there; // before the sampling began
    bool ended;
    char name[RECORDING_NAME_SIZE];
};

struct recording {
    struct recorded *samples;
    struct recorded_thread *threads;
    size_t sample_count;
    size_t thread_count;
    int64_t from_ns; // sampled from here to there
    int64_t to_ns;
    int64_t cpu_ns; // what that took
    uint64_t rounds;
    int64_t full_ns;        // when there was no more room for samples; 0: there was
    unsigned not_followed;  // threads that there was no room for
    unsigned given_out;     // numbers of processes and threads that the system gave out meanwhile
    unsigned seen_to_begin; // of those that did, in the tree
    struct lack schedstat, call, gil, foreign, switches;
    uint64_t lost; // switches
};

// Takes the memory. False when there is none.
bool recording_begin(struct recording *recording);
void recording_end(struct recording *recording);

// Adds a thread; -1 when there is no more room.
int32_t recording_add_thread(struct recording *recording, struct recorded_thread thread);
void recording_add(struct recording *recording, struct recorded sample);
void recording_add_lack(struct lack *lack, int error);

// Writes it as text: docs/measurement.md has the form. Returns 0, or the errno of what failed.
int recording_write(const struct recording *recording, int fd);
