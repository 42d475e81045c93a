// SPDX-License-Identifier: BSD-3-Clause
// What io_uring servers share: see proactor.h.
#include "ring/proactor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/die.h"
#include "core/lacking.h"
#include "ring/peer.h"
#include "ring/ring.h"
#include "serve/acceptor.h"
#include "serve/census.h"
#include "serve/conversation.h"
#include "serve/deadlines.h"
#include "serve/signals.h"

static void on_accept(struct proactor *p, const struct io_uring_cqe *completion)
{
    p->accepting = (completion->flags & IORING_CQE_F_MORE) != 0;
    if (completion->res >= 0)
        peer_begin(p, completion->res);
    else if (acceptor_outcome(-completion->res) == ACCEPT_EXHAUSTED)
        p->accept_ns = p->now_ns + INT64_C(1) * ACCEPTOR_PAUSE_MS * NS_PER_MS;
}

// Told to stop: accepts no more. What has come of those that are there is received and answered,
// and then the end comes.
static void begin_stop(struct proactor *p)
{
    p->stopping = p->hurry = true;
    p->accept_ns = 0;
    p->end_ns = p->now_ns + SIGNALS_GRACE_NS;
    shutdown(p->listener, SHUT_RDWR); // ends the accept that is in flight
    close(p->listener);
    for (int fd = 0; fd < p->capacity; fd++) {
        if (p->peers[fd].open)
            peer_cut(p, fd);
    }
}

static void complete(struct proactor *p, const struct io_uring_cqe *completion)
{
    enum operation operation = ring_tag_operation(completion->user_data);

    switch (operation) {
    case OPERATION_ACCEPT:
        on_accept(p, completion);
        break;
    case OPERATION_STOP:
        if (completion->res < 0) // nobody would ever know that it is to stop
            die(p->options->program, "waiting for a signal", -completion->res);
        begin_stop(p);
        break;
    case OPERATION_TIMER: // what has fallen due is seen to in every turn
        p->timer_is_set = false;
        break;
    case OPERATION_OTHER:
        break;
    default:
        peer_complete(p, operation, ring_tag_descriptor(completion->user_data), completion);
    }
}

// --- The loop ---

static void accept_if_wanted(struct proactor *p)
{
    if (p->accept_ns != 0 && p->accept_ns <= p->now_ns)
        p->accept_ns = 0;
    if (p->accepting || p->stopping || p->accept_ns != 0)
        return;
    p->design->accept(p);
    p->accepting = true;
}

// `now_ns` is when the turn began: who was heard since has yet to be seen to.
static void end_turn(struct proactor *p, int64_t now_ns)
{
    int64_t due_ns;
    int fd;

    while ((fd = deadlines_first(&p->idle, &due_ns)) != -1 && due_ns <= now_ns) {
        deadlines_clear(&p->idle, fd);
        peer_close(p, fd);
    }
    accept_if_wanted(p);
    if (p->design->end_turn != NULL)
        p->design->end_turn(p);
}

// Sees to it that the next idle client is not forgotten. The time of all of them is of one length,
// so that none can come before the one that the timer was set for.
static void set_timer(struct proactor *p)
{
    int64_t due_ns;

    if (p->timer_is_set || deadlines_first(&p->idle, &due_ns) == -1)
        return;
    struct io_uring_sqe *entry = ring_entry(&p->ring, p->options);
    p->timer = (struct __kernel_timespec){due_ns / NS_PER_S, due_ns % NS_PER_S};
    io_uring_prep_timeout(entry, &p->timer, 0, IORING_TIMEOUT_ABS);
    io_uring_sqe_set_data64(entry, ring_tag(OPERATION_TIMER, 0, 0));
    p->timer_is_set = true;
}

// Submits, and waits for a completion: one system call.
static int submit_and_wait(struct proactor *p)
{
    struct io_uring_cqe *first;
    int64_t due_ns = p->stopping ? p->end_ns : INT64_MAX;

    if (p->accept_ns != 0 && p->accept_ns < due_ns)
        due_ns = p->accept_ns;
    if (p->hurry)
        return io_uring_submit(&p->ring);
    if (due_ns == INT64_MAX)
        return io_uring_submit_and_wait(&p->ring, 1);
    const struct timespec until = clock_until(due_ns);
    struct __kernel_timespec left = {until.tv_sec, until.tv_nsec};
    return io_uring_submit_and_wait_timeout(&p->ring, &first, 1, &left, NULL);
}

static void await(struct proactor *p)
{
    int *submitted = p->queued;

    set_timer(p);
    ring_check_entered(p->options, submit_and_wait(p));
    p->hurry = io_uring_sq_ready(&p->ring) > 0;
    if (p->hurry)
        return; // not all of it was submitted
    p->submitted_count = p->queued_count;
    p->queued_count = 0;
    p->queued = p->submitted;
    p->submitted = submitted;
}

// Sees to what is complete. Returns whether there was more than the queue has room for: the kernel
// keeps that until it is asked, and what was submitted quietly may be among it, and have failed.
static bool take_completions(struct proactor *p)
{
    // Those that come while these are seen to are for the next turn, after everybody else's.
    bool overflowed = io_uring_cq_has_overflow(&p->ring);
    unsigned ready = io_uring_cq_ready(&p->ring);
    struct io_uring_cqe *completion;
    unsigned head;
    unsigned count = 0;

    io_uring_for_each_cqe(&p->ring, head, completion)
    {
        if (count == ready)
            break;
        complete(p, completion);
        count++;
    }
    io_uring_cq_advance(&p->ring, count);
    return overflowed;
}

void proactor_run(struct proactor *proactor)
{
    struct proactor *p = proactor;

    // An accept that is in flight may yet bring a connection, and is ended at the stop.
    while (!p->stopping || ((p->live > 0 || p->accepting) && p->now_ns < p->end_ns)) {
        await(p);
        p->turn++;
        const int64_t begin_ns = p->now_ns = clock_now_ns();
        while (take_completions(p))
            ring_check_entered(p->options, io_uring_get_events(&p->ring));
        peer_settle_sends(p);
        end_turn(p, begin_ns);
    }
}

// --- Beginning and end ---

void proactor_prepare_or_exit(struct proactor *proactor)
{
    struct proactor *p = proactor;

    ring_open_or_exit(&p->ring, p->options, p->design->setup, p->design->takes);
    (void)io_uring_register_ring_fd(&p->ring); // spares a look-up for each call, where it is known
    p->capacity = census_capacity(p->options);
    p->io_wait = (struct __kernel_timespec){.tv_sec = p->options->io_wait_ns / NS_PER_S,
                                            .tv_nsec = p->options->io_wait_ns % NS_PER_S};
    p->desks = (struct desks){.options = p->options};
    p->peers = calloc((size_t)p->capacity, sizeof *p->peers);
    p->queued = calloc((size_t)p->capacity, sizeof *p->queued);
    p->submitted = calloc((size_t)p->capacity, sizeof *p->submitted);
    p->now_ns = clock_now_ns();
    // An operation on a descriptor that does not block would end with EAGAIN at once.
    int flags = fcntl(p->listener, F_GETFL);
    if (p->peers == NULL || p->queued == NULL || p->submitted == NULL ||
        deadlines_init(&p->idle, p->capacity) == -1 || flags == -1 ||
        fcntl(p->listener, F_SETFL, flags & ~O_NONBLOCK) == -1)
        die(p->options->program, "cannot prepare to serve", errno);
    struct io_uring_sqe *entry = ring_entry(&p->ring, p->options);
    io_uring_prep_poll_add(entry, p->stop_fd, POLLIN);
    io_uring_sqe_set_data64(entry, ring_tag(OPERATION_STOP, p->stop_fd, 0));
    accept_if_wanted(p);
    int submitted = io_uring_submit(&p->ring);
    if (lacking_is_why(-submitted))
        lacking_exit(p->options->program, "io_uring_enter", -submitted, p->design->takes);
    if (submitted < 0)
        die(p->options->program, "io_uring_enter", -submitted);
}

void proactor_clean_up(struct proactor *proactor)
{
    (void)io_uring_submit(&proactor->ring); // the last ones are still to be closed
    io_uring_queue_exit(&proactor->ring);
    for (int fd = 0; fd < proactor->capacity; fd++) {
        if (!proactor->peers[fd].open)
            continue;
        conversation_end(&proactor->peers[fd].talk);
        close(fd);
    }
    desks_free(&proactor->desks);
    deadlines_free(&proactor->idle);
    free(proactor->submitted);
    free(proactor->queued);
    free(proactor->peers);
}
