# SPDX-License-Identifier: BSD-3-Clause
"""How the Python servers end, and what they count meanwhile. Runs on Python 3.6."""

import contextlib
import mmap
import os
import select
import signal

from fiboptions import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Callable, Iterator, NoReturn, Union

    Handler = Union[Callable[[int, "FrameType | None"], object], signal.Handlers]

TELLING = (signal.SIGTERM, signal.SIGINT)
STOP_S = 2  # after a signal, what was asked has so long to finish


class Tally:
    """How many connections are live, and how many were refused, in processes or threads.

    It is shared memory: each writes a slot of its own and reads all, which needs no lock.
    """

    def __init__(self, slots: int) -> None:
        self.live = memoryview(mmap.mmap(-1, 8 * slots)).cast("Q")
        self.refused = memoryview(mmap.mmap(-1, 8 * slots)).cast("Q")


class Stop:
    """A descriptor, `fd`, that becomes readable for good when SIGTERM or SIGINT comes.

    Two seconds after the first signal the process ends, however deep in a computation; a second
    signal ends it at once. Forked children share the descriptor, so all of them see a signal that
    their parent gets, and its death too. One that a child gets stops this child alone.
    """

    def __init__(self) -> None:
        self.tally = Tally(1)  # whoever makes more of itself gives it more slots
        self.fd = self._all = self._make_pipe()
        self._is_child = False
        self._second = signal.SIG_DFL  # type: Handler
        signal.signal(
            signal.SIGCHLD, signal.SIG_DFL
        )  # ignored, as one may inherit it, ends are lost
        signal.signal(signal.SIGALRM, self._too_late)
        for number in TELLING:
            signal.signal(number, self._begin)

    def is_told(self) -> bool:
        """Whether the whole server is to stop: its main process got a signal, or is dead."""
        poll = select.poll()
        poll.register(self._all, select.POLLIN)
        return bool(poll.poll(0))

    def instead_of_exit(self, handler: "Handler") -> None:
        """Call `handler` on a second signal and when the time is over, for there are children."""
        self._second = handler
        signal.signal(signal.SIGALRM, handler)

    @contextlib.contextmanager
    def held_back(self) -> "Iterator[None]":
        """Fork in here: what a child gets before it is apart would be told to all."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, TELLING)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def serve_apart(self) -> None:
        """In a child that serves: `fd` is its own, and is readable after its own signal, too."""
        self._leave_to_parent()
        own = self._make_pipe()
        self._both = select.epoll()
        for fd in (own, self._all):
            self._both.register(fd, select.EPOLLIN)
        self.fd = self._both.fileno()
        self._second = signal.SIG_DFL
        signal.signal(signal.SIGALRM, self._too_late)
        for number in TELLING:
            signal.signal(number, self._begin)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TELLING)

    def work_apart(self) -> None:
        """In a child that works for its parent: it ends when that one says so, or is dead."""
        self._leave_to_parent()
        for number in TELLING:
            signal.signal(number, signal.SIG_IGN)  # which drops those that were held back
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TELLING)

    def _leave_to_parent(self) -> None:
        self._is_child = True
        signal.set_wakeup_fd(-1)
        os.close(self._wakeup)

    def _make_pipe(self) -> int:
        """Return the end that becomes readable when this process gets a signal."""
        fd, self._wakeup = os.pipe()
        os.set_blocking(self._wakeup, False)
        # The C part of the signal handling writes there: at once, whichever thread runs. uvloop has
        # it write to a descriptor of its own instead, and runs the handlers, which also write.
        signal.set_wakeup_fd(self._wakeup)
        return fd

    def end(self) -> None:
        """Everything asked is answered: say how many connections were refused, if any."""
        signal.alarm(0)  # or it could ring when the interpreter has put its handlers away
        refused = sum(self.tally.refused)
        if refused and not self._is_child:
            log("refused %d connections" % refused)

    def _begin(self, _signal: int, _frame: "FrameType | None") -> None:
        signal.alarm(STOP_S)
        os.write(self._wakeup, b"!")
        for number in TELLING:
            signal.signal(number, self._second)

    def _too_late(self, _signal: int, _frame: "FrameType | None") -> "NoReturn":
        self.end()
        os._exit(0)
