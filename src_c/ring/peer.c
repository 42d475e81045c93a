// SPDX-License-Identifier: BSD-3-Clause
// One connection of a proactor: see peer.h.
#include "ring/peer.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "serve/census.h"
#include "serve/deadlines.h"
#include "serve/last_input.h"

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

void peer_begin(struct proactor *proactor, int fd)
{
    struct proactor *p = proactor;
    uint64_t live = atomic_fetch_add(&p->census->live, 1);

    if (live >= p->options->max_connections || fd >= p->capacity) {
        refuse(p, fd);
        return;
    }
    struct peer *peer = &p->peers[fd];
    *peer = (struct peer){.generation = peer->generation, .open = true, .answered = true};
    conversation_begin(&peer->talk, &p->desks, fd);
    p->live++;
    peer_proceed(p, fd);
}

static void close_if_at_rest(struct proactor *p, int fd, struct peer *peer)
{
    if (!peer->open || !peer->closing || peer->receiving || peer->sending || peer->waiting)
        return;
    deadlines_clear(&p->idle, fd);
    conversation_end(&peer->talk);
    if (p->design->ended != NULL)
        p->design->ended(p, fd);
    if (peer->cut) // it was received to the end, which more may have followed
        last_input_discard(fd);
    peer->open = false;
    peer->generation++;
    struct io_uring_sqe *entry = ring_entry(&p->ring, p->options);
    io_uring_prep_close(entry, fd);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(entry, ring_tag(OPERATION_OTHER, fd, 0));
    p->live--;
    atomic_fetch_sub(&p->census->live, 1);
    if (p->accept_ns != 0) // a descriptor is free again
        p->accept_ns = p->now_ns;
}

void peer_cut(struct proactor *proactor, int fd)
{
    struct peer *peer = &proactor->peers[fd];

    if (!peer->cut && !peer->closing)
        peer->cut = last_input_cut(fd);
}

void peer_close(struct proactor *proactor, int fd)
{
    struct peer *peer = &proactor->peers[fd];

    if (!peer->closing && (peer->receiving || peer->sending))
        shutdown(fd, SHUT_RDWR); // which completes both
    if (!peer->closing && peer->waiting) {
        struct io_uring_sqe *entry = ring_entry(&proactor->ring, proactor->options);
        io_uring_prep_timeout_remove(entry, ring_tag(OPERATION_WAIT, fd, peer->generation), 0);
        io_uring_sqe_set_data64(entry, ring_tag(OPERATION_OTHER, fd, 0));
    }
    peer->closing = true;
    proactor->hurry = proactor->hurry || peer->quietly;
    close_if_at_rest(proactor, fd, peer);
}

void peer_give_up(struct proactor *proactor, int fd, int error)
{
    if (error == ENOMEM || error == ENOBUFS || error == EAGAIN)
        census_refuse(proactor->census, proactor->options, "memory", error);
    peer_close(proactor, fd);
}

static void send_replies(struct proactor *p, int fd, struct peer *peer, bool quietly)
{
    size_t size;
    const char *bytes = conversation_unsent(&peer->talk, &size);
    struct io_uring_sqe *entry = ring_entry(&p->ring, p->options);

    io_uring_prep_send(entry, fd, bytes, size,
                       MSG_NOSIGNAL | (quietly ? MSG_WAITALL | MSG_DONTWAIT : 0));
    io_uring_sqe_set_data64(entry, ring_tag(OPERATION_SEND, fd, peer->generation));
    peer->sending = true;
    peer->quietly = quietly;
    peer->turn = p->turn;
    if (quietly) {
        entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
        p->queued[p->queued_count++] = fd;
    }
}

// Whether it has sent something that was received and is still to be read, or its end.
static bool has_more(const struct proactor *p, int fd)
{
    return p->design->has_more != NULL && p->design->has_more(p, fd);
}

// Whether the client's next bytes are all there is to be waited for once its replies are sent.
static bool only_receives(const struct proactor *p, int fd, const struct peer *peer)
{
    return peer->receiving && conversation_only_reads(&peer->talk) && !p->stopping &&
           p->design->has_more != NULL && !has_more(p, fd);
}

static void wait_for_io(struct proactor *p, int fd, struct peer *peer)
{
    struct io_uring_sqe *entry = ring_entry(&p->ring, p->options);

    io_uring_prep_timeout(entry, &p->io_wait, 0, 0);
    io_uring_sqe_set_data64(entry, ring_tag(OPERATION_WAIT, fd, peer->generation));
    peer->waiting = true;
    deadlines_clear(&p->idle, fd);
}

// Computes here and now. Replies that are ready do not wait for a computation that takes long.
static void answer(struct proactor *p, struct peer *peer)
{
    bool is_long = conversation_takes_long(&peer->talk);

    if (is_long && io_uring_sq_ready(&p->ring) > 0)
        ring_check_entered(p->options, io_uring_submit(&p->ring));
    conversation_answer(&peer->talk);
    if (is_long) // the time of clients runs from when it is over
        p->now_ns = clock_now_ns();
    peer->answered = true;
}

void peer_proceed(struct proactor *proactor, int fd)
{
    struct proactor *p = proactor;
    struct peer *peer = &p->peers[fd];

    if (peer->quietly && peer->turn == p->turn)
        p->hurry = true; // more has come, and the send before it is still to be submitted
    while (!peer->closing && !peer->sending && !peer->waiting) {
        switch (conversation_next(&peer->talk)) {
        case CONVERSATION_READ:
            if (p->stopping)
                peer_cut(p, fd);
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
            send_replies(p, fd, peer, only_receives(p, fd, peer));
            break;
        case CONVERSATION_WAIT:
            wait_for_io(p, fd, peer);
            break;
        case CONVERSATION_ANSWER:
            answer(p, peer);
            break;
        case CONVERSATION_END:
            peer_close(p, fd);
            return;
        }
    }
}

// A send has ended with less than was to be sent, or was not a quiet one.
static void on_send(struct proactor *p, int fd, struct peer *peer, int result)
{
    bool was_quiet = peer->quietly;
    size_t unsent;

    peer->sending = peer->quietly = false;
    if (result < 0 && !(was_quiet && result == -EAGAIN)) {
        peer_give_up(p, fd, -result);
        return;
    }
    if (result > 0)
        conversation_sent(&peer->talk, (size_t)result);
    conversation_unsent(&peer->talk, &unsent);
    if (unsent > 0 && !peer->closing) {
        send_replies(p, fd, peer, false); // when there is room
        return;
    }
    peer->answered = !was_quiet; // which is known late: its time runs since it was queued
    peer_proceed(p, fd);
}

// What was submitted quietly and not reported has been sent.
void peer_settle_sends(struct proactor *proactor)
{
    struct proactor *p = proactor;

    for (int i = 0; i < p->submitted_count; i++) {
        int fd = p->submitted[i];
        struct peer *peer = &p->peers[fd];
        size_t size;
        if (!peer->quietly || peer->turn == p->turn) // or it is another send, not submitted yet
            continue;
        conversation_unsent(&peer->talk, &size);
        on_send(p, fd, peer, (int)size);
        close_if_at_rest(p, fd, peer);
    }
    p->submitted_count = 0;
}

static void on_wait(struct proactor *p, int fd, struct peer *peer, int result)
{
    peer->waiting = false;
    if (result != -ETIME && result != -ECANCELED) {
        peer_give_up(p, fd, -result);
        return;
    }
    conversation_waited(&peer->talk);
    peer_proceed(p, fd);
}

void peer_complete(struct proactor *proactor, enum operation operation, int fd,
                   const struct io_uring_cqe *completion)
{
    struct proactor *p = proactor;
    struct peer *peer = &p->peers[fd];

    if (!peer->open || completion->user_data != ring_tag(operation, fd, peer->generation))
        return;
    if (operation == OPERATION_RECEIVE)
        p->design->received(p, fd, peer, completion);
    else if (operation == OPERATION_SEND)
        on_send(p, fd, peer, completion->res);
    else
        on_wait(p, fd, peer, completion->res);
    close_if_at_rest(p, fd, peer);
}
