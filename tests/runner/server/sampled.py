# SPDX-License-Identifier: BSD-3-Clause
"""Programs that are sampled while they run under supervise."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fibench.server import Supervised, launch
from fibench.timeline import Recording, ThreadTime, read_recording, thread_time

PATIENCE_S = 60.0
WINDOW_S = 0.3


@dataclass
class Watched:
    """A program under supervise that can be sampled once."""

    command: Supervised
    said: IO[str]
    samples: IO[bytes]

    def begin(self) -> int:
        """Begin sampling; from when on."""
        self.command.begin_sampling()
        assert self.command.wait(
            lambda report: (report.sampling_from_ns or report.sampled) is not None, PATIENCE_S
        )
        assert self.command.report.sampled is None
        return time.monotonic_ns()

    def recording(self) -> Recording:
        """End sampling, if it has not ended, and read what was seen."""
        self.command.end_sampling()
        assert self.command.wait(lambda report: report.sampled is not None, PATIENCE_S)
        assert self.command.report.sampled == 0
        self.samples.seek(0)
        recording = read_recording(self.samples.read())
        assert isinstance(recording, Recording)
        return recording

    def look(self, window_s: float = WINDOW_S) -> tuple[ThreadTime, Recording]:
        """What its threads did in a window, which ends early if the program does."""
        begin_ns = self.begin()
        self.command.wait(lambda report: report.ended, window_s)
        end_ns = time.monotonic_ns()
        recording = self.recording()
        found = thread_time(recording, begin_ns, end_ns)
        assert found.absent is None
        return found, recording


@contextmanager
def watched(supervise: Path, argv: Sequence[str], ups: int = 1) -> Iterator[Watched]:
    """Start a program, and wait until it has said a line so many times."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as said, tempfile.TemporaryFile() as samples:
        with os.fdopen(write_end, "wb") as output:
            command = launch(
                argv,
                supervise=supervise,
                output=output,
                environment=os.environ,
                cwd=None,
                samples=samples,
            )
        with command:
            for _ in range(ups):
                assert (line := said.readline()) == "up\n", line
            yield Watched(command, said, samples)


def python(text: str, *argv: str) -> list[str]:
    """A few lines of Python as a program."""
    return [sys.executable, "-S", "-c", text, *argv]
