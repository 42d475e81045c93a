// SPDX-License-Identifier: BSD-3-Clause
// The processes and threads that descend from this process, found as they begin.
#include "sample/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/clock.h"

enum {
    MOST_NUMBERS = 1024, // of new ones: beyond, all of /proc is looked through
    MOST_LISTED = 65536, // processes of the system
    SPARE_DESCRIPTORS = 32,
    PATH_ROOM = 64,
};

// Reads a file below /proc once; -1: errno.
static ssize_t read_once(int proc, const char *path, char *text, size_t size)
{
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return -1;
    ssize_t length = read(fd, text, size - 1);
    int error = errno;
    close(fd);
    errno = error;
    if (length >= 0)
        text[length] = '\0';
    return length;
}

ssize_t tree_read(const struct tree *tree, uint32_t number, const char *name, int *kept, char *text,
                  size_t size)
{
    int fd = *kept;
    if (fd == -1) {
        const struct recorded_thread *thread = &tree->recording->threads[number];
        char path[PATH_ROOM];
        snprintf(path, sizeof path, "%d/task/%d/%s", (int)thread->pid, (int)thread->tid, name);
        fd = openat(tree->proc, path, O_RDONLY | O_CLOEXEC);
        if (fd == -1)
            return -1;
        if (fd <= tree->last_kept)
            *kept = fd;
    }
    ssize_t length = pread(fd, text, size - 1, 0);
    int error = errno;
    if (*kept == -1)
        close(fd);
    errno = error;
    if (length >= 0)
        text[length] = '\0';
    return length;
}

// Where a task is in the table by its number, or where it would be.
static size_t place_of(const struct tree *tree, pid_t tid)
{
    size_t place = ((uint32_t)tid * 2654435761U) % TREE_HASHED; // Knuth's multiplicative hash
    while (tree->by_tid[place] != -1 && tree->recording->threads[tree->by_tid[place]].tid != tid)
        place = (place + 1) % TREE_HASHED;
    return place;
}

int32_t tree_task(const struct tree *tree, pid_t tid) { return tree->by_tid[place_of(tree, tid)]; }

static bool is_living(const struct tree *tree, pid_t tid)
{
    int32_t task = tree_task(tree, tid);
    return task != -1 && !tree->recording->threads[task].ended;
}

// Adds a process, which is what its parent was until it runs another program; -1: no more room.
static int32_t add_process(struct tree *tree, pid_t pid, pid_t parent)
{
    if (tree->process_count == TREE_PROCESSES_MOST)
        return -1;
    struct process *process = &tree->processes[tree->process_count];
    int32_t of_parent = tree_task(tree, parent);
    *process = (struct process){.pid = pid};
    if (of_parent != -1)
        process->gil = tree->processes[tree->tasks[of_parent].process].gil;
    process->gil.again_ns = process->gil.pause_ns = 0;
    return (int32_t)tree->process_count++;
}

// Adds a thread of a process that is there. Returns its place, or -1.
static int32_t add_task(struct tree *tree, int32_t process, pid_t tid)
{
    struct recording *recording = tree->recording;
    int64_t now_ns = clock_now_ns();
    struct recorded_thread thread = {.pid = process == -1 ? 0 : tree->processes[process].pid,
                                     .tid = tid,
                                     .first_ns = now_ns,
                                     .last_ns = now_ns,
                                     .was_there = recording->from_ns == 0};
    if (process == -1) {
        recording->not_followed++;
        return -1;
    }
    int32_t number = recording_add_thread(recording, thread);
    if (number == -1)
        return -1;
    tree->tasks[number] =
        (struct task){.process = (uint32_t)process, .schedstat = -1, .call = -1, .stat = -1};
    tree->living[tree->living_count++] = (uint32_t)number;
    tree->by_tid[place_of(tree, tid)] = number;
    if (!thread.was_there)
        recording->seen_to_begin++;
    return number;
}

// Reads the parent of a process or thread; -1 when it has ended.
static pid_t parent_of(const struct tree *tree, pid_t id)
{
    char path[PATH_ROOM], text[512];
    snprintf(path, sizeof path, "%d/stat", (int)id);
    if (read_once(tree->proc, path, text, sizeof text) <= 0)
        return -1;
    // "PID (NAME) STATE PPID": a name may hold spaces and parentheses, so look from the right.
    const char *name_end = strrchr(text, ')');
    if (name_end == NULL || strlen(name_end) < 5 || name_end[2] == 'Z' || name_end[2] == 'X')
        return -1;
    return (pid_t)strtol(name_end + 4, NULL, 10);
}

// Reads of which process something is a thread; -1 when it is gone.
static pid_t group_of(const struct tree *tree, pid_t id)
{
    static const char BEFORE[] = "\nTgid:\t";
    char path[PATH_ROOM], text[1024];
    snprintf(path, sizeof path, "%d/status", (int)id);
    if (read_once(tree->proc, path, text, sizeof text) <= 0)
        return -1;
    const char *at = strstr(text, BEFORE);
    return at == NULL ? -1 : (pid_t)strtol(at + sizeof BEFORE - 1, NULL, 10);
}

// Adds all threads of a process that are not known yet.
static void find_tasks(struct tree *tree, pid_t pid, pid_t parent)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%d/task", (int)pid);
    int folder = openat(tree->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = folder == -1 ? NULL : fdopendir(folder);
    if (listing == NULL) {
        if (folder != -1)
            close(folder);
        return; // it has just ended
    }
    int32_t leader = is_living(tree, pid) ? tree_task(tree, pid) : -1;
    int32_t process =
        leader == -1 ? add_process(tree, pid, parent) : (int32_t)tree->tasks[leader].process;
    struct dirent *entry;
    while ((entry = readdir(listing)) != NULL) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (tid > 0 && !is_living(tree, tid))
            add_task(tree, process, tid);
    }
    closedir(listing);
}

// Looks at a number that was given out.
static void look_at(struct tree *tree, pid_t id)
{
    if (is_living(tree, id))
        return;
    pid_t parent = parent_of(tree, id);
    if (parent == -1 || (parent != tree->self && tree_task(tree, parent) == -1))
        return;
    pid_t group = group_of(tree, id);
    if (group == id)
        add_task(tree, add_process(tree, id, parent), id);
    else if (group != -1 && is_living(tree, group))
        add_task(tree, (int32_t)tree->tasks[tree_task(tree, group)].process, id);
    else if (group != -1)
        find_tasks(tree, group, parent);
}

void tree_add(struct tree *tree, pid_t pid, pid_t tid, pid_t parent_tid, int64_t at_ns)
{
    int32_t maker = tree_task(tree, parent_tid), number = -1;
    if (maker == -1 || is_living(tree, tid))
        return;
    if (pid == tid)
        number = add_task(tree, add_process(tree, pid, parent_tid), tid);
    else
        number = add_task(tree, (int32_t)tree->tasks[maker].process, tid);
    if (number == -1)
        return;
    struct recorded_thread *thread = &tree->recording->threads[number];
    thread->first_ns = thread->last_ns = at_ns;
    // The name that it begins with: it may end before we can ask.
    memcpy(thread->name, tree->recording->threads[maker].name, sizeof thread->name);
}

struct family {
    pid_t pid, parent;
    bool ours;
};

// All processes of the system, each with its parent. Returns how many.
static size_t list_all(struct tree *tree, struct family *all)
{
    size_t count = 0;
    int copy = openat(tree->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = copy == -1 ? NULL : fdopendir(copy);
    if (listing == NULL) {
        if (copy != -1)
            close(copy);
        return 0;
    }
    struct dirent *entry;
    while (count < MOST_LISTED && (entry = readdir(listing)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0)
            all[count++] = (struct family){.pid = pid, .parent = parent_of(tree, pid)};
    }
    closedir(listing);
    return count;
}

// Looks through all of /proc. A child may stand before its parent: until nothing is added.
static void find_all(struct tree *tree)
{
    struct family *all = malloc(MOST_LISTED * sizeof *all);
    if (all == NULL)
        return;
    size_t count = list_all(tree, all);
    for (bool added = true; added;) {
        added = false;
        for (size_t i = 0; i < count; i++) {
            if (all[i].ours ||
                (all[i].parent != tree->self && tree_task(tree, all[i].parent) == -1))
                continue;
            all[i].ours = added = true;
            find_tasks(tree, all[i].pid, all[i].parent);
        }
    }
    free(all);
}

// The last number that was given out; -1 where that is not told.
static long last_number(const struct tree *tree)
{
    char text[128];
    ssize_t length = pread(tree->loadavg, text, sizeof text - 1, 0);
    if (length <= 0)
        return -1;
    text[length] = '\0';
    const char *last = strrchr(text, ' ');
    return last == NULL ? -1 : strtol(last, NULL, 10);
}

bool tree_has_news(struct tree *tree)
{
    return tree->before_last == -1 || last_number(tree) != tree->before_last;
}

void tree_find(struct tree *tree)
{
    long now = last_number(tree), given = now - tree->last, from = tree->before_last;
    // A number is given out a moment before there is a process of it: each is looked at twice.
    if (now == -1 || from == -1 || now < from || now - from > MOST_NUMBERS) {
        find_all(tree);
    } else {
        for (long id = from + 1; id <= now; id++)
            look_at(tree, (pid_t)id);
    }
    if (tree->last != -1 && given > 0)
        tree->recording->given_out += (unsigned)given;
    tree->before_last = tree->last;
    tree->last = now;
}

void tree_forget(struct tree *tree, size_t place)
{
    uint32_t number = tree->living[place];
    struct task *task = &tree->tasks[number];
    int *files[] = {&task->schedstat, &task->call, &task->stat};
    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (*files[i] != -1)
            close(*files[i]);
        *files[i] = -1;
    }
    tree->recording->threads[number].ended = true;
    tree->living[place] = tree->living[--tree->living_count];
}

// How many descriptors there may be: as many as the system lets us have. The command was started
// before, and has the limit that it would have without us.
static int raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return -1;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1 && getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return -1;
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int)limit.rlim_cur;
}

// Whether the kernel tells what threads used. One that was built to, and is not asked to at its
// start, says "0 0 0" of everybody, of us too, who have run: proc_pid_schedstat in fs/proc/base.c.
static bool has_schedstat(int proc)
{
    char text[64];
    return read_once(proc, "self/schedstat", text, sizeof text) > 0 &&
           strncmp(text, "0 0 0", 5) != 0;
}

bool tree_begin(struct tree *tree, struct recording *recording, const char *proc, pid_t self)
{
    *tree = (struct tree){
        .proc = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
        .loadavg = -1,
        .self = self,
        .last_kept = raise_limit() - SPARE_DESCRIPTORS,
        .recording = recording,
        .tasks = malloc(RECORDING_THREADS_MOST * sizeof *tree->tasks),
        .processes = malloc(TREE_PROCESSES_MOST * sizeof *tree->processes),
        .living = malloc(RECORDING_THREADS_MOST * sizeof *tree->living),
        .by_tid = malloc(TREE_HASHED * sizeof *tree->by_tid),
        .before_last = -1,
        .last = -1,
    };
    if (tree->proc == -1 || tree->tasks == NULL || tree->processes == NULL ||
        tree->living == NULL || tree->by_tid == NULL) {
        int error = errno;
        tree_end(tree);
        errno = error;
        return false;
    }
    for (size_t place = 0; place < TREE_HASHED; place++)
        tree->by_tid[place] = -1;
    tree->loadavg = openat(tree->proc, "loadavg", O_RDONLY | O_CLOEXEC);
    tree->has_schedstat = has_schedstat(tree->proc);
    tree->has_call = faccessat(tree->proc, "self/syscall", F_OK, 0) == 0;
    tree_find(tree); // all of /proc, and then what began meanwhile
    tree->before_last = tree->last;
    tree_find(tree);
    return true;
}

void tree_end(struct tree *tree)
{
    while (tree->living != NULL && tree->living_count > 0)
        tree_forget(tree, tree->living_count - 1);
    if (tree->loadavg != -1)
        close(tree->loadavg);
    if (tree->proc != -1)
        close(tree->proc);
    free(tree->tasks);
    free(tree->processes);
    free(tree->living);
    free(tree->by_tid);
    *tree = (struct tree){.proc = -1, .loadavg = -1};
}
