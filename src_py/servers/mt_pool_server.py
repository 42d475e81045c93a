#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Multithreaded Fibonacci server with a pool: --workers threads take connections from a queue.

Nothing is accepted while the queue is full, and clients wait in the listen queue instead. One that
is kept alive keeps its thread. The GIL lets one thread at a time compute; a free-threaded
interpreter has none, and there the same file uses every core.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import fibserver
from fibcores import available_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

QUEUE_SIZE = 64  # connections that are accepted and wait for a thread


def main() -> None:
    """Serve until a signal."""
    options = fibserver.parse_options(__doc__)
    workers = options.workers or available_cores()
    pool = start_pool(workers)
    listener = fibserver.Listener(options)
    # The executor's own queue has no bound.
    places = threading.Semaphore(workers + QUEUE_SIZE)
    live = set()  # type: set[socket.socket]

    def serve(connection: "socket.socket") -> None:
        try:
            fibserver.converse(connection, options, listener.stop)
        finally:
            live.discard(connection)
            places.release()

    while listener.wait() is not None:
        places.acquire()  # no thread serves on after the stop, so that it does not hold this one
        connection = listener.accept(live=len(live))
        if connection is None:
            places.release()
            continue
        live.add(connection)
        pool.submit(serve, connection)

    listener.close()
    pool.shutdown()  # they answer what they have read; an alarm bounds the wait
    listener.stop.end()


def start_pool(workers: int) -> ThreadPoolExecutor:
    """Start all threads now: later, the executor could not say which connection one lacks for."""
    pool = ThreadPoolExecutor(workers)
    all_there = threading.Barrier(workers + 1)
    try:
        for _ in range(workers):
            pool.submit(all_there.wait)
    except RuntimeError as error:  # "can't start new thread"
        all_there.abort()
        fibserver.fail("cannot start %d threads: %s" % (workers, error))
    all_there.wait()
    return pool


if __name__ == "__main__":
    main()
