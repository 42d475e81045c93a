#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Asynchronous Fibonacci server with a pool of processes: the loop waits, --workers compute.

A slow request delays nobody in the loop, and all cores compute; the price is two hand-overs between
processes for each request, however small.
"""

import asyncio
import multiprocessing
import os
import socket
import stat
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import fibasync
import fibserver
from fibcores import available_cores
from fibprotocol import fibonacci

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


class Pool:
    """Processes that compute. When one is killed, the executor is of no use any more."""

    def __init__(self, options: fibserver.Options, stop: fibserver.Stop) -> None:
        self._options = options
        self._stop = stop
        self._start()

    def _start(self) -> None:
        workers = self._options.workers or available_cores()
        self._executor = ProcessPoolExecutor(
            workers,
            # Since Python 3.14 the default is forkserver, which would be another design.
            mp_context=multiprocessing.get_context("fork"),
            initializer=begin_worker,
            initargs=(self._options, self._stop),
        )
        for _ in range(workers):
            self._executor.submit(fibonacci, 1)  # whereupon the processes are forked

    async def run(self, function: "Callable[..., Any]", *arguments: "Any") -> "Any":
        """Have a function run, and again if somebody killed the process that did."""
        while True:
            executor = self._executor
            try:
                loop = asyncio.get_event_loop()
                return await loop.run_in_executor(executor, function, *arguments)
            except BrokenProcessPool:
                if self._executor is executor:  # nobody else has seen to it
                    self._start()
                await asyncio.sleep(fibserver.PAUSE_S)  # it may break again at once

    def end(self) -> None:
        """Wait for the processes to end."""
        self._executor.shutdown()


def begin_worker(options: fibserver.Options, stop: fibserver.Stop) -> None:
    """In a new process: leave alone what is the server's, and do not outlive it."""
    stop.leave_to_parent()
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in [int(name) for name in os.listdir("/proc/self/fd")]:
        try:
            is_socket = stat.S_ISSOCK(os.fstat(fd).st_mode)
        except OSError:  # the folder itself
            continue
        if (fd > 2 and is_socket) or fd == options.ready_fd:  # its end would not be seen
            os.dup2(nothing, fd)
    threading.Thread(target=end_with_parent, args=(stop,), daemon=True).start()


def end_with_parent(stop: fibserver.Stop) -> None:
    """End this process as soon as its parent has ended, of whatever."""
    stop.wait_for_death_of_parent()
    os._exit(1)


async def serve(
    options: fibserver.Options, stop: fibserver.Stop, listener: socket.socket, pool: Pool
) -> None:
    """Serve until a signal."""
    clients = fibasync.Offloading(options, stop, pool.run)
    # asyncio accepts up to `backlog` connections in one turn of the loop; the listener's real
    # backlog is another matter.
    server = await asyncio.start_server(clients.serve, sock=listener, backlog=1)
    listener.listen(options.backlog)
    fibserver.announce(listener, options)
    await clients.until_told_to_stop()
    server.close()
    await clients.finish()


def main() -> None:
    """Start the processes, while there are no threads yet, then the event loop."""
    fibserver.require_python(3, 7, "ProcessPoolExecutor(mp_context=...)")
    options = fibserver.parse_options(__doc__)
    stop = fibserver.Stop()
    listener = fibserver.listen(options)
    pool = Pool(options, stop)
    asyncio.run(serve(options, stop, listener, pool))
    pool.end()
    stop.end()


if __name__ == "__main__":
    main()
