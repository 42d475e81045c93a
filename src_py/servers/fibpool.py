# SPDX-License-Identifier: BSD-3-Clause
"""A pool of processes that is there as long as the server is. Runs on Python 3.7."""

import asyncio
import gc
import multiprocessing
import multiprocessing.queues
import os
import stat
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import fibserver
import fibworkers
from fibcores import available_cores
from fiblifeline import Lifeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

END_S = 0.2  # which a thread of an executor that is broken has to end


class Pool:
    """Processes that compute. When one is killed, the executor is of no use any more."""

    def __init__(self, options: fibserver.Options, stop: fibserver.Stop) -> None:
        self._options = options
        self._stop = stop
        self._lifeline = Lifeline()
        self._started = 0  # times
        self._mending = None  # type: asyncio.Future[None] | None
        # What could not be written to the processes is lost, and nobody hears of it. So they end,
        # whereupon all that is not answered is asked anew.
        multiprocessing.queues.Queue._on_queue_feeder_error = staticmethod(  # type: ignore[attr-defined]
            kill_workers
        )
        # The executor ends the others of a pool that is broken by a signal that they ignore, and
        # waits for them with a lock held that whoever asks wants.
        forked = multiprocessing.get_context("fork").Process
        forked.terminate = forked.kill  # type: ignore[method-assign]
        self._start()

    def _start(self) -> None:
        """Start the processes. OSError: it cannot be done now."""
        others = threading.enumerate()
        self._started += 1
        workers = self._options.workers or available_cores()
        self._executor = ProcessPoolExecutor(
            workers,
            # Since Python 3.14 the default is forkserver, which would be another design.
            mp_context=multiprocessing.get_context("fork"),
            initializer=begin_worker,
            initargs=(self._options, self._stop, self._lifeline),
        )
        try:
            with self._stop.held_back():
                fibworkers.wait_for(self._executor, workers)
        finally:
            self._threads = [each for each in threading.enumerate() if each not in others]

    async def run(self, function: "Callable[..., Any]", *arguments: "Any") -> "Any":
        """Have a function run, and again if somebody killed the process that did."""
        while True:
            if self._mending is not None:
                await self._mending
            asked = self._started
            try:
                loop = asyncio.get_event_loop()
                return await loop.run_in_executor(self._executor, function, *arguments)
            except BrokenProcessPool:
                if self._mending is None and self._started == asked:
                    fibserver.log("a process of the pool has ended; all are started anew")
                    self._mending = asyncio.ensure_future(self._mend())

    async def _mend(self) -> None:
        complained = False
        while True:
            self._clear_away()
            # Who waited for the executor hears of its end, and keeps it no longer.
            await asyncio.sleep(fibserver.PAUSE_S)
            gc.collect()
            try:
                self._start()
                break
            except OSError as error:
                if not complained:
                    fibserver.log("cannot start the pool: %s (trying on)" % error.strerror)
                complained = True
        self._mending = None

    def _clear_away(self) -> None:
        """End what is left of an executor: new processes are not to have its pipes, or locks."""
        kill_workers()  # they were asked to end, and would answer first
        for thread in self._threads:
            thread.join(END_S)
        self._threads = []
        self.__dict__.pop("_executor", None)

    def end(self) -> None:
        """End the processes: all is answered. One that was asked to, by whomever, might wait."""
        self._clear_away()


def kill_workers(*_: object) -> None:
    """End all processes of the pool."""
    for child in multiprocessing.active_children():
        child.kill()


def begin_worker(options: fibserver.Options, stop: fibserver.Stop, lifeline: Lifeline) -> None:
    """In a new process: leave alone what is the server's, and do not outlive it."""
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - what ends it the server says
    stop.work_apart()
    lifeline.hold()
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in [int(name) for name in os.listdir("/proc/self/fd")]:
        try:
            is_socket = stat.S_ISSOCK(os.fstat(fd).st_mode)
        except OSError:  # the folder itself
            continue
        if (fd > 2 and is_socket) or fd == options.ready_fd:  # its end would not be seen
            os.dup2(nothing, fd)
