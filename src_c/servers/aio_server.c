// SPDX-License-Identifier: BSD-3-Clause
// Linux AIO: io_submit(2) and io_getevents(2), by libaio. Made for disks; a read of a socket blocks
// in io_submit as it would in read(2). What does work for sockets is IOCB_CMD_POLL (Linux 4.19):
// the loop asks to be told when a descriptor is ready. Each such poll is told of once and is asked
// for again, many in one io_submit, so that a request costs recv, send, and a part of two more
// system calls.
//
// A poll that is pending holds its socket: closing the descriptor would send no FIN, so that the
// poll is cancelled first. How many can be pending is what io_setup(2) grants (fs.aio-max-nr,
// shared by the whole system); connections over it are refused.
#include <errno.h>
#include <libaio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/die.h"
#include "core/lacking.h"
#include "serve/acceptor.h"
#include "serve/census.h"
#include "serve/listener.h"
#include "serve/options.h"
#include "serve/reactor.h"
#include "serve/signals.h"

enum {
    EVENTS_PER_TURN = 256,
    POLLS_AT_MOST = 16384, // of the 65536 that a system usually grants to all
    POLLS_AT_LEAST = 64,
};

static const struct linux_version HAS_POLLS = {4, 19};

struct slot { // by descriptor
    struct iocb iocb;
    uint32_t serial; // of the poll: a late completion of a cancelled one is told by it
    short events;    // that are waited for; 0: none
    bool pending;
    bool queued; // for the next io_submit
};

struct loop {
    struct reactor reactor;
    io_context_t context;
    int granted; // polls
    int watched; // descriptors
    bool polls;  // the system has taken the first
    struct slot *slots;
    int *queue; // of descriptors, each in it once
    int queued;
    struct iocb **batch;
};

static void enqueue(struct loop *loop, int fd)
{
    if (loop->slots[fd].queued)
        return;
    loop->slots[fd].queued = true;
    loop->queue[loop->queued++] = fd;
}

static void cancel(const struct loop *loop, struct slot *slot)
{
    struct io_event event;

    // It completes all the same, as one that nobody waits for (io_cancel(2), since Linux 4.19).
    (void)io_cancel(loop->context, &slot->iocb, &event);
    slot->pending = false;
}

static bool watch(void *waiting, int fd, enum interest before, enum interest now)
{
    static const short EVENTS[] = {
        [INTEREST_NONE] = 0, [INTEREST_READ] = POLLIN, [INTEREST_WRITE] = POLLOUT};
    struct loop *loop = waiting;
    struct slot *slot = &loop->slots[fd];

    if (before == INTEREST_NONE && loop->watched == loop->granted) {
        errno = EAGAIN;
        return false;
    }
    loop->watched += (now != INTEREST_NONE) - (before != INTEREST_NONE);
    slot->events = EVENTS[now];
    if (slot->pending)
        cancel(loop, slot);
    if (now != INTEREST_NONE)
        enqueue(loop, fd);
    return true;
}

static const struct design AIO = {.watch = watch};

// The first poll of a batch could not be asked for. Without memory its client is refused.
static void give_up(struct loop *loop, const struct iocb *iocb, int error)
{
    int fd = iocb->aio_fildes;

    loop->slots[fd].pending = false;
    if (!loop->polls && (error == EINVAL || lacking_is_why(error)))
        lacking_exit(loop->reactor.options->program, "io_submit of a poll", error, HAS_POLLS);
    if ((error != EAGAIN && error != ENOMEM) || !reactor_give_up(&loop->reactor, fd, error))
        die(loop->reactor.options->program, "io_submit", error);
}

// Asks for all that is queued, in one system call.
static void submit(struct loop *loop)
{
    long count = 0;
    int submitted;

    for (int i = 0; i < loop->queued; i++) {
        int fd = loop->queue[i];
        struct slot *slot = &loop->slots[fd];
        slot->queued = false;
        if (slot->events == 0) // closed since
            continue;
        io_prep_poll(&slot->iocb, fd, slot->events);
        slot->serial++;
        // NOLINTNEXTLINE(performance-no-int-to-ptr): 64 bits that the kernel brings back
        slot->iocb.data = (void *)((uintptr_t)slot->serial << 32 | (uintptr_t)fd);
        slot->pending = true;
        loop->batch[count++] = &slot->iocb;
    }
    loop->queued = 0;
    for (long done = 0; done < count; done += submitted) {
        submitted = io_submit(loop->context, count - done, loop->batch + done);
        if (submitted < 0) {
            give_up(loop, loop->batch[done], -submitted);
            submitted = 1;
        }
        loop->polls = true;
    }
}

static void complete(struct loop *loop, const struct io_event *event)
{
    int fd = (int)(uint32_t)(uintptr_t)event->data;
    struct slot *slot = &loop->slots[fd];

    if (!slot->pending || slot->serial != (uint32_t)((uintptr_t)event->data >> 32))
        return; // it was cancelled
    slot->pending = false;
    reactor_ready(&loop->reactor, fd);
    if (slot->events != 0)
        enqueue(loop, fd);
}

static void turn(struct loop *loop)
{
    struct io_event events[EVENTS_PER_TURN];

    submit(loop);
    const struct timespec *patience = reactor_patience(&loop->reactor);
    // libaio would have one that may be written, and the kernel only reads it: io_getevents(2).
    struct timespec limit = patience == NULL ? (struct timespec){0} : *patience;
    int count =
        io_getevents(loop->context, 1, EVENTS_PER_TURN, events, patience == NULL ? NULL : &limit);
    if (count < 0 && count != -EINTR)
        die(loop->reactor.options->program, "io_getevents", -count);
    reactor_begin_turn(&loop->reactor);
    for (int i = 0; i < count; i++)
        complete(loop, &events[i]);
    reactor_end_turn(&loop->reactor);
}

// As many polls as the system grants.
static void set_up_or_exit(struct loop *loop)
{
    uint64_t wanted = loop->reactor.options->max_connections + 3; // listener, timer, stop pipe
    int error;

    loop->granted = wanted < POLLS_AT_MOST ? (int)wanted : POLLS_AT_MOST;
    if (loop->granted < POLLS_AT_LEAST)
        loop->granted = POLLS_AT_LEAST;
    while ((error = io_setup(loop->granted, &loop->context)) == -EAGAIN &&
           loop->granted > POLLS_AT_LEAST)
        loop->granted /= 2;
    if (lacking_is_why(-error))
        lacking_exit(loop->reactor.options->program, "io_setup", -error, HAS_POLLS);
    if (error != 0)
        die(loop->reactor.options->program, "io_setup (see fs.aio-max-nr)", -error);
}

int main(int argc, char *argv[])
{
    const struct options options =
        options_parse_or_exit("aio_server", "A Fibonacci server with Linux AIO.", argc, argv);
    size_t capacity = (size_t)census_capacity(&options);
    int stop_fd = signals_install_or_exit(options.program);
    struct census census = {0};
    struct loop loop = {
        .slots = calloc(capacity, sizeof *loop.slots),
        .queue = calloc(capacity, sizeof *loop.queue),
        .batch = calloc(capacity, sizeof(struct iocb *)),
        .reactor = {.options = &options, .design = &AIO, .census = &census, .stop_fd = stop_fd},
    };

    if (loop.slots == NULL || loop.queue == NULL || loop.batch == NULL)
        die(options.program, "cannot prepare", errno);
    set_up_or_exit(&loop);
    loop.reactor.waiting = &loop;
    loop.reactor.listener = listener_open_or_exit(&options);
    reactor_prepare_or_exit(&loop.reactor);
    submit(&loop); // what is waited for from the beginning
    listener_announce_or_exit(&options, loop.reactor.listener);
    while (reactor_runs(&loop.reactor))
        turn(&loop);
    reactor_clean_up(&loop.reactor);
    acceptor_report_refused(atomic_load(&census.refused));
    io_destroy(loop.context);
    free(loop.batch);
    free(loop.queue);
    free(loop.slots);
    return 0;
}
