// SPDX-License-Identifier: BSD-3-Clause
// Every change of threads on every CPU, as the kernel tells it: PERF_RECORD_SWITCH.
#include "sample/switches.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    CPUS_MOST = 256,
    RING_BYTES = 512 << 10, // what a user may lock without a limit: perf_event_mlock_kb
    RECORD_MOST = 256,      // all that we ask for are shorter
};

// What ends each record, as sample_type below has it.
struct identity {
    uint32_t pid, tid;
    uint64_t time;
    uint32_t cpu, reserved;
};

struct ring {
    int fd;
    struct perf_event_mmap_page *head;
    const unsigned char *data;
    uint64_t at;  // what has been taken
    uint64_t end; // what was there when we looked
};

struct switches {
    size_t page;
    size_t count;
    uint64_t lost;
    struct ring rings[CPUS_MOST];
};

// The event of a CPU; -1: errno.
static int open_event(int cpu)
{
    struct perf_event_attr wanted = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof wanted,
        .config = PERF_COUNT_SW_DUMMY,
        .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU,
        .sample_id_all = 1,
        .context_switch = 1,
        .task = 1,
        .use_clockid = 1,
        .clockid = CLOCK_MONOTONIC,
    };
    return (int)syscall(SYS_perf_event_open, &wanted, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static bool add_ring(struct switches *switches, int cpu)
{
    struct ring ring = {.fd = open_event(cpu)};
    if (ring.fd == -1)
        return errno == ENODEV; // that CPU is off
    void *memory =
        mmap(NULL, switches->page + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, 0);
    if (memory == MAP_FAILED) {
        int error = errno;
        close(ring.fd);
        errno = error;
        return false;
    }
    ring.head = memory;
    ring.data = (const unsigned char *)memory + switches->page;
    switches->rings[switches->count++] = ring;
    return true;
}

struct switches *switches_begin(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    if (cpus < 1 || cpus > CPUS_MOST) {
        errno = E2BIG;
        return NULL;
    }
    struct switches *switches = calloc(1, sizeof *switches);
    if (switches == NULL)
        return NULL;
    switches->page = (size_t)sysconf(_SC_PAGESIZE);
    for (int cpu = 0; cpu < cpus; cpu++) {
        if (!add_ring(switches, cpu)) {
            int error = errno;
            switches_end(switches);
            errno = error;
            return NULL;
        }
    }
    return switches;
}

void switches_end(struct switches *switches)
{
    if (switches == NULL)
        return;
    for (size_t i = 0; i < switches->count; i++) {
        munmap(switches->rings[i].head, switches->page + RING_BYTES);
        close(switches->rings[i].fd);
    }
    free(switches);
}

// Copies from a ring, which goes on at its begin after its end.
static void copy_from(const struct ring *ring, uint64_t from, void *to, size_t size)
{
    size_t place = (size_t)(from % RING_BYTES);
    size_t before_end = RING_BYTES - place < size ? RING_BYTES - place : size;
    memcpy(to, ring->data + place, before_end);
    memcpy((unsigned char *)to + before_end, ring->data, size - before_end);
}

// The next record of a ring, if there is one. What is no record of ours ends the ring.
static bool next_of(struct ring *ring, struct perf_event_header *header, struct identity *identity)
{
    if (ring->end - ring->at < sizeof *header)
        return false;
    copy_from(ring, ring->at, header, sizeof *header);
    if (header->size < sizeof *header + sizeof *identity || header->size > RECORD_MOST ||
        header->size > ring->end - ring->at) {
        ring->at = ring->end;
        return false;
    }
    copy_from(ring, ring->at + header->size - sizeof *identity, identity, sizeof *identity);
    return true;
}

// The body of PERF_RECORD_FORK and PERF_RECORD_EXIT.
struct task_record {
    uint32_t pid, parent, tid, parent_tid;
    uint64_t time;
};

// Reads a record of a thread that began or ended.
static void read_task(const struct ring *ring, const struct perf_event_header *header,
                      struct switched *one)
{
    struct task_record body = {0};
    if (header->size >= sizeof *header + sizeof body)
        copy_from(ring, ring->at + sizeof *header, &body, sizeof body);
    one->pid = (pid_t)body.pid;
    one->tid = (pid_t)body.tid;
    one->parent_tid = (pid_t)body.parent_tid;
}

// Makes of a record what it says; false where it says nothing to us.
static bool read_record(struct switches *switches, const struct ring *ring,
                        const struct perf_event_header *header, const struct identity *identity,
                        struct switched *one)
{
    *one = (struct switched){
        .at_ns = (int64_t)identity->time, .pid = (pid_t)identity->pid, .tid = (pid_t)identity->tid};
    uint64_t lost[2];
    switch (header->type) {
    case PERF_RECORD_SWITCH:
    case PERF_RECORD_SWITCH_CPU_WIDE:
        one->what = (header->misc & PERF_RECORD_MISC_SWITCH_OUT) == 0           ? SWITCHED_IN
                    : (header->misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT) != 0 ? SWITCHED_AWAY
                                                                                : SWITCHED_OUT;
        return true;
    case PERF_RECORD_FORK:
        one->what = SWITCHED_BEGAN;
        read_task(ring, header, one);
        return true;
    case PERF_RECORD_EXIT:
        one->what = SWITCHED_ENDED;
        read_task(ring, header, one);
        return true;
    case PERF_RECORD_LOST:
        if (header->size >= sizeof *header + sizeof lost) {
            copy_from(ring, ring->at + sizeof *header, lost, sizeof lost);
            switches->lost += lost[1];
        }
        return false;
    default:
        return false;
    }
}

uint64_t switches_take(struct switches *switches,
                       void (*take)(void *context, const struct switched *one), void *context)
{
    for (size_t i = 0; i < switches->count; i++) {
        struct ring *ring = &switches->rings[i];
        // The kernel writes what is before the head before it moves the head.
        ring->end = __atomic_load_n(&ring->head->data_head, __ATOMIC_ACQUIRE);
    }
    for (;;) {
        struct ring *first = NULL;
        struct perf_event_header header, its_header = {0};
        struct identity identity, its = {0};
        for (size_t i = 0; i < switches->count; i++) {
            struct ring *ring = &switches->rings[i];
            if (next_of(ring, &header, &identity) && (first == NULL || identity.time < its.time)) {
                first = ring;
                its_header = header;
                its = identity;
            }
        }
        if (first == NULL)
            break;
        struct switched one;
        if (read_record(switches, first, &its_header, &its, &one))
            take(context, &one);
        first->at += its_header.size;
    }
    for (size_t i = 0; i < switches->count; i++) {
        struct ring *ring = &switches->rings[i];
        __atomic_store_n(&ring->head->data_tail, ring->at, __ATOMIC_RELEASE);
    }
    return switches->lost;
}
