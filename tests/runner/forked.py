# SPDX-License-Identifier: BSD-3-Clause
"""Commands in processes of their own that are forked from one in which all is imported.

What a short command takes is mostly the start of its Python. One process imports all of it once,
and each command is a fork of that, which goes the whole way of `python -m invoke` from its
arguments on. What a command imports, and when, is for tests that start a Python of their own.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.runner.forking import CHECKOUT, LARGEST

TIMEOUT_S = 120.0


@dataclass
class _Forking:
    """The process that commands are forked from."""

    process: subprocess.Popen[bytes]
    connection: socket.socket

    def end(self) -> int:
        """A command that it still runs ends with it. Returns its exit status."""
        self.connection.close()
        try:
            return self.process.wait(TIMEOUT_S)
        finally:
            self.process.kill()


def _start() -> _Forking:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    argv = [sys.executable, "-m", "tests.runner.forking", str(its.fileno())]
    with its:
        return _Forking(subprocess.Popen(argv, cwd=CHECKOUT, pass_fds=[its.fileno()]), ours)


class Commands:
    """Runs commands one after the other, each in a fork; what they are forked from starts with the
    first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._forking: _Forking | None = None
        self.timeout_s = TIMEOUT_S

    def run(
        self, words: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """As subprocess.run does of `invoke`, in the checkout, its output captured.

        Raises TimeoutError, and nothing of the command is left then.
        """
        self._forking = self._forking or _start()
        files = [self._folder / name for name in ("out", "err")]
        asked = {"words": words, "environment": environment, "files": [*map(str, files)]}
        try:
            self._forking.connection.settimeout(self.timeout_s)
            self._forking.connection.send(json.dumps(asked).encode())
            answer = self._forking.connection.recv(LARGEST)
            assert answer, "the process that commands are forked from has ended"
        except BaseException:
            self.end()
            raise
        out, err = (file.read_text() for file in files)
        return subprocess.CompletedProcess(list(words), int(answer), out, err)

    def end(self) -> None:
        """End what they are forked from."""
        forking, self._forking = self._forking, None
        assert forking is None or forking.end() == 0


@contextmanager
def forked_commands() -> Iterator[Commands]:
    """Commands for the length of a with block."""
    with TemporaryDirectory() as folder:
        commands = Commands(Path(folder))
        try:
            yield commands
        finally:
            commands.end()
