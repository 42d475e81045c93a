// SPDX-License-Identifier: BSD-3-Clause
// io_uring, one operation at a time: the loop asks for a connection, for bytes, for bytes to be
// sent, and is told when that has been done, rather than when it could be. What it asks for is
// written into a queue shared with the kernel, and one io_uring_enter(2) submits all of it and
// brings whatever is complete: a request costs two entries in that queue, and a part of a system
// call.
//
// Each operation is asked for anew. A receive needs a buffer from the beginning, so that every
// connection that may say something holds one: what uring_server mends.
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "ring/peer.h"
#include "ring/proactor.h"
#include "ring/ring.h"
#include "serve/acceptor.h"
#include "serve/census.h"
#include "serve/listener.h"
#include "serve/options.h"
#include "serve/signals.h"

static void accept_one(struct proactor *proactor)
{
    struct io_uring_sqe *entry = ring_entry(&proactor->ring, proactor->options);

    io_uring_prep_accept(entry, proactor->listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(entry, ring_tag(OPERATION_ACCEPT, proactor->listener, 0));
}

static bool receive(struct proactor *proactor, int fd, struct peer *peer)
{
    size_t size;
    char *room = conversation_room(&peer->talk, &size);

    if (room == NULL) {
        peer_give_up(proactor, fd, ENOMEM);
        return false;
    }
    struct io_uring_sqe *entry = ring_entry(&proactor->ring, proactor->options);
    io_uring_prep_recv(entry, fd, room, size, 0);
    io_uring_sqe_set_data64(entry, ring_tag(OPERATION_RECEIVE, fd, peer->generation));
    peer->receiving = true;
    return false;
}

static void received(struct proactor *proactor, int fd, struct peer *peer,
                     const struct io_uring_cqe *completion)
{
    peer->receiving = false;
    if (completion->res < 0) {
        peer_give_up(proactor, fd, -completion->res);
        return;
    }
    if (completion->res == 0 && peer->cut) {
        peer_close(proactor, fd);
        return;
    }
    conversation_took(&peer->talk, (size_t)completion->res);
    peer_proceed(proactor, fd);
}

static const struct proactor_design ONESHOT = {
    .accept = accept_one,
    .receive = receive,
    .received = received,
    .takes = {5, 17},
};

int main(int argc, char *argv[])
{
    const struct options options = options_parse_or_exit(
        "uring_oneshot_server", "A Fibonacci server with io_uring, an operation at a time.", argc,
        argv);
    int stop_fd = signals_install_or_exit(options.program);
    struct census census = {0};
    struct proactor proactor = {
        .options = &options,
        .design = &ONESHOT,
        .census = &census,
        .stop_fd = stop_fd,
    };

    proactor.listener = listener_open_or_exit(&options);
    proactor_prepare_or_exit(&proactor);
    listener_announce_or_exit(&options, proactor.listener);
    proactor_run(&proactor);
    proactor_clean_up(&proactor);
    acceptor_report_refused(atomic_load(&census.refused));
    return 0;
}
