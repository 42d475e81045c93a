# SPDX-License-Identifier: BSD-3-Clause
"""Children that are forked once and serve until the end. Runs on Python 3.6."""

import contextlib
import os
import signal
import sys
import time

import fibserver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

PAUSE_S = 0.01  # what killed a child, or what kept it from being born, may do so again at once


def keep_running(count: int, serve: "Callable[[int], None]", acceptor: fibserver.Acceptor) -> None:
    """Keep `count` children running, each in serve(slot), until the stop; then wait for all.

    When all are there, that is announced. They see the stop by themselves; when its time is over,
    they are killed.
    """
    stop = acceptor.stop
    children = {}  # type: dict[int, int]  # the slot of each process

    def kill_children(_signal: int, _frame: object) -> None:
        for pid in list(children):
            with contextlib.suppress(ProcessLookupError):  # os.wait() has just taken it
                os.kill(pid, signal.SIGKILL)

    def start(slot: int) -> None:
        pid = _fork(slot, serve, acceptor)
        if pid is not None:
            children[pid] = slot

    stop.instead_of_exit(kill_children)
    for slot in range(count):
        start(slot)
    fibserver.announce(acceptor.socket, acceptor.options)
    while children:
        pid, _ = os.wait()
        if pid not in children:  # whoever ran this program had started it, and became it
            continue
        slot = children.pop(pid)
        if not stop.is_told():
            stop.tally.live[slot] = 0  # it may have died of what it served
            time.sleep(PAUSE_S)
            start(slot)


def _fork(slot: int, serve: "Callable[[int], None]", acceptor: fibserver.Acceptor) -> "int | None":
    """Start a child, as soon as the system has room for one; None: it is time to stop."""
    complained = False
    while not acceptor.stop.is_told():
        try:
            pid = os.fork()
        except OSError as error:  # EAGAIN, ENOMEM
            if not complained:
                fibserver.log("cannot start a process: %s (trying on)" % error.strerror)
            complained = True
            time.sleep(PAUSE_S)
            continue
        if pid == 0:
            _be_child(slot, serve, acceptor)
        return pid
    return None


def _be_child(slot: int, serve: "Callable[[int], None]", acceptor: fibserver.Acceptor) -> None:
    status = 1
    try:
        acceptor.stop.leave_to_parent()
        if acceptor.options.ready_fd is not None:  # its end would not be seen
            os.close(acceptor.options.ready_fd)
        serve(slot)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)  # what the parent has begun is not the child's to end
