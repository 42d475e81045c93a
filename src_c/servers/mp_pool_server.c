// SPDX-License-Identifier: BSD-3-Clause
// A pool of processes: --workers children, forked once, wait for connections at the same listener,
// and each serves one at a time. A connection costs no fork; one that is kept alive keeps its
// child.
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/die.h"
#include "serve/acceptor.h"
#include "serve/children.h"
#include "serve/connection.h"
#include "serve/listener.h"
#include "serve/options.h"
#include "serve/signals.h"

// What the processes share. A child that dies may have been serving: its seat tells.
struct pool {
    atomic_uint_least64_t refused;
    atomic_bool said; // why, where it is for want of something
    struct seat {
        _Atomic pid_t pid; // 0: empty
        atomic_bool serving;
    } seats[];
};

static struct pool *make_pool_or_exit(const struct options *options)
{
    size_t size = sizeof(struct pool) + options->workers * sizeof(struct seat);
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED)
        die(options->program, "cannot make what the processes share", errno);
    return shared; // zeroed
}

static uint64_t count_serving(struct pool *pool, const struct options *options)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < options->workers; i++)
        count += atomic_load(&pool->seats[i].serving);
    return count;
}

// What a child does all its life.
static void serve_from(struct pool *pool, struct seat *seat, const struct acceptor *acceptor,
                       const struct options *options)
{
    if (options->ready_fd != -1)
        close(options->ready_fd); // which is the parent's to write, and would stay open
    for (;;) {
        int fd;
        enum accept_outcome outcome = acceptor_next(acceptor, &fd);
        if (outcome == ACCEPT_STOP)
            _exit(EXIT_SUCCESS);
        if (outcome != ACCEPT_CONNECTION) // another child was faster
            continue;
        atomic_store(&seat->serving, true);
        if (count_serving(pool, options) <= options->max_connections) {
            if (!connection_serve(fd, acceptor->stop_fd, options)) {
                atomic_fetch_add(&pool->refused, 1);
                acceptor_say_why(&pool->said, options->program, "memory", errno);
            }
        } else {
            atomic_fetch_add(&pool->refused, 1);
            close(fd);
        }
        atomic_store(&seat->serving, false);
    }
}

// Puts a child on every empty seat; false where the system has no room for one more process.
static bool fill_seats(struct pool *pool, struct children *children,
                       const struct acceptor *acceptor, const struct options *options)
{
    for (uint64_t i = 0; i < options->workers; i++) {
        struct seat *seat = &pool->seats[i];
        if (atomic_load(&seat->pid) != 0)
            continue;
        pid_t pid = children_fork(children);
        if (pid == -1)
            return false;
        if (pid == 0)
            serve_from(pool, seat, acceptor, options);
        atomic_store(&seat->pid, pid);
    }
    return true;
}

static void empty_seat(struct pool *pool, const struct options *options, pid_t pid)
{
    for (uint64_t i = 0; i < options->workers; i++) {
        if (atomic_load(&pool->seats[i].pid) != pid)
            continue;
        atomic_store(&pool->seats[i].serving, false);
        atomic_store(&pool->seats[i].pid, 0);
    }
}

// What the parent does: a child that has died, of whatever, is replaced; though not at once, since
// what killed it may kill the next one.
static void keep_filled(struct pool *pool, struct children *children,
                        const struct acceptor *acceptor, const struct options *options)
{
    const struct timespec pause = clock_timespec(INT64_C(1) * ACCEPTOR_PAUSE_MS * NS_PER_MS);
    struct pollfd stop = {.fd = acceptor->stop_fd, .events = POLLIN};

    while (stop.revents == 0) {
        pid_t pid;
        bool filled = fill_seats(pool, children, acceptor, options);
        while ((pid = children_reap(children)) != 0) {
            empty_seat(pool, options, pid);
            filled = false;
        }
        // The pause is one that the next death does not end.
        if (ppoll(&stop, 1, filled ? NULL : &pause, filled ? acceptor->signal_mask : NULL) == -1)
            stop.revents = 0; // ended by SIGCHLD
    }
}

int main(int argc, char *argv[])
{
    struct options options = options_parse_or_exit(
        "mp_pool_server", "A Fibonacci server with a pool of processes.", argc, argv);
    struct children children = children_prepare_or_exit(options.program, options.workers);
    struct pool *pool = make_pool_or_exit(&options);
    int stop_fd = signals_install_with_children_or_exit(options.program);
    const struct acceptor acceptor = {
        .stop_fd = stop_fd,
        .listener = listener_open_or_exit(&options),
        .signal_mask = &children.signal_mask,
    };

    if (!fill_seats(pool, &children, &acceptor, &options)) {
        int error = errno;
        children_kill(&children);
        die(options.program, "cannot start the processes", error);
    }
    listener_announce_or_exit(&options, acceptor.listener);
    options.ready_fd = -1; // closed: children that come later have none
    keep_filled(pool, &children, &acceptor, &options);
    close(acceptor.listener);
    children_end(&children);
    acceptor_report_refused(atomic_load(&pool->refused));
    return 0;
}
