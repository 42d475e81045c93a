# SPDX-License-Identifier: BSD-3-Clause
"""The probe beside a trial: a program that tells how fast each CPU is (src_c/probe/probe.c)."""

from __future__ import annotations

import os
import select
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

PROBE = "probe"
ANSWER_S = 5.0
"""It answers at once; on a machine that is full it may have to wait for a CPU."""
LEAST_SAMPLES = 5
"""On a CPU with fewer, a tenth of a second of a window, a median says nothing."""


@dataclass(frozen=True)
class Probed:
    """What the probe found in a window."""

    slowest_s: float | None = None
    """Of its computation, the largest of the medians of the CPUs."""
    missing: str | None = None
    """Why nothing, or not of every CPU, is known."""


class Probe:
    """Samples from its making to the end of its context, on each CPU that this process may use.

    It is a child of this process, ends with it, and its time counts as this process's own.
    """

    def __init__(self, programs: Path) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._absent = "it could not be started"
        try:
            self._process = subprocess.Popen(
                [os.path.abspath(programs / PROBE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                start_new_session=True,  # a Ctrl-C in the terminal is for the runner
            )
        except OSError as error:
            self._absent += f": {error.strerror}"

    @property
    def pids(self) -> tuple[int, ...]:
        """Its process, if there is one."""
        return () if self._process is None else (self._process.pid,)

    def between(self, begin_ns: int, end_ns: int) -> Probed:
        """What it found in a window, from and to a time of CLOCK_MONOTONIC."""
        if self._process is None:
            return Probed(missing=self._absent)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"%d %d\n" % (begin_ns, end_ns))
            self._process.stdin.flush()
        except OSError as error:
            return Probed(missing=f"it has ended: {error.strerror}")
        text = self._answer()
        return Probed(missing="it gave no answer") if text is None else read_probed(text)

    def _answer(self) -> str | None:
        """What it says up to an empty line; None if that does not come."""
        assert self._process is not None
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        until_s = time.monotonic() + ANSWER_S
        data = b""
        while not data.endswith(b"\n\n"):
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not select.select([descriptor], [], [], left_s)[0]:
                return None
            more = os.read(descriptor, 65_536)
            if not more:
                return None
            data += more
        return data.decode("utf-8", "backslashreplace")

    def __enter__(self) -> Probe:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            with suppress(OSError):  # what was not sent is sent in vain
                self._process.__exit__(None, None, None)


def read_probed(text: str) -> Probed:
    """The lines "CPU COUNT MEDIAN_NS" and "CPU - REASON" of an answer."""
    known_ns, short, denied = [], [], {}
    for line in text.splitlines():
        cpu, _, rest = line.partition(" ")
        count, _, what = rest.partition(" ")
        if count == "-":
            denied[cpu] = what
        elif cpu:
            if int(count) >= LEAST_SAMPLES:
                known_ns.append(int(what))
            else:
                short.append(cpu)
    missing = None
    if denied:
        why = next(iter(denied.values()))
        missing = f"it may not be pinned to CPU {', '.join(denied)}: {why}"
    elif short:
        missing = f"it came to fewer than {LEAST_SAMPLES} samples on CPU {', '.join(short)}"
    return Probed(max(known_ns) * 1e-9 if known_ns else None, missing)
