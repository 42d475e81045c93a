// SPDX-License-Identifier: BSD-3-Clause
// The processes and threads that descend from this process, found as they begin.
//
// New ones are found by their numbers, which the kernel gives out in order: /proc/loadavg has the
// last. Only numbers that were given out since are looked at, so that a fork costs a few files and
// a system where nothing begins costs one.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sample/gil.h"
#include "sample/recording.h"

enum {
    TREE_PROCESSES_MOST = 8192,
    TREE_HASHED = 1 << 16, // a power of two, and so many that most places are free
};

struct process {
    pid_t pid;
    struct gil gil;
};

struct task {
    uint32_t process;
    int schedstat; // files that are kept open; -1: not yet, or there are no descriptors left
    int call;
    int stat;
    uint64_t run_ns; // as the last sample had it
    uint64_t delay_ns;
    uint64_t slices; // how often it got a CPU
    char does;       // 0: it was not looked at yet
    uint8_t unread;  // samples since its call was read
    uint8_t lacks;   // what has been noted of it
    bool cached;     // what its last descriptor is
    uint64_t descriptor;
    char descriptor_waits;
};

struct tree {
    int proc;    // the folder /proc
    int loadavg; // kept open; -1: there is none
    pid_t self;
    int last_kept; // descriptors up to this number are kept
    bool has_schedstat;
    bool has_call;
    struct recording *recording; // thread N there is task N here
    struct task *tasks;
    struct process *processes;
    size_t process_count;
    uint32_t *living; // the tasks that have not ended
    size_t living_count;
    int32_t *by_tid;  // places of tasks; -1: free
    long before_last; // the last number given out, as it was at the look before the last one, and
    long last;        // at the last; -1: not known, so that all of /proc is looked through
};

// Opens `proc`, which is /proc, and finds all that there is below `self`. False when there is no
// memory or no /proc: errno.
bool tree_begin(struct tree *tree, struct recording *recording, const char *proc, pid_t self);
void tree_end(struct tree *tree);

// Finds what began since the last time.
void tree_find(struct tree *tree);

// Whether there may be something to find: costs one small file.
bool tree_has_news(struct tree *tree);

// The task of a number, the last that had it; -1: none.
int32_t tree_task(const struct tree *tree, pid_t tid);

// Adds a thread of which the kernel has told that it began, if it was begun by one of the tree.
void tree_add(struct tree *tree, pid_t pid, pid_t tid, pid_t parent_tid, int64_t at_ns);

// Closes the files of a living task, by its place in `living`: it has ended.
void tree_forget(struct tree *tree, size_t place);

// Reads a file of a task anew, "schedstat" say, and keeps it open in `kept`. Returns the length of
// the text, which ends with a NUL, or -1: errno.
ssize_t tree_read(const struct tree *tree, uint32_t number, const char *name, int *kept, char *text,
                  size_t size);
