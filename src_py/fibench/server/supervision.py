# SPDX-License-Identifier: BSD-3-Clause
"""A command under `supervise`: its start, what is reported of it, and its certain end."""

import io
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

from fibench.machine.processes import began

MARK = "FIBENCH_RUN"
"""The variable by which all that a runner has started is known: its number, and when it began."""

PROMPT_S = 0.5
"""How long a sweep takes at most, but for a `supervise` that is stopped, or a busy kernel."""
KEPT_BYTES = 65_536
"""Of a command that writes more than twice as much, the beginning and the end that are kept."""
SWEEP_LIMIT_S = 10.0
"""How long the kernel may take to end processes that were sent SIGKILL."""


class Used(NamedTuple):
    """What a command and all its descendants have used from their start to their end.

    Missing is what a process did not wait for, since it ignores SIGCHLD: getrusage(2).
    """

    user_ns: int
    system_ns: int
    voluntary_switches: int
    involuntary_switches: int


@dataclass
class Report:
    """What `supervise` has said so far."""

    pid: int | None = None
    failed: tuple[int, str] | None = None
    """The errno and its text when the command could not be executed."""
    ended_at_ns: int | None = None
    """When the command was seen to have ended, of CLOCK_MONOTONIC; known with how it did."""
    status: int | None = None
    signal: int | None = None
    swept: int = 0
    """How many processes were left behind by the command, and were killed."""
    used: "Used | None" = None
    """What all of them have used; known when `supervise` has ended."""
    sampling_from_ns: int | None = None
    """From when on what its threads do is sampled, of CLOCK_MONOTONIC."""
    sampled: int | None = None
    """Sampling has ended, and the recording is in its file: 0, or the errno of what failed."""
    closed: bool = False
    """Nothing more will come: `supervise` has ended."""

    @property
    def ended(self) -> bool:
        """The command no longer runs."""
        return self.status is not None or self.signal is not None or self.closed

    def take(self, line: str) -> None:
        """Note one line. Raises ValueError for one that `supervise` does not write."""
        word, _, rest = line.partition(" ")
        match word:
            case "started":
                self.pid = int(rest)
            case "failed":
                number, _, text = rest.partition(" ")
                self.failed = (int(number), text)
            case "ended":
                self.ended_at_ns = int(rest)
            case "exited":
                self.status = int(rest)
            case "killed":
                self.signal = int(rest)
            case "swept":
                self.swept = int(rest)
            case "used":
                self.used = Used(*map(int, rest.split(" ")))
            case "sampling":
                self.sampling_from_ns = int(rest)
            case "sampled":
                self.sampled = int(rest)
            case _:
                raise ValueError(f"supervise reported {line!r}")


@dataclass
class Supervised:
    """A command that `supervise` runs.

    Nothing of it outlives this object: the lifeline closes with it, and with this process however
    that ends. `kill()`, or leaving the context, also waits until nothing is left.
    """

    process: subprocess.Popen[bytes]
    report_fd: int
    """Readable when there is news: the command has ended, or `supervise` has."""
    lifeline: io.FileIO
    """A file object, since a lost one is closed, as a lost descriptor is not."""
    report: Report = field(default_factory=Report)
    _unread: bytes = b""

    def read_report(self) -> None:
        """Take in what has been reported; waits if there is no news yet."""
        if self.report.closed:
            return
        data = os.read(self.report_fd, 4096)
        if not data:
            self.report.closed = True
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self.report.take(line.decode())

    def refresh(self) -> Report:
        """Take in all news there is, without waiting."""
        while not self.report.closed and _readable(self.report_fd, 0.0):
            self.read_report()
        return self.report

    def wait(self, until: Callable[[Report], bool], timeout_s: float) -> bool:
        """Wait until the report satisfies a condition; False when time is up or it never will."""
        deadline_s = time.monotonic() + timeout_s
        while not until(self.report):
            left_s = deadline_s - time.monotonic()
            if self.report.closed or left_s <= 0:
                return False
            if _readable(self.report_fd, left_s):
                self.read_report()
        return True

    def ask_to_end(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the command: `supervise` passes on what it is sent."""
        self.process.send_signal(number)

    def begin_sampling(self) -> None:
        """Have `supervise` look at what all threads of the command do, if it has a file for that.

        It looks from `report.sampling_from_ns` on. A command that has ended is not looked at.
        """
        self._order(b"b")

    def end_sampling(self) -> None:
        """Have it end that, and write what it has seen: `report.sampled` says when it has."""
        self._order(b"e")

    def _order(self, order: bytes) -> None:
        with suppress(BrokenPipeError):  # `supervise` has ended
            self.lifeline.write(order)

    def kill(self) -> Report:
        """End whatever still runs of the command, and wait until nothing is left of it.

        Raises RuntimeError if the kernel does not let it end within SWEEP_LIMIT_S.
        """
        self.lifeline.close()
        if self.process.returncode is None:
            in_time = self.wait(lambda report: report.closed, PROMPT_S)
            if not in_time:
                self.process.send_signal(signal.SIGCONT)  # somebody may have stopped it
                in_time = self.wait(lambda report: report.closed, SWEEP_LIMIT_S)
            if not in_time:
                self.process.kill()
            self.process.wait()
            os.close(self.report_fd)
            self.report.closed = True
            self._kill_unsupervised()
            if not in_time:
                raise RuntimeError(f"processes of {self.report.pid} could not be killed")
        return self.report

    def _kill_unsupervised(self) -> None:
        """Where somebody killed `supervise` itself, kill the group of the command in its place."""
        if self.process.returncode < 0 and self.report.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.report.pid, signal.SIGKILL)

    def __enter__(self) -> "Supervised":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()


def launch(  # noqa: PLR0913 - each is an attribute of the process
    argv: Sequence[str],
    *,
    supervise: Path,
    output: IO[bytes],
    environment: Mapping[str, str],
    cwd: Path | None,
    pass_fds: Sequence[int] = (),
    errors: IO[bytes] | None = None,
    cpus: str | None = None,
    cgroup: Path | None = None,
    samples: IO[bytes] | None = None,
) -> Supervised:
    """Start a command in its own session, stdin empty, stdout going to `output`.

    Stderr goes to `errors`, or to `output` as well; a file that may be read too is bounded by
    KEPT_BYTES. The command runs on `cpus` ("0,2-3") and is born into `cgroup`, if they are given;
    where it cannot, `supervise` says why on stderr, and ends. MARK is added to its variables.
    `samples` gets what its threads do between `begin_sampling` and `end_sampling`.

    Does not wait for the command. Raises OSError when `supervise` or `cwd` is not there.
    """
    lifeline_end, lifeline_fd = os.pipe()
    lifeline = io.FileIO(lifeline_fd, "wb")
    report_fd, report_end = os.pipe()
    try:
        process = subprocess.Popen(
            [
                os.path.abspath(supervise),
                *("--lifeline", str(lifeline_end), "--report", str(report_end)),
                *("--keep-ends", str(KEPT_BYTES)),
                *(() if cpus is None else ("--cpus", cpus)),
                *(() if cgroup is None else ("--cgroup", str(cgroup))),
                *(() if samples is None else ("--samples", str(samples.fileno()))),
                *("--", *argv),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors or output,
            env={**environment, MARK: f"{os.getpid()}-{began(os.getpid())}"},
            cwd=cwd,
            pass_fds=(
                *(lifeline_end, report_end, *pass_fds),
                *(() if samples is None else (samples.fileno(),)),
            ),
            # A Ctrl-C in the terminal is for us alone: we end servers in our own order.
            start_new_session=True,
        )
    except BaseException:
        lifeline.close()
        os.close(report_fd)
        raise
    finally:
        os.close(lifeline_end)
        os.close(report_end)
    return Supervised(process, report_fd, lifeline)


def _readable(fd: int, timeout_s: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))
