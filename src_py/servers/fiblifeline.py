# SPDX-License-Identifier: BSD-3-Clause
"""Children that end with their parent, of whatever it ends. Runs on Python 3.6."""

import fcntl
import os
import select
import signal

F_SETSIG = getattr(fcntl, "F_SETSIG", 10)  # fcntl(2); not every interpreter has it
O_ASYNC = fcntl.FASYNC


class Lifeline:
    """A pipe that nobody writes to: when its writers are gone, the kernel kills who holds on to it.

    So a child ends at once, be it deep in a computation, asleep or stopped. It takes no thread,
    which would need the GIL to do so, and no ctypes, as PR_SET_PDEATHSIG of prctl(2) would.
    """

    def __init__(self) -> None:
        self._end, self._parents = os.pipe()

    def hold(self) -> None:
        """In a child: end with the parent from now on, also if that is dead already.

        OSError: there is no descriptor for it, or no memory.
        """
        os.close(self._parents)
        try:
            # The one that was inherited is the same for all children, and so would be the owner.
            own = os.open("/proc/self/fd/%d" % self._end, os.O_RDONLY)
        except FileNotFoundError:  # no /proc here: a child sees the end when it next waits
            return
        os.close(self._end)
        fcntl.fcntl(own, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(own, F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | O_ASYNC)
        poll = select.poll()
        poll.register(own, 0)  # POLLHUP is always told
        if poll.poll(0):
            os._exit(1)
