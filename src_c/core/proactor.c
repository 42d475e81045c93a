// SPDX-License-Identifier: BSD-3-Clause
// What io_uring servers share: see proactor.h.
#include "proactor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "acceptor.h"
#include "ring.h"
#include "signals.h"

enum { GENERATION_BITS = 24 };

uint64_t proactor_tag(enum operation operation, int fd, uint32_t generation)
{
    uint64_t short_generation = generation & ((1U << GENERATION_BITS) - 1);

    return (uint64_t)operation << 56 | short_generation << 32 | (uint32_t)fd;
}

struct io_uring_sqe *proactor_entry(struct proactor *proactor)
{
    struct io_uring_sqe *entry;

    while ((entry = io_uring_get_sqe(&proactor->ring)) == NULL)
        io_uring_submit(&proactor->ring);
    return entry;
}

// --- Connections
// ----------------------------------------------------------------------------------

static void grant_time(struct proactor *p, int fd)
{
    deadlines_set(&p->idle, fd, p->now_ns + p->options->idle_timeout_ns);
}

static void refuse(struct proactor *p, int fd)
{
    atomic_fetch_sub(&p->census->live, 1);
    atomic_fetch_add(&p->census->refused, 1);
    close(fd);
}

static void begin_peer(struct proactor *p, int fd)
{
    uint64_t live = atomic_fetch_add(&p->census->live, 1);

    if (live >= p->options->max_connections || fd >= p->capacity || p->stopping) {
        refuse(p, fd);
        return;
    }
    struct peer *peer = &p->peers[fd];
    *peer = (struct peer){.generation = peer->generation, .open = true, .answered = true};
    conversation_begin(&peer->talk, &p->desks, fd);
    p->live++;
    proactor_proceed(p, fd);
}

static void close_if_at_rest(struct proactor *p, int fd, struct peer *peer)
{
    if (peer->receiving || peer->sending || peer->waiting)
        return;
    deadlines_clear(&p->idle, fd);
    conversation_end(&peer->talk);
    if (p->design->ended != NULL)
        p->design->ended(p, fd);
    peer->open = false;
    peer->generation++;
    struct io_uring_sqe *entry = proactor_entry(p);
    io_uring_prep_close(entry, fd);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(entry, proactor_tag(OPERATION_OTHER, fd, 0));
    p->live--;
    atomic_fetch_sub(&p->census->live, 1);
    if (p->accept_ns != 0) // a descriptor is free again
        p->accept_ns = p->now_ns;
}

void proactor_close(struct proactor *proactor, int fd)
{
    struct peer *peer = &proactor->peers[fd];

    if (!peer->closing && (peer->receiving || peer->sending))
        shutdown(fd, SHUT_RDWR); // which completes both
    if (!peer->closing && peer->waiting) {
        struct io_uring_sqe *entry = proactor_entry(proactor);
        io_uring_prep_timeout_remove(entry, proactor_tag(OPERATION_WAIT, fd, peer->generation), 0);
        io_uring_sqe_set_data64(entry, proactor_tag(OPERATION_OTHER, fd, 0));
    }
    peer->closing = true;
    close_if_at_rest(proactor, fd, peer);
}

// --- What a connection asks for
// -------------------------------------------------------------------

static void send_replies(struct proactor *p, int fd, struct peer *peer)
{
    size_t size;
    const char *bytes = conversation_unsent(&peer->talk, &size);
    struct io_uring_sqe *entry = proactor_entry(p);

    io_uring_prep_send(entry, fd, bytes, size, MSG_NOSIGNAL);
    io_uring_sqe_set_data64(entry, proactor_tag(OPERATION_SEND, fd, peer->generation));
    peer->sending = true;
}

static void wait_for_io(struct proactor *p, int fd, struct peer *peer)
{
    struct io_uring_sqe *entry = proactor_entry(p);

    io_uring_prep_timeout(entry, &p->io_wait, 0, 0);
    io_uring_sqe_set_data64(entry, proactor_tag(OPERATION_WAIT, fd, peer->generation));
    peer->waiting = true;
    deadlines_clear(&p->idle, fd);
}

// Computes here and now. Replies that are ready do not wait for a computation that takes long.
static void answer(struct proactor *p, struct peer *peer)
{
    if (conversation_takes_long(&peer->talk) && io_uring_sq_ready(&p->ring) > 0)
        io_uring_submit(&p->ring);
    conversation_answer(&peer->talk);
    peer->answered = true;
}

void proactor_proceed(struct proactor *proactor, int fd)
{
    struct proactor *p = proactor;
    struct peer *peer = &p->peers[fd];

    while (!peer->closing && !peer->sending && !peer->waiting) {
        switch (conversation_next(&peer->talk)) {
        case CONVERSATION_READ:
            if (p->stopping) {
                proactor_close(p, fd);
                return;
            }
            if (peer->answered) // a fragment alone does not buy more time
                grant_time(p, fd);
            peer->answered = false;
            if (!p->design->receive(p, fd, peer))
                return;
            break;
        case CONVERSATION_SEND:
            if (peer->answered) // nor does a part that is taken
                grant_time(p, fd);
            peer->answered = false;
            send_replies(p, fd, peer);
            // To be granted again when all is taken, or asked for more.
            break;
        case CONVERSATION_WAIT:
            wait_for_io(p, fd, peer);
            break;
        case CONVERSATION_ANSWER:
            answer(p, peer);
            break;
        case CONVERSATION_END:
            proactor_close(p, fd);
            return;
        }
    }
}

// --- Completions
// ----------------------------------------------------------------------------------

static void on_accept(struct proactor *p, const struct io_uring_cqe *completion)
{
    p->accepting = (completion->flags & IORING_CQE_F_MORE) != 0;
    if (completion->res >= 0)
        begin_peer(p, completion->res);
    else if (acceptor_outcome(-completion->res) == ACCEPT_EXHAUSTED)
        p->accept_ns = p->now_ns + INT64_C(1) * ACCEPTOR_PAUSE_MS * NS_PER_MS;
}

static void on_send(struct proactor *p, int fd, struct peer *peer, int result)
{
    size_t unsent;

    peer->sending = false;
    if (result < 0) {
        proactor_close(p, fd);
        return;
    }
    conversation_sent(&peer->talk, (size_t)result); // a short one goes on where it ended
    conversation_unsent(&peer->talk, &unsent);
    peer->answered = unsent == 0;
    proactor_proceed(p, fd);
}

static void on_wait(struct proactor *p, int fd, struct peer *peer)
{
    peer->waiting = false;
    conversation_waited(&peer->talk);
    proactor_proceed(p, fd);
}

// Told to stop: accepts no more, and keeps only the connections that are to get replies.
static void begin_stop(struct proactor *p)
{
    p->stopping = true;
    p->accept_ns = 0;
    p->end_ns = p->now_ns + SIGNALS_GRACE_NS;
    shutdown(p->listener, SHUT_RDWR); // ends the accept that is in flight
    close(p->listener);
    for (int fd = 0; fd < p->capacity; fd++) {
        const struct peer *peer = &p->peers[fd];
        if (peer->open && !peer->sending && !peer->waiting)
            shutdown(fd, SHUT_RD); // what has come is received and answered, and then the end comes
    }
}

static void on_peer(struct proactor *p, enum operation operation, int fd,
                    const struct io_uring_cqe *completion)
{
    struct peer *peer = &p->peers[fd];

    if (!peer->open || completion->user_data != proactor_tag(operation, fd, peer->generation))
        return;
    if (operation == OPERATION_RECEIVE)
        p->design->received(p, fd, peer, completion);
    else if (operation == OPERATION_SEND)
        on_send(p, fd, peer, completion->res);
    else
        on_wait(p, fd, peer);
    if (peer->open && peer->closing)
        close_if_at_rest(p, fd, peer);
}

static void complete(struct proactor *p, const struct io_uring_cqe *completion)
{
    enum operation operation = (enum operation)(completion->user_data >> 56);

    switch (operation) {
    case OPERATION_ACCEPT:
        on_accept(p, completion);
        break;
    case OPERATION_STOP:
        begin_stop(p);
        break;
    case OPERATION_OTHER:
        break;
    default:
        on_peer(p, operation, (int)(uint32_t)completion->user_data, completion);
    }
}

// --- The loop
// -------------------------------------------------------------------------------------

static void accept_if_wanted(struct proactor *p)
{
    if (p->accept_ns != 0 && p->accept_ns <= p->now_ns)
        p->accept_ns = 0;
    if (p->accepting || p->stopping || p->accept_ns != 0)
        return;
    p->design->accept(p);
    p->accepting = true;
}

static void end_turn(struct proactor *p)
{
    int64_t due_ns;
    int fd;

    while ((fd = deadlines_first(&p->idle, &due_ns)) != -1 && due_ns <= p->now_ns) {
        deadlines_clear(&p->idle, fd);
        proactor_close(p, fd);
    }
    accept_if_wanted(p);
    if (p->design->end_turn != NULL)
        p->design->end_turn(p);
}

// Submits, and waits for a completion, or for the next deadline: one system call.
static void await(struct proactor *p)
{
    int64_t due_ns = INT64_MAX;
    struct io_uring_cqe *first;
    struct __kernel_timespec left;

    deadlines_first(&p->idle, &due_ns);
    if (p->accept_ns != 0 && p->accept_ns < due_ns)
        due_ns = p->accept_ns;
    if (p->stopping && p->end_ns < due_ns)
        due_ns = p->end_ns;
    const struct timespec until = clock_until(due_ns);
    left = (struct __kernel_timespec){.tv_sec = until.tv_sec, .tv_nsec = until.tv_nsec};
    int error = io_uring_submit_and_wait_timeout(&p->ring, &first, 1,
                                                 due_ns == INT64_MAX ? NULL : &left, NULL);
    // EBUSY, EAGAIN: completions are to be taken first.
    if (error < 0 && error != -ETIME && error != -EINTR && error != -EBUSY && error != -EAGAIN) {
        fprintf(stderr, "%s: io_uring_enter: %s\n", p->options->program, strerror(-error));
        exit(EXIT_FAILURE);
    }
}

void proactor_run(struct proactor *proactor)
{
    struct proactor *p = proactor;

    accept_if_wanted(p);
    while (!p->stopping || (p->live > 0 && p->now_ns < p->end_ns)) {
        struct io_uring_cqe *completion;
        unsigned head;
        unsigned count = 0;

        await(p);
        p->now_ns = clock_now_ns();
        io_uring_for_each_cqe(&p->ring, head, completion)
        {
            complete(p, completion);
            count++;
        }
        io_uring_cq_advance(&p->ring, count);
        end_turn(p);
    }
}

// --- Beginning and end
// ----------------------------------------------------------------------------

void proactor_probe_or_exit(const struct options *options, const struct proactor_design *design)
{
    struct io_uring ring;

    ring_open_or_exit(&ring, options, design->setup, design->needs);
    io_uring_queue_exit(&ring);
}

void proactor_prepare_or_exit(struct proactor *proactor)
{
    struct proactor *p = proactor;

    ring_open_or_exit(&p->ring, p->options, p->design->setup, p->design->needs);
    (void)io_uring_register_ring_fd(&p->ring); // spares a look-up for each call, where it is known
    p->capacity = reactor_capacity(p->options);
    p->io_wait = (struct __kernel_timespec){.tv_sec = p->options->io_wait_ns / NS_PER_S,
                                            .tv_nsec = p->options->io_wait_ns % NS_PER_S};
    p->desks = (struct desks){.options = p->options};
    p->peers = calloc((size_t)p->capacity, sizeof *p->peers);
    p->now_ns = clock_now_ns();
    // An operation on a descriptor that does not block would end with EAGAIN at once.
    int flags = fcntl(p->listener, F_GETFL);
    if (p->peers == NULL || deadlines_init(&p->idle, p->capacity) == -1 || flags == -1 ||
        fcntl(p->listener, F_SETFL, flags & ~O_NONBLOCK) == -1) {
        fprintf(stderr, "%s: cannot prepare to serve: %s\n", p->options->program, strerror(errno));
        exit(EXIT_FAILURE);
    }
    struct io_uring_sqe *entry = proactor_entry(p);
    io_uring_prep_poll_add(entry, p->stop_fd, POLLIN);
    io_uring_sqe_set_data64(entry, proactor_tag(OPERATION_STOP, p->stop_fd, 0));
}

void proactor_clean_up(struct proactor *proactor)
{
    io_uring_queue_exit(&proactor->ring);
    for (int fd = 0; fd < proactor->capacity; fd++) {
        if (!proactor->peers[fd].open)
            continue;
        conversation_end(&proactor->peers[fd].talk);
        close(fd);
    }
    desks_free(&proactor->desks);
    deadlines_free(&proactor->idle);
    free(proactor->peers);
}
