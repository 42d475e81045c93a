#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Asynchronous Fibonacci server with a pool of processes: the loop waits, --workers compute.

A slow request delays nobody in the loop, and all cores compute; the price is two hand-overs between
processes for each request, however small. The pool itself, a ProcessPoolExecutor, is in fibpool.py.
"""

import asyncio
import socket

import fibasync
import fibpool
import fibserver
import fibworkers


async def serve(
    options: fibserver.Options, stop: fibserver.Stop, listener: socket.socket, pool: fibpool.Pool
) -> None:
    """Serve until a signal."""
    clients = fibasync.Offloading(options, stop, pool.run)
    clients.listen(listener)
    fibserver.announce(listener, options)
    await clients.until_told_to_stop()
    await clients.finish()


def main() -> None:
    """Start the processes, while there are no threads yet, then the event loop."""
    fibserver.require_python(3, 7, "ProcessPoolExecutor(mp_context=...)")
    options = fibserver.parse_options(__doc__)
    stop = fibserver.Stop()
    listener = fibserver.listen(options)
    fibworkers.end_with_threads()
    try:
        pool = fibpool.Pool(options, stop)
    except OSError as error:
        fibserver.end_now("cannot start the pool: %s" % error.strerror)
    asyncio.run(serve(options, stop, listener, pool))
    pool.end()
    stop.end()


if __name__ == "__main__":
    main()
