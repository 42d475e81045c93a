// SPDX-License-Identifier: BSD-3-Clause
// A look at one thread: what it does, and what it has used since the last one.
#include "sample/look.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "sample/calls.h"

enum {
    // Who has had no CPU since it was seen to wait still waits, or is about to end that: only its
    // system call would tell, which costs as much as all else. It is read every so many times.
    UNREAD_MOST = 7,
    CALL_ROOM = 256,
    TEXT_ROOM = 64,
};

enum { LACKS_SCHEDSTAT = 1, LACKS_CALL = 2, LACKS_GIL = 4, LACKS_FOREIGN = 8 };

struct use {
    uint64_t run_ns, delay_ns, slices;
};

static bool is_gone(int error) { return error == ESRCH || error == ENOENT; }

// Notes once of each thread that something cannot be known of it.
static void note(struct task *task, struct lack *lack, unsigned which, int error)
{
    if ((task->lacks & which) == 0)
        recording_add_lack(lack, error);
    task->lacks |= (uint8_t)which;
}

// Reads three numbers: proc_pid_schedstat(5). False when they are not there.
static bool read_use(const char *text, struct use *use)
{
    uint64_t *to[] = {&use->run_ns, &use->delay_ns, &use->slices};
    for (unsigned i = 0; i < sizeof to / sizeof to[0]; i++) {
        char *end;
        *to[i] = strtoull(text, &end, 10);
        if (end == text)
            return false;
        text = end;
    }
    return true;
}

// What a descriptor of a process is; the last one of each thread is remembered.
static char descriptor_waits(const struct tree *tree, uint32_t number, uint64_t descriptor)
{
    static const char SOCKET[] = "socket:";
    struct task *task = &tree->tasks[number];
    if (task->cached && task->descriptor == descriptor)
        return task->descriptor_waits;
    char path[TEXT_ROOM], target[sizeof SOCKET];
    snprintf(path, sizeof path, "%d/fd/%" PRIu64, (int)tree->recording->threads[number].pid,
             descriptor);
    ssize_t length = readlinkat(tree->proc, path, target, sizeof target);
    bool is_socket =
        length >= (ssize_t)sizeof SOCKET - 1 && memcmp(target, SOCKET, sizeof SOCKET - 1) == 0;
    task->cached = true;
    task->descriptor = descriptor;
    task->descriptor_waits = is_socket ? WAIT_NETWORK : WAIT_OTHER;
    return task->descriptor_waits;
}

// Whether a futex is the GIL.
static char futex_is(struct tree *tree, struct gil_files *files, uint32_t number, uint64_t address)
{
    struct task *task = &tree->tasks[number];
    struct process *process = &tree->processes[task->process];
    if (process->gil.kind != GIL_KNOWN || !gil_holds(&process->gil, address))
        gil_look(files, &process->gil, process->pid, clock_now_ns());
    if (process->gil.kind == GIL_UNKNOWN) {
        note(task, &tree->recording->gil, LACKS_GIL, process->gil.error);
        return DOES_FUTEX;
    }
    return gil_holds(&process->gil, address) ? DOES_GIL : DOES_LOCK;
}

// What a thread that is in a call waits for.
static char waits_for(struct tree *tree, struct gil_files *files, uint32_t number,
                      const struct call *call)
{
    struct task *task = &tree->tasks[number];
    struct process *process = &tree->processes[task->process];
    if (process->gil.kind == GIL_NOT_LOOKED)
        gil_look(files, &process->gil, process->pid, clock_now_ns());
    if (process->gil.kind == GIL_FOREIGN) {
        note(task, &tree->recording->foreign, LACKS_FOREIGN, 0);
        return DOES_UNKNOWN;
    }
    char wait = calls_wait(call);
    if (wait == WAIT_FUTEX)
        return futex_is(tree, files, number, call->arguments[0]);
    if (wait == WAIT_DESCRIPTOR)
        return descriptor_waits(tree, number, call->arguments[0]);
    return wait;
}

// Where the call may not be known: whether it waits at all, by proc_pid_stat(5). 0: it has ended.
static char read_state(struct tree *tree, uint32_t number)
{
    char text[512];
    if (tree_read(tree, number, "stat", &tree->tasks[number].stat, text, sizeof text) <= 0)
        return is_gone(errno) ? 0 : DOES_UNKNOWN;
    const char *name_end = strrchr(text, ')');
    char state = '?';
    if (name_end != NULL && name_end[1] == ' ')
        state = name_end[2];
    if (state == 'Z' || state == 'X')
        return 0;
    return state == 'R' ? DOES_RUN : DOES_UNKNOWN;
}

// What a thread does just now; 0: it has ended.
static char read_does(struct tree *tree, struct gil_files *files, uint32_t number)
{
    struct task *task = &tree->tasks[number];
    char text[CALL_ROOM];
    if ((task->lacks & LACKS_CALL) != 0)
        return read_state(tree, number);
    errno = tree->has_call ? 0 : ENOSYS;
    ssize_t length = -1;
    if (tree->has_call)
        length = tree_read(tree, number, "syscall", &task->call, text, sizeof text);
    if (length <= 0) {
        if (length == -1 && is_gone(errno))
            return 0;
        note(task, &tree->recording->call, LACKS_CALL, errno);
        return read_state(tree, number);
    }
    struct call call;
    switch (calls_read(text, &call)) {
    case CALL_RUNNABLE:
        return DOES_RUN;
    case CALL_WAITS:
        return call.ended ? 0 : waits_for(tree, files, number, &call);
    default:
        return DOES_UNKNOWN;
    }
}

static uint32_t at_most_32_bits(uint64_t number)
{
    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

// The name, which a thread may change: it is asked for once, when it is known to live.
static void read_name(struct tree *tree, uint32_t number)
{
    char text[RECORDING_NAME_SIZE + 1];
    int once = -1;
    struct recorded_thread *thread = &tree->recording->threads[number];
    ssize_t length = tree_read(tree, number, "comm", &once, text, sizeof text);
    if (once != -1)
        close(once);
    if (length <= 0)
        return;
    text[strcspn(text, "\n")] = '\0';
    memcpy(thread->name, text, strnlen(text, sizeof thread->name - 1) + 1);
    thread->name[sizeof thread->name - 1] = '\0';
}

// Reads what a thread has used so far. False when it has ended.
static bool look_at_use(struct tree *tree, uint32_t number, struct use *use)
{
    struct task *task = &tree->tasks[number];
    char text[TEXT_ROOM];
    *use = (struct use){task->run_ns, task->delay_ns, task->slices};
    if (!tree->has_schedstat) {
        note(task, &tree->recording->schedstat, LACKS_SCHEDSTAT, ENOSYS);
        return true;
    }
    ssize_t length = tree_read(tree, number, "schedstat", &task->schedstat, text, sizeof text);
    if (length == -1 && is_gone(errno))
        return false;
    if (length <= 0 || !read_use(text, use))
        note(task, &tree->recording->schedstat, LACKS_SCHEDSTAT, length == -1 ? errno : EIO);
    return true;
}

bool look_at_task(struct tree *tree, struct gil_files *files, size_t place)
{
    uint32_t number = tree->living[place];
    struct task *task = &tree->tasks[number];
    struct recorded_thread *thread = &tree->recording->threads[number];
    int64_t at_ns = clock_now_ns();
    struct use use;
    if (thread->ended || !look_at_use(tree, number, &use))
        return false;

    bool is_first = task->does == 0;
    bool still_waits = !is_first && task->does != DOES_RUN && use.slices == task->slices &&
                       use.run_ns == task->run_ns && (task->lacks & LACKS_SCHEDSTAT) == 0;
    char does = task->does;
    if (!still_waits || task->unread++ >= UNREAD_MOST) {
        does = read_does(tree, files, number);
        task->unread = 0;
    }
    if (does == 0)
        return false;
    struct recorded one = {
        .at_ns = at_ns, .thread = number & 0xffffff, .does = (unsigned char)does};
    if (is_first) {
        read_name(tree, number);
    } else {
        one.gap_ns = at_most_32_bits((uint64_t)(at_ns - thread->last_ns));
        one.run_ns = at_most_32_bits(use.run_ns - task->run_ns);
        one.delay_ns = at_most_32_bits(use.delay_ns - task->delay_ns);
    }
    if (is_first || does != task->does || one.run_ns != 0 || one.delay_ns != 0)
        recording_add(tree->recording, one);
    task->run_ns = use.run_ns;
    task->delay_ns = use.delay_ns;
    task->slices = use.slices;
    task->does = does;
    thread->last_ns = at_ns;
    thread->samples++;
    return true;
}
