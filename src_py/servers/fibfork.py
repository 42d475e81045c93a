# SPDX-License-Identifier: BSD-3-Clause
"""Children that are forked once and serve until the end. Runs on Python 3.6."""

import contextlib
import os
import signal
import sys
import time

import fibserver
from fiblifeline import Lifeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    Serve = Callable[[int, Callable[[], object]], None]

PAUSE_S = 0.01  # what killed a child, or what kept it from being born, may do so again at once


def keep_running(count: int, serve: "Serve", acceptor: fibserver.Acceptor) -> None:
    """Keep `count` children running, each in serve(slot, ready), until the stop; then wait for all.

    Each calls ready() when it is able to serve; when all are, that is announced. They see the stop
    by themselves; when its time is over, they are killed.
    """
    stop = acceptor.stop
    children = _Children(serve, acceptor)
    stop.instead_of_exit(children.kill)
    able, say_able = os.pipe()
    try:
        for slot in range(count):
            children.fork(slot, able, say_able)
    except OSError as error:  # EAGAIN, ENOMEM; those that are there end with this one
        fibserver.fail("cannot start %d processes: %s" % (count, error.strerror))
    os.close(say_able)
    if len(_read_all(able)) == count:
        acceptor.ready()
    elif not stop.is_told():
        fibserver.fail("one of %d processes has ended before it could serve" % count)
    while children.slots:
        pid, _ = os.wait()
        if pid not in children.slots:  # whoever ran this program had started it, and became it
            continue
        slot = children.slots.pop(pid)
        if not stop.is_told():
            stop.tally.live[slot] = 0  # it may have died of what it served
            time.sleep(PAUSE_S)
            children.fork_anew(slot)


def _read_all(fd: int) -> bytes:
    """Read what is written until nobody is left to write, and close it."""
    with open(fd, "rb") as file:
        return file.read()


class _Children:
    """Processes that do the same, each with a slot of its own."""

    def __init__(self, serve: "Serve", acceptor: fibserver.Acceptor) -> None:
        self.slots = {}  # type: dict[int, int]  # of each process
        self._serve = serve
        self._acceptor = acceptor
        self._lifeline = Lifeline()

    def kill(self, _signal: int, _frame: object) -> None:
        """End all of them: what a signal does whose time has come."""
        for pid in list(self.slots):
            with contextlib.suppress(ProcessLookupError):  # os.wait() has just taken it
                os.kill(pid, signal.SIGKILL)

    def fork(self, slot: int, *able: int) -> None:
        """Start a child. `able` is a pipe to which it says that it can serve, if anybody listens.

        OSError: there is no process to be had.
        """
        with self._acceptor.stop.held_back():
            pid = os.fork()
            if pid == 0:
                self._be_child(slot, *able)
            self.slots[pid] = slot

    def fork_anew(self, slot: int) -> None:
        """Start a child as soon as the system has room for one, unless it is time to stop."""
        complained = False
        while not self._acceptor.stop.is_told():
            try:
                self.fork(slot)
            except OSError as error:  # EAGAIN, ENOMEM
                if not complained:
                    fibserver.log("cannot start a process: %s (trying on)" % error.strerror)
            else:
                return
            complained = True
            time.sleep(PAUSE_S)

    def _be_child(self, slot: int, *able: int) -> None:
        def ready() -> None:
            if able:
                os.write(able[1], b"!")
                os.close(able[1])

        status = 1
        try:
            self._acceptor.stop.serve_apart()
            self._lifeline.hold()
            if able:
                os.close(able[0])
            options = self._acceptor.options
            if options.ready_fd is not None:  # its end would not be seen
                os.close(options.ready_fd)
                options.ready_fd = None
            self._serve(slot, ready)
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)  # what the parent has begun is not the child's to end
