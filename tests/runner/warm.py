# SPDX-License-Identifier: BSD-3-Clause
"""Commands that begin in a Python which has imported them before: a process of its own for each,
forked, so that a hundred commands import NumPy and the models of files once.

Each has the words, the environment, the working folder and the standard streams that it is given,
and runs the checkout's tasks.py to its end, as `python -I tasks.py` does. What is asked of a start
itself, of signals, and of what a person's locale changes is asked of a real one.
"""

import contextlib
import functools
import gc
import importlib
import io
import marshal
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).resolve()
_CHECKOUT = _HERE.parents[2]
_IMPORTED = (
    "fibench.tasks", "fibench.commands.run", "fibench.commands.review", "fibench.commands.page",
    "fibench.commands.listing.listed", "fibench.page", "fibench.trial", "fibench.wording",
)  # fmt: skip
"""What most commands need: the others import the rest themselves."""
_ENCODING = sys.stdout.encoding if sys.stdout is not None else "utf-8"


def words_before(environment: Mapping[str, str]) -> list[str]:
    """What is typed before the words of a command, in place of `invoke`, where it is started with
    this environment; a real start where that has another locale than we have."""
    if _locale(environment) != _locale(os.environ):
        return [sys.executable, "-I", str(_CHECKOUT / "tasks.py")]
    _, address = _forking()
    return [sys.executable, "-I", "-S", str(_HERE.with_name("asking.py")), address]


def _locale(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environment.items() if name.startswith(("LC_", "LANG"))}


@functools.cache
def _forking() -> tuple["subprocess.Popen[bytes]", str]:
    """Who forks, and where commands are asked for, until `end_forking`."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")  # a name of the kernel's choice
        listener.listen(64)
        process = subprocess.Popen(
            [sys.executable, "-I", str(_HERE), str(listener.fileno())],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # who forks has one thread
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
        )
        return process, str(listener.getsockname()[1:], "ascii")


def end_forking() -> None:
    """End who forks, if any command was asked for; where this process is killed it ends as well."""
    if _forking.cache_info().currsize:
        process, _ = _forking()
        process.communicate()
        _forking.cache_clear()


class _Asked(NamedTuple):
    """A command as it is to begin."""

    words: list[str]
    folder: str
    environment: dict[str, str]
    streams: dict[int, int]
    """Where each of the standard streams is; one that is lacking is closed."""


class _Forking:
    """Who forks: the commands that have not ended, each by its process and by who has asked."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.selector.register(0, selectors.EVENT_READ)
        self.selector.register(listener.fileno(), selectors.EVENT_READ)
        self.commands: dict[int, tuple[int, socket.socket]] = {}
        """By the descriptor of a process: its number, and who has asked."""

    def next_command(self) -> _Asked:
        """What is asked for, each in a process that was forked for it. The process itself ends in
        here, as soon as nobody holds the other end of its standard input any more."""
        while True:
            for key, _ in self.selector.select():
                if key.fd == 0:
                    self._end()
                elif key.fd == self.listener.fileno():
                    connection, _ = self.listener.accept()
                    asked = _read(connection)
                    pid = os.fork()
                    if pid == 0:
                        self._part(connection)
                        return asked
                    for number in asked.streams.values():
                        os.close(number)
                    self._keep(os.pidfd_open(pid), pid, connection)
                elif key.fd in self.commands:
                    self._tell(key.fd)
                else:
                    self._give_up(key.fd)

    def _keep(self, descriptor: int, pid: int, connection: socket.socket) -> None:
        self.commands[descriptor] = (pid, connection)
        for number in (descriptor, connection.fileno()):
            self.selector.register(number, selectors.EVENT_READ)

    def _part(self, connection: socket.socket) -> None:
        """Close, in a command, what is ours: the collector closes what is left at any time, when
        another file may have its number."""
        self.selector.close()
        for one in (self.listener, connection, *(asker for _, asker in self.commands.values())):
            one.close()

    def _tell(self, descriptor: int) -> None:
        """Say how a command has ended."""
        pid, connection = self.commands.pop(descriptor)
        _, status = os.waitpid(pid, 0)
        for number in (descriptor, connection.fileno()):
            if number in self.selector.get_map():
                self.selector.unregister(number)
        os.close(descriptor)
        with connection, contextlib.suppress(BrokenPipeError):  # who asked was killed
            connection.sendall(b"%d" % os.waitstatus_to_exitcode(status))

    def _give_up(self, number: int) -> None:
        """End the command of who was killed while it ran."""
        for pid, connection in self.commands.values():
            if connection.fileno() == number:
                self.selector.unregister(number)
                os.kill(pid, signal.SIGKILL)

    def _end(self) -> None:
        for pid, _ in self.commands.values():
            os.kill(pid, signal.SIGKILL)
        os._exit(0)


def _read(connection: socket.socket) -> _Asked:
    """What is asked, with the streams that come with it."""
    # asking.py sends both.
    size, streams, _, _ = socket.recv_fds(connection, 20, 3, socket.MSG_WAITALL)
    with connection.makefile("rb") as reader:
        words, folder, environment, numbers = marshal.loads(reader.read(int(size)))
    return _Asked(words, folder, environment, dict(zip(numbers, streams, strict=True)))


def _take(streams: Mapping[int, int]) -> None:
    """Have these for the standard streams, and no other descriptor."""
    for number in range(3):
        if number in streams:
            os.dup2(streams[number], number)
        else:
            os.close(number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        setattr(sys, name, _opened(number) if number in streams else None)
        setattr(sys, f"__{name}__", getattr(sys, name))


def _opened(number: int) -> io.TextIOWrapper:
    """A standard stream as Python itself opens it."""
    raw = io.FileIO(number, "w" if number else "r", closefd=False)
    buffer = io.BufferedWriter(raw) if number else io.BufferedReader(raw)
    errors = "backslashreplace" if number == 2 else "strict"
    return io.TextIOWrapper(buffer, _ENCODING, errors, line_buffering=number == 2 or raw.isatty())


def _fork_commands(listener: socket.socket) -> None:
    """Fork for who asks, and be a command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path.insert(0, str(_CHECKOUT / "src_py"))
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    asked = _Forking(listener).next_command()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _take(asked.streams)
    os.environ.clear()
    os.environ.update(asked.environment)
    os.chdir(asked.folder)
    sys.argv = ["invoke", *asked.words]
    runpy.run_path(str(_CHECKOUT / "tasks.py"))


if __name__ == "__main__":
    _fork_commands(socket.socket(fileno=int(sys.argv[1])))
