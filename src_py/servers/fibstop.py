# SPDX-License-Identifier: BSD-3-Clause
"""How the Python servers end, and what they count meanwhile. Runs on Python 3.6."""

import mmap
import os
import select
import signal

from fiboptions import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Callable, NoReturn, Union

    Handler = Union[Callable[[int, "FrameType | None"], object], signal.Handlers]

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
    signal ends it at once. Forked children share the descriptor, so all of them see the signal, and
    the death of the parent too.
    """

    def __init__(self) -> None:
        self.tally = Tally(1)  # whoever makes more of itself gives it more slots
        self.fd, self._wakeup = os.pipe()
        os.set_blocking(self._wakeup, False)
        # The C part of the signal handling writes there: at once, whichever thread runs. uvloop has
        # it write to a descriptor of its own instead, and runs the handlers, which also write.
        signal.set_wakeup_fd(self._wakeup)
        self._is_child = False
        self._second = signal.SIG_DFL  # type: Handler
        signal.signal(
            signal.SIGCHLD, signal.SIG_DFL
        )  # ignored, as one may inherit it, ends are lost
        signal.signal(signal.SIGALRM, self._too_late)
        signal.signal(signal.SIGTERM, self._begin)
        signal.signal(signal.SIGINT, self._begin)

    def is_told(self) -> bool:
        """Whether a signal has come, or the parent is dead."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return bool(poll.poll(0))

    def wait_for_death_of_parent(self) -> None:
        """In a child: return when the parent has ended, of whatever."""
        poll = select.poll()
        poll.register(self.fd, 0)  # POLLHUP is always told: nobody can write there any more
        poll.poll()

    def instead_of_exit(self, handler: "Handler") -> None:
        """Call `handler` on a second signal and when the time is over, for there are children."""
        self._second = handler
        signal.signal(signal.SIGALRM, handler)

    def leave_to_parent(self) -> None:
        """In a child: only read, so that its own signals, and its life, concern nobody else."""
        self._is_child = True
        signal.set_wakeup_fd(-1)
        os.close(self._wakeup)
        self._second = signal.SIG_DFL
        signal.signal(signal.SIGALRM, self._too_late)
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) != self._begin:  # the first one came before the fork
                signal.signal(number, self._second)

    def end(self) -> None:
        """Everything asked is answered: say how many connections were refused, if any."""
        signal.alarm(0)  # or it could ring when the interpreter has put its handlers away
        refused = sum(self.tally.refused)
        if refused and not self._is_child:
            log("refused %d connections" % refused)

    def _begin(self, _signal: int, _frame: "FrameType | None") -> None:
        signal.alarm(STOP_S)
        if not self._is_child:
            os.write(self._wakeup, b"!")
        signal.signal(signal.SIGTERM, self._second)
        signal.signal(signal.SIGINT, self._second)

    def _too_late(self, _signal: int, _frame: "FrameType | None") -> "NoReturn":
        self.end()
        os._exit(0)
