// SPDX-License-Identifier: BSD-3-Clause
// io_uring with multishot operations: the loop asks once for all connections that will come, and
// once for all bytes that a connection will bring. The kernel takes a buffer for them from a ring
// that all connections share, only when there is something to put into it: an idle connection holds
// none. A request costs one entry in the submission queue, to send the reply, and a part of a
// system call.
//
// With --workers there are more such loops. They share nothing but the port: each has a thread, a
// ring and a listener of its own (SO_REUSEPORT).
//
// What is to be minded: a multishot operation ends when it says so (IORING_CQE_F_MORE is missing),
// and is asked for again; -ENOBUFS is no error, it means that all buffers are away, and whoever it
// happened to asks again when some are back; and a client that sends faster than it is answered
// must not get hold of all buffers, so that its receive is cancelled while it has more than a few.
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "core/die.h"
#include "ring/peer.h"
#include "ring/post.h"
#include "ring/proactor.h"
#include "ring/ring.h"
#include "serve/acceptor.h"
#include "serve/census.h"
#include "serve/listener.h"
#include "serve/options.h"
#include "serve/shards.h"
#include "serve/signals.h"

enum { HELD_AT_MOST = 4 }; // buffers that one client may have filled and not be answered

struct loop {
    struct proactor proactor;
    struct post post; // what has come, and where it waits until it is answered
};

// --- Asking ---

static void accept_all(struct proactor *proactor)
{
    struct io_uring_sqe *entry = ring_entry(&proactor->ring, proactor->options);

    io_uring_prep_multishot_accept(entry, proactor->listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(entry, ring_tag(OPERATION_ACCEPT, proactor->listener, 0));
}

static void receive_all(struct proactor *proactor, int fd, struct peer *peer)
{
    struct io_uring_sqe *entry = ring_entry(&proactor->ring, proactor->options);

    if (proactor->options->framing == FRAMING_LINE)
        io_uring_prep_recv_multishot(entry, fd, NULL, 0, 0);
    else // there will be no second read
        io_uring_prep_recv(entry, fd, NULL, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = POST_GROUP;
    io_uring_sqe_set_data64(entry, ring_tag(OPERATION_RECEIVE, fd, peer->generation));
    peer->receiving = true;
}

static void cancel_receive(struct proactor *proactor, int fd, const struct peer *peer)
{
    struct io_uring_sqe *entry = ring_entry(&proactor->ring, proactor->options);

    io_uring_prep_cancel64(entry, ring_tag(OPERATION_RECEIVE, fd, peer->generation), 0);
    io_uring_sqe_set_data64(entry, ring_tag(OPERATION_OTHER, fd, 0));
}

// The client is to be read: brings what has come already, or sees to it that more comes.
static bool receive(struct proactor *proactor, int fd, struct peer *peer)
{
    struct loop *loop = proactor->own;
    struct inbox *inbox = &loop->post.inboxes[fd];

    if (inbox_is_empty(inbox)) {
        if (!peer->receiving && !inbox->starved)
            receive_all(proactor, fd, peer);
        return false;
    }
    if (peer->cut && inbox->first == 0) { // what is left of a line is no last request
        peer_close(proactor, fd);
        return false;
    }
    if (!post_deliver(&loop->post, inbox, &peer->talk)) {
        peer_give_up(proactor, fd, ENOMEM);
        return false;
    }
    return true;
}

// --- What comes ---

static void received(struct proactor *proactor, int fd, struct peer *peer,
                     const struct io_uring_cqe *completion)
{
    struct post *post = &((struct loop *)proactor->own)->post;
    struct inbox *inbox = &post->inboxes[fd];
    int result = completion->res;

    peer->receiving = (completion->flags & IORING_CQE_F_MORE) != 0;
    if ((completion->flags & IORING_CQE_F_BUFFER) != 0) // at the end of input there is none
        post_put(post, inbox, completion->flags >> IORING_CQE_BUFFER_SHIFT, (size_t)result);
    else if (result == -ENOBUFS)
        post_starve(post, fd);
    else if (result == 0)
        inbox->ended = true;
    else if (result != -ECANCELED)
        peer_give_up(proactor, fd, -result);
    if (inbox->count > HELD_AT_MOST && peer->receiving)
        cancel_receive(proactor, fd, peer);
    peer_proceed(proactor, fd);
}

static bool has_more(const struct proactor *proactor, int fd)
{
    const struct loop *loop = proactor->own;
    return !inbox_is_empty(&loop->post.inboxes[fd]);
}

static void ended(struct proactor *proactor, int fd)
{
    post_empty(&((struct loop *)proactor->own)->post, fd);
}

// Whoever found no buffer asks again when there are some.
static void feed_starved(struct proactor *proactor)
{
    struct loop *loop = proactor->own;
    int fd;

    while ((fd = post_next_starved(&loop->post)) != -1) {
        const struct peer *peer = &proactor->peers[fd];
        if (peer->open && !peer->receiving)
            peer_proceed(proactor, fd);
    }
}

static const struct proactor_design MULTISHOT = {
    .accept = accept_all,
    .receive = receive,
    .received = received,
    .has_more = has_more,
    .end_turn = feed_starved,
    .ended = ended,
    .setup = IORING_SETUP_SINGLE_ISSUER, // as old as multishot receives
    .takes = {6, 0},
};

// --- Beginning and end ---

static void prepare(void *shard)
{
    struct loop *loop = shard;

    proactor_prepare_or_exit(&loop->proactor);
    post_open_or_exit(&loop->post, &loop->proactor.ring, loop->proactor.capacity,
                      loop->proactor.options);
}

static void run(void *shard)
{
    struct loop *loop = shard;

    proactor_run(&loop->proactor);
    proactor_clean_up(&loop->proactor);
    post_close(&loop->post);
}

static const struct shard_steps STEPS = {.prepare = prepare, .run = run};

int main(int argc, char *argv[])
{
    struct options defaults = options_default("uring_server");
    defaults.workers = 1;
    const struct options options = options_parse_from_or_exit(
        defaults, "A Fibonacci server with a multishot io_uring, or several on one port.", argc,
        argv);
    int stop_fd = signals_install_or_exit(options.program);
    struct loop *loops = calloc(options.workers, sizeof *loops);
    int *listeners = calloc(options.workers, sizeof *listeners);
    struct census census = {0};

    if (loops == NULL || listeners == NULL)
        die(options.program, "cannot prepare", errno);
    listener_open_shared_or_exit(&options, (unsigned)options.workers, listeners);
    for (size_t i = 0; i < options.workers; i++) {
        loops[i].proactor = (struct proactor){
            .options = &options,
            .design = &MULTISHOT,
            .own = &loops[i],
            .census = &census,
            .listener = listeners[i],
            .stop_fd = stop_fd,
        };
    }
    shards_run_or_exit(&options, listeners, &STEPS, loops, sizeof *loops);
    acceptor_report_refused(atomic_load(&census.refused));
    free(listeners);
    free(loops);
    return 0;
}
