# SPDX-License-Identifier: BSD-3-Clause
"""A server that runs: how it was started, what it is made of, and how it ends."""

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from fibench.machine import descendants
from fibench.machine.processes import read_stat
from fibench.server.cgroup import Cgroup
from fibench.server.supervision import Supervised, Used


@dataclass(frozen=True)
class PortNames:
    """What a person calls the settings of a server's address."""

    host: str = "server.host"
    port: str = "server.port"
    may_be_left_out: bool = True
    """Whether a free port is found without it."""
    may_be_another: bool = True
    """Whether another port would do: not for a server that cannot be told one."""

    def ways_out(self, end: str) -> str:
        """What to do about a port that cannot be had: first, `end` what holds it."""
        ways = [end]
        ways += [f"name another {self.port}"] * self.may_be_another
        ways += ["leave the port out for a free one"] * self.may_be_left_out
        if len(ways) == 1:
            return f"{end}: the server cannot be told another ({self.port})"
        return f"{', '.join(ways[:-1])}, or {ways[-1]}"


NAMED_IN_FILE = PortNames()


@dataclass(frozen=True)
class ServerCommand:
    """How to start a server."""

    argv: list[str]
    """Complete, with the port in it."""
    port: int
    host: str = "127.0.0.1"
    ready_fd: bool = True
    """It understands --ready-fd FD, which is appended. Otherwise it is ready when it listens."""
    cwd: Path | None = None
    env: Mapping[str, str] | None = None
    """Variables to add to the clean environment (see `clean_environment`)."""
    cpus: str | None = None
    """The CPUs that it may run on, as "0,2-3"; None: all that this process may."""
    if_slow: str = ""
    """What to do if it is only slow to listen."""
    ready_get: str | None = None
    """A path of HTTP: it is ready when that is answered, too (answering.py)."""
    stop_signal: int = signal.SIGTERM
    """How it is asked to end…"""
    grace_s: float = 3.0
    """…and how long it may take."""
    wrapper: tuple[str, ...] = ()
    """A program and its arguments that runs the server as its child and passes no signal on."""
    names: PortNames = NAMED_IN_FILE


@dataclass(frozen=True)
class Ending:
    """How a server ended: with a status, or by a signal."""

    status: int | None
    signal: int | None
    swept: int
    """How many processes it had left behind; they were killed."""
    forced: bool
    """It was killed, since it did not end when asked to, or was not asked."""
    used: Used | None = field(default=None, compare=False)
    """What all its processes have used in their lives."""
    at_ns: int | None = field(default=None, compare=False)
    """When its first process was seen to have ended, of CLOCK_MONOTONIC; None: not known."""


@dataclass
class RunningServer:
    """A server that is ready. Leaving the context kills what has not been stopped."""

    port: int
    command: ServerCommand
    environment: Mapping[str, str]
    """All its variables."""
    _supervised: Supervised
    cgroup: Cgroup | None = None
    """Where its processes are, and only they; removed when they have ended."""
    backlog: int | None = None
    """How many connections may wait to be accepted; None where the kernel does not say."""
    _ending: Ending | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """Its first process."""
        assert self._supervised.report.pid is not None
        return self._supervised.report.pid

    @property
    def supervisor_pid(self) -> int:
        """The process whose descendants are the server."""
        return self._supervised.process.pid

    @property
    def news_fd(self) -> int:
        """A descriptor that becomes readable when the server ends; `alive()` then says so."""
        return self._supervised.report_fd

    def alive(self) -> bool:
        """Whether its first process still runs."""
        return self._ending is None and not self._supervised.refresh().ended

    def tree(self) -> list[int]:
        """All its processes, parents before children."""
        return [] if self._ending is not None else descendants(self.supervisor_pid)

    def begin_sampling(self) -> None:
        """Have what its threads do sampled from now on, if it was started with a file for that."""
        self._supervised.begin_sampling()

    def end_sampling(self) -> None:
        """Have that end."""
        self._supervised.end_sampling()

    def sampled(self, limit_s: float) -> int | None:
        """0 as soon as what was sampled is in its file, or the errno of what failed; None if it is
        not within `limit_s`."""
        self._supervised.wait(lambda report: report.sampled is not None, limit_s)
        return self._supervised.report.sampled

    def stop(self, grace_s: float | None = None) -> Ending:
        """Ask it to end with its signal, wait for its grace, or up to `grace_s`, then kill what is
        left of it."""
        if self.alive():
            self._ask_to_end()
            limit_s = self.command.grace_s if grace_s is None else grace_s
            self._supervised.wait(lambda report: report.ended, limit_s)
        return self._finish()

    def kill(self) -> Ending:
        """End all its processes at once."""
        return self._finish()

    def _ask_to_end(self) -> None:
        if not self.command.wrapper:
            self._supervised.ask_to_end(self.command.stop_signal)
            return
        for pid in self.tree():
            stat = read_stat(pid)
            if stat is not None and stat.parent == self.pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, self.command.stop_signal)

    def _finish(self) -> Ending:
        if self._ending is None:
            forced = not self._supervised.refresh().ended
            report = self._supervised.kill()
            self._ending = Ending(
                report.status, report.signal, report.swept, forced, report.used, report.ended_at_ns
            )
            if self.cgroup is not None:
                self.cgroup.remove()
        return self._ending

    def __enter__(self) -> "RunningServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
