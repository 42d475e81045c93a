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
from fibcores import available_cores
from fibprotocol import fibonacci

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Executor


def start_pool(workers: int) -> "Executor":
    """Start the interpreters, which find no modules beside this program by themselves."""
    from concurrent.futures import InterpreterPoolExecutor  # type: ignore[attr-defined]

    folder = os.path.dirname(os.path.abspath(__file__))
    pool: Executor = InterpreterPoolExecutor(
        workers, initializer=exec, initargs=("import sys; sys.path.insert(0, %r)" % folder, {})
    )
    for first in [pool.submit(fibonacci, 1) for _ in range(workers)]:
        first.result()
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
    # asyncio accepts up to `backlog` connections in one turn of the loop; the listener's real
    # backlog is another matter.
    server = await asyncio.start_server(clients.serve, sock=listener, backlog=1)
    listener.listen(options.backlog)
    fibserver.announce(listener, options)
    await clients.until_told_to_stop()
    server.close()
    await clients.finish()


def main() -> None:
    """Start the interpreters, then the event loop."""
    options = fibserver.parse_options(__doc__)
    fibserver.require_python(3, 14, "InterpreterPoolExecutor")
    stop = fibserver.Stop()
    listener = fibserver.listen(options)
    pool = start_pool(options.workers or available_cores())
    asyncio.run(serve(options, stop, listener, pool))
    pool.shutdown()
    stop.end()


if __name__ == "__main__":
    main()
