// SPDX-License-Identifier: BSD-3-Clause
// What a request does besides fibonacci(n): see work.h.
#include "core/work.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/die.h"
#include "core/sha256.h"

const char *const WORK_KINDS[] = {
    [WORK_FIB] = "fib",
    [WORK_HASH] = "hash",
    [WORK_ALLOC] = "alloc",
    [WORK_SHARED] = "shared",
    NULL,
};

// How much of each is one unit: chosen so that it takes as much CPU time as fibonacci(20), 15 µs,
// the two measured in turns, to 2 % in the median of nine rounds. That was a release built by gcc
// 12 on a virtual machine with two cores of an AMD EPYC. What a unit is worth elsewhere is said by
// `invoke bench --designs=units`.
enum {
    FIBONACCI_N = 20,
    HASHED_BYTES = 4480,
    OBJECTS = 1250,
    INCREMENTS = 2700,
};

// Sizes of objects, in bytes: 16, 32, … 128 in turn. All of them together stay below the 128 KiB
// above which glibc gives memory back to the kernel (mallopt(3), M_TRIM_THRESHOLD): else each unit
// would ask for it anew, and what is measured were page faults.
enum { OBJECT_SIZES = 8, OBJECT_STEP_BYTES = 16 };

struct object {
    struct object *next;
    char rest[OBJECT_STEP_BYTES - sizeof(void *)];
};

struct counter {
    pthread_mutex_t lock;
    uint64_t value;
};

// Has the compiler believe that somebody reads what lies there, and may change it, so that it can
// leave out nothing that was done to it, nor do it once for all units.
static void *needed(void *memory)
{
    // NOLINTNEXTLINE(portability-no-assembler): there is nothing in it
    __asm__ volatile("" : "+r"(memory) : : "memory");
    return memory;
}

void work_prepare_or_exit(struct work *work, const char *program)
{
    work->program = program;
    if (work->units == 0 && work->kind != WORK_FIB)
        work->units = 1;
    if (work->kind != WORK_SHARED)
        return;
    // A page of its own: no other memory that is written lies beside it, and it lasts as long as
    // the process does. Private, so that children share nothing.
    void *page = mmap(NULL, sizeof *work->counter, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        die(program, "cannot make the counter of --work shared", errno);
    work->counter = page; // zeroed
    int error = pthread_mutex_init(&work->counter->lock, NULL);
    if (error != 0)
        die(program, "cannot make the lock of --work shared", error);
}

static void hash(void)
{
    static const unsigned char bytes[HASHED_BYTES];
    unsigned char digest[SHA256_SIZE];

    sha256(bytes, sizeof bytes, digest);
    needed(digest);
}

static void make_and_drop_objects(const struct work *work)
{
    struct object *first = NULL;

    for (size_t i = 0; i < OBJECTS; i++) {
        struct object *object = malloc((i % OBJECT_SIZES + 1) * OBJECT_STEP_BYTES);
        if (object == NULL)
            die(work->program, "cannot make the objects of --work alloc", errno);
        object->next = first;
        first = needed(object);
    }
    while (first != NULL) {
        struct object *next = first->next;
        free(first);
        first = next;
    }
}

static void count(struct counter *counter)
{
    for (int i = 0; i < INCREMENTS; i++) {
        pthread_mutex_lock(&counter->lock);
        counter->value++;
        pthread_mutex_unlock(&counter->lock);
    }
}

void work_do(const struct work *work)
{
    for (uint64_t unit = 0; unit < work->units; unit++) {
        switch (work->kind) {
        case WORK_HASH:
            hash();
            break;
        case WORK_ALLOC:
            make_and_drop_objects(work);
            break;
        case WORK_SHARED:
            count(work->counter);
            break;
        default:
            fibonacci(FIBONACCI_N);
            break;
        }
    }
}

uint64_t work_counted(const struct work *work)
{
    pthread_mutex_lock(&work->counter->lock);
    uint64_t value = work->counter->value;
    pthread_mutex_unlock(&work->counter->lock);
    return value;
}
