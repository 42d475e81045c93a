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

    Serve = Callable[[int, Callable[[], object]], None]

PAUSE_S = 0.01  # what killed a child, or what kept it from being born, may do so again at once


def keep_running(count: int, serve: "Serve", acceptor: fibserver.Acceptor) -> None:
    """Keep `count` children running, each in serve(slot, ready), until the stop; then wait for all.

    Each calls ready() when it is able to serve; when all are, that is announced. They see the stop
    by themselves; when its time is over, they are killed.
    """
    stop = acceptor.stop
    children = {}  # type: dict[int, int]  # the slot of each process

    def kill_children(_signal: int, _frame: object) -> None:
        for pid in list(children):
            with contextlib.suppress(ProcessLookupError):  # os.wait() has just taken it
                os.kill(pid, signal.SIGKILL)

    stop.instead_of_exit(kill_children)
    able, say_able = os.pipe()
    for slot in range(count):
        try:
            pid = os.fork()
        except OSError as error:  # EAGAIN, ENOMEM; those that are there end with this one
            fibserver.fail("cannot start %d processes: %s" % (count, error.strerror))
        if pid == 0:
            os.close(able)
            _be_child(slot, serve, acceptor, say_able)
        children[pid] = slot
    os.close(say_able)
    if len(_read_all(able)) == count:
        acceptor.ready()
    elif not stop.is_told():
        fibserver.fail("one of %d processes has ended before it could serve" % count)
    while children:
        pid, _ = os.wait()
        if pid not in children:  # whoever ran this program had started it, and became it
            continue
        slot = children.pop(pid)
        if not stop.is_told():
            stop.tally.live[slot] = 0  # it may have died of what it served
            time.sleep(PAUSE_S)
            new = _fork(slot, serve, acceptor)
            if new is not None:
                children[new] = slot


def _read_all(fd: int) -> bytes:
    """Read what is written until nobody is left to write, and close it."""
    with open(fd, "rb") as file:
        return file.read()


def _fork(slot: int, serve: "Serve", acceptor: fibserver.Acceptor) -> "int | None":
    """Start a child anew, as soon as the system has room for one; None: it is time to stop."""
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
            _be_child(slot, serve, acceptor, None)
        return pid
    return None


def _be_child(
    slot: int, serve: "Serve", acceptor: fibserver.Acceptor, say_able: "int | None"
) -> None:
    """Serve; `say_able` is where it says that it can, if anybody waits for that."""

    def ready() -> None:
        if say_able is not None:
            os.write(say_able, b"!")
            os.close(say_able)

    status = 1
    try:
        acceptor.stop.leave_to_parent()
        if acceptor.options.ready_fd is not None:  # its end would not be seen
            os.close(acceptor.options.ready_fd)
            acceptor.options.ready_fd = None
        serve(slot, ready)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)  # what the parent has begun is not the child's to end
