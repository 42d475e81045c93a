#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Asynchronous Fibonacci server with a pool of interpreters: the loop waits, --workers compute.

Each interpreter has a thread and a GIL of its own, so that all cores compute in one process.
"""

import asyncio
import functools
import os
import socket

import fibasync
import fibserver
import fibworkers
from fibcores import available_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Executor


# Of each interpreter while it begins: it finds out where its library is, and imports. Without them
# it says at length on stderr what became of that.
DESCRIPTORS = 4


def start_pool(options: fibserver.Options, workers: int) -> "Executor":
    """Start the interpreters, which find no modules beside this program by themselves."""
    from concurrent.futures import InterpreterPoolExecutor  # type: ignore[attr-defined]

    folder = os.path.dirname(os.path.abspath(__file__))
    # They import now what they will need: later there may be no descriptor to be had for that.
    # Each has its own modules, and so is told of the work to be done besides.
    begin = "import sys; sys.path.insert(0, %r); import fibwork; fibwork.begin(%r, %r)"
    begin %= (folder, options.work, options.work_units)
    pool: Executor = InterpreterPoolExecutor(workers, initializer=exec, initargs=(begin, {}))
    fibworkers.wait_for(pool, workers)
    return pool


async def serve(
    options: fibserver.Options,
    stop: fibserver.Stop,
    listener: socket.socket,
    pool: "Executor",
) -> None:
    """Serve until a signal."""
    loop = asyncio.get_running_loop()
    clients = fibasync.Offloading(options, stop, functools.partial(loop.run_in_executor, pool))
    clients.listen(listener)
    fibserver.announce(listener, options)
    await clients.until_told_to_stop()
    await clients.finish()


def main() -> None:
    """Start the interpreters, then the event loop."""
    options = fibserver.parse_options(__doc__)
    fibserver.require_python(3, 14, "InterpreterPoolExecutor")
    stop = fibserver.Stop()
    listener = fibserver.listen(options)
    workers = options.workers or available_cores()
    fibserver.require_room(listener, DESCRIPTORS * workers)
    fibworkers.end_with_threads()
    try:
        pool = start_pool(options, workers)
    except OSError as error:
        fibserver.end_now("cannot start the pool: %s" % error.strerror)
    asyncio.run(serve(options, stop, listener, pool))
    pool.shutdown()
    stop.end()


if __name__ == "__main__":
    main()
