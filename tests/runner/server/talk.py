# SPDX-License-Identifier: BSD-3-Clause
"""Small servers that do one thing for each line they are sent."""

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from tests.runner.small_servers import PATIENCE_S, Starter, command

from fibench.server.resources import CpuSnapshot, cpu_between
from fibench.server.starting import RunningServer

ASK = """
import resource, threading
def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until: pass
listen(); tell()
connection, _ = listener.accept()
talk = connection.makefile("rw")
def heard(): return talk.readline()
def say(*words): print(*words, file=talk, flush=True)
"""
"""A server that does one thing for each line it is sent on its only connection."""
FORK_STORM = (
    "while heard():\n"
    "    told = 0.0\n"
    "    for _ in range(60):\n"
    "        pid = os.fork()\n"
    "        if pid == 0:\n"
    "            burn(0.005); os._exit(0)\n"
    "        used = os.wait4(pid, 0)[2]; told += used.ru_utime + used.ru_stime\n"
    "    say(told)"
)


class Talk:
    """A running small server and the connection to it."""

    def __init__(self, running: RunningServer) -> None:
        self.running = running
        self._socket = socket.create_connection(("127.0.0.1", running.port), PATIENCE_S)
        self._file = self._socket.makefile("rw")

    def ask(self) -> str:
        """Send a line, return the line that comes back."""
        self.say()
        return self.hear()

    def say(self) -> None:
        """Send a line."""
        self._file.write("go\n")
        self._file.flush()

    def hear(self) -> str:
        """The next line that the server says."""
        return self._file.readline().rstrip()

    def silent(self) -> bool:
        """Whether the server has not said anything yet; does not wait."""
        return not select.select([self._socket], [], [], 0)[0]

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()


def talks(start: Starter) -> Iterator[Callable[[str], Talk]]:
    with ExitStack() as stack:

        def begin(text: str) -> Talk:
            running = stack.enter_context(start(command(ASK + text)))
            talking = Talk(running)
            stack.callback(talking.close)
            return talking

        yield begin


def used_s(begin: CpuSnapshot, end: CpuSnapshot) -> float:
    used = cpu_between(begin, end)
    assert used is not None
    assert used.total_ns == used.user_ns + used.system_ns
    return used.total_ns / 1e9
