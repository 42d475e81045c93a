# SPDX-License-Identifier: BSD-3-Clause
"""Commands in processes of their own that are forked from one in which all is imported.

What a short command takes is mostly the start of its Python. One process imports all of it once, and
each command is a fork of that, which goes the whole way of `python -m invoke` from its arguments on.
What a command imports, and when, is for tests that start a Python of their own.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.processes import ending
from tests.runner.forking import CHECKOUT, LARGEST

TIMEOUT_S = 120.0


class Commands:
    """Runs commands one after the other, each in a fork."""

    def __init__(self, connection: socket.socket, folder: Path) -> None:
        self._connection = connection
        self._folder = folder

    def run(
        self, words: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """As subprocess.run does of `invoke`, in the checkout, its output captured."""
        files = [self._folder / name for name in ("out", "err")]
        asked = {"words": words, "environment": environment, "files": [*map(str, files)]}
        self._connection.send(json.dumps(asked).encode())
        answer = self._connection.recv(LARGEST)  # TimeoutError after TIMEOUT_S
        assert answer, "the process that commands are forked from has ended"
        out, err = (file.read_text() for file in files)
        return subprocess.CompletedProcess(list(words), int(answer), out, err)


@contextmanager
def forked_commands() -> Iterator[Commands]:
    """The process that commands are forked from, for the length of a with block."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(TIMEOUT_S)
    argv = [sys.executable, "-m", "tests.runner.forking", str(its.fileno())]
    with TemporaryDirectory() as folder, ours:
        with its:
            process = subprocess.Popen(argv, cwd=CHECKOUT, pass_fds=[its.fileno()])
        with ending(process):
            yield Commands(ours, Path(folder))
            ours.close()
            assert process.wait(TIMEOUT_S) == 0
