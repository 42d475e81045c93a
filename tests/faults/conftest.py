# SPDX-License-Identifier: BSD-3-Clause
"""A command under supervise, and a witness pipe that ends when the last process of it has."""

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest
from tests.processes import ending

PATIENCE_S = 10.0
"""How long a test waits for an event before it fails."""


class Supervise:
    """supervise as its user sees it: a lifeline, a report, signals, and what the command writes."""

    def __init__(
        self,
        program: Path,
        argv: list[str],
        more: Sequence[str] = (),
        errors: IO[bytes] | None = None,
    ) -> None:
        lifeline_end, self._lifeline = os.pipe()
        self._report, report_end = os.pipe()
        # Standard output of the whole tree: it ends when nobody is left to write to it.
        self._output, output_end = os.pipe()
        self._open = {self._lifeline, self._report, self._output}
        self._began_ns = time.monotonic_ns()
        options = ["--lifeline", str(lifeline_end), "--report", str(report_end), *more, "--"]
        self.pipe_ends = (lifeline_end, report_end)
        self.process = subprocess.Popen(
            [program, *options, *argv],
            stdin=subprocess.DEVNULL,
            stdout=output_end,
            stderr=errors,
            pass_fds=self.pipe_ends,
            start_new_session=True,
        )
        for fd in (lifeline_end, report_end, output_end):
            os.close(fd)
        self._unread: dict[int, bytes] = {self._report: b"", self._output: b""}

    def report(self) -> str:
        """The next line of the report; "" at its end. When the command ended is held to the clock,
        and stands before how it did."""
        line = self._line(self._report)
        if re.fullmatch(r"ended [0-9]+", line) is None:
            return line
        assert self._began_ns < int(line.split()[1]) < time.monotonic_ns()
        line = self._line(self._report)
        assert line.startswith(("exited ", "killed "))
        return line

    def ending(self) -> list[str]:
        """The rest of the report up to the line of what was used, which is held to its form."""
        *lines, used, end = [*iter(self.report, ""), ""]
        assert re.fullmatch(r"used [0-9]+ [0-9]+ [0-9]+ [0-9]+", used)
        return [*lines, end]

    def said(self) -> str:
        """The next line that the command writes; "" when no process of the tree is left."""
        return self._line(self._output)

    def cut_lifeline(self) -> None:
        """Close the lifeline, as the death of its holder does."""
        self._close(self._lifeline)

    def stop_reading(self) -> None:
        """Close the report's read end."""
        self._close(self._report)

    def end(self) -> int:
        """Wait for supervise itself; its exit status."""
        return self.process.wait(PATIENCE_S)

    def clean_up(self) -> None:
        """End whatever still runs."""
        with ending(self.process):
            self.cut_lifeline()
            self.process.wait(PATIENCE_S)
        for fd in list(self._open):
            self._close(fd)

    def _close(self, fd: int) -> None:
        if fd in self._open:
            self._open.remove(fd)
            os.close(fd)

    def _line(self, fd: int) -> str:
        while b"\n" not in self._unread[fd]:
            ready, _, _ = select.select([fd], [], [], PATIENCE_S)
            assert ready, f"nothing came in {PATIENCE_S:g} s after {self._unread[fd]!r}"
            data = os.read(fd, 4096)
            if not data:
                return self._unread.pop(fd).decode()
            self._unread[fd] += data
        line, _, self._unread[fd] = self._unread[fd].partition(b"\n")
        return line.decode()


StartSupervise = Callable[..., Supervise]


@pytest.fixture
def supervise(programs: Path) -> Iterator[StartSupervise]:
    """Starts commands under supervise and ends them after the test."""
    with ExitStack() as stack:

        def start(
            *argv: str, options: Sequence[str] = (), errors: IO[bytes] | None = None
        ) -> Supervise:
            started = Supervise(programs / "supervise", list(argv), options, errors)
            stack.callback(started.clean_up)
            return started

        yield start


@pytest.fixture
def python(supervise: StartSupervise) -> StartSupervise:
    """Starts a few lines of Python under supervise."""
    return lambda text, *argv, **more: supervise(sys.executable, "-S", "-c", text, *argv, **more)
