# SPDX-License-Identifier: BSD-3-Clause
"""One server under test: started, looked at, ended by a signal, and never left behind."""

import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO

import pytest
from tests.here import leave_out_backend
from tests.processes import stop

from fibench.machine.processes import began

from . import sanitized
from .backends import Backend
from .lifeline import MARK, new_mark
from .oracle import Framing
from .states import ProcessState, Start, forks_so_far, states

START_S = 10.0
END_S = 5.0


@dataclass
class Server:
    """A running server. `start` makes it; the context ends it, whatever happened."""

    backend: Backend
    framing: Framing
    host: str
    process: subprocess.Popen[bytes]
    port: int
    mark: str
    _output: IO[bytes]
    _errors: IO[bytes]
    _pidfd: int = field(repr=False)
    _start: Start = field(repr=False)

    def stderr(self) -> str:
        """What it has written to stderr so far."""
        return _read_all(self._errors)

    def stdout(self) -> str:
        """What it has written to stdout so far."""
        return _read_all(self._output)

    def is_alive(self) -> bool:
        """Whether the main process still runs."""
        return not self.has_ended(0.0)

    def has_ended(self, timeout_s: float) -> bool:
        """Whether the main process ends before the time is over."""
        return _readable(self._pidfd, timeout_s)

    def catches(self, number: signal.Signals) -> bool:
        """Whether the main process has a handler for a signal."""
        return bool(int(self._status("SigCgt"), 16) >> (number - 1) & 1)

    def has_pending(self, number: signal.Signals) -> bool:
        """Whether a signal waits for the main process to take it."""
        return bool(int(self._status("ShdPnd"), 16) >> (number - 1) & 1)

    def send_signal(self, number: signal.Signals) -> None:
        """Signal the main process, as `kill` does."""
        signal.pidfd_send_signal(self._pidfd, number)

    def send_signal_to_group(self, number: signal.Signals) -> None:
        """Signal its whole process group, as Ctrl-C in a terminal does."""
        os.killpg(self.process.pid, number)

    def send_signal_to_all(self, number: signal.Signals) -> None:
        """Signal every process of it."""
        for state in self.tree():
            _kill(state.pid, number)

    def wait(self, timeout_s: float) -> int:
        """Its exit status (a signal is negative). Fails the test if it does not end in time."""
        if not _readable(self._pidfd, timeout_s):
            pytest.fail(f"{self} still runs after {timeout_s} s; stderr: {self.stderr()!r}")
        return self.process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = END_S) -> int:
        """Signal it and wait for its exit status."""
        self.send_signal(number)
        return self.wait(timeout_s)

    def tree(self) -> list[ProcessState]:
        """Every process it consists of, zombies included, those that left the session too."""
        return states(self.process.pid, f"{MARK}={self.mark}", self._start)

    def living(self) -> list[ProcessState]:
        """Those of them that have not ended."""
        return [state for state in self.tree() if state.state not in "ZX"]

    def wait_until_nothing_is_left(self, timeout_s: float) -> list[ProcessState]:
        """Wait for the end of its last process; what is left after the time is returned."""
        deadline = time.monotonic() + timeout_s
        while left := self.living():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return left
            try:
                pidfd = os.pidfd_open(left[0].pid)
            except ProcessLookupError:
                continue
            _readable(pidfd, remaining)
            os.close(pidfd)
        return []

    def cpu_s(self) -> float:
        """CPU time that the processes living now have used, from their CPU clocks."""
        total = 0.0
        for state in self.tree():
            try:
                # The kernel's clock id of another process: CPUCLOCK_SCHED, clock_getres(2).
                total += time.clock_gettime((~state.pid << 3) | 2)
            except OSError:
                continue
        return total

    def own_bytes(self) -> int:
        """Private memory that the processes living now have resident."""
        return sum(state.own_bytes for state in self.tree())

    def peak_bytes(self) -> int:
        """The most memory that the main process has had resident."""
        return int(self._status("VmHWM").removesuffix(" kB")) * 1024

    def _status(self, key: str) -> str:
        status = Path("/proc", str(self.process.pid), "status").read_text()
        found = re.search(rf"^{key}:\s+(.*)$", status, re.MULTILINE)
        return found[1] if found else "0"  # a process that has just ended has neither

    def kill(self) -> None:
        """End every process of it now."""
        while left := self.living():
            for state in left:
                _kill(state.pid)
        self.process.wait()

    def __str__(self) -> str:
        return f"{self.backend.name} ({self.framing}, port {self.port})"


@contextmanager
def start(  # noqa: PLR0913 - each is something that a test may vary
    programs: Path,
    backend: Backend,
    *options: str,
    framing: Framing | None = "line",
    host: str = "127.0.0.1",
    port: int = 0,
    shell: str | None = None,
    through: Sequence[str] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
    may_fail: bool = False,
) -> Iterator[Server]:
    """Start a server and wait until it is ready.

    Without a framing it gets no option for it; `shell` is what a shell does that then becomes it,
    `through` a command line that it is given to. One that may fail need not become ready: then its
    port is 0.
    """
    _skip_what_cannot_be(backend, framing or "message", options)
    with (
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
        _reports_of_sanitizers(backend) as folder,
    ):
        files = output, errors
        through = ["sh", "-c", f'{shell}\nexec "$@"', "sh"] if shell is not None else [*through]
        variables = {**sanitized.environment(folder), **environment}
        server = _spawn(
            programs, backend, options, framing, host, port, through, variables, files, may_fail
        )
        try:
            yield server
        finally:
            if folder is not None:
                _end_orderly(server)
            server.kill()
            os.close(server._pidfd)


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Stop the whole server, as Ctrl-Z does: what is sent meanwhile it finds all at once.

    When it goes on, who is to hear a signal that was sent meanwhile goes first, so that the others
    find it given.
    """
    pids = stop(lambda: [state.pid for state in server.living()])
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            server.send_signal(signal.SIGCONT)
        for pid in pids:  # some of which the main process may have ended meanwhile
            _kill(pid, signal.SIGCONT)


@contextmanager
def _reports_of_sanitizers(backend: Backend) -> Iterator[Path | None]:
    """A folder for them, if the programs are built so; one that is left there fails the test."""
    if not sanitized.KINDS:
        yield None
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            yield folder
        finally:
            if told := sanitized.reports(folder):
                pytest.fail(f"{backend.name}: a sanitizer reports\n{told}", pytrace=False)


def _end_orderly(server: Server) -> None:
    """Let all its processes come to their exits, where leaks are looked for."""
    with suppress(ProcessLookupError):
        server.send_signal(signal.SIGTERM)
    server.wait_until_nothing_is_left(END_S)


def run_to_end(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a server whose command line, or whose start, must fail. Fails the test if it serves."""
    try:
        return subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_S,
            env={**os.environ, **sanitized.environment(None)},
        )
    except subprocess.TimeoutExpired:
        pytest.fail(f"{' '.join(argv)} does not end")


def skip_without_options(backend: Backend) -> None:
    """Skip what only a server with the protocol's command line can be asked."""
    if not backend.takes_options:
        leave_out_backend(backend.name, "it takes no options: its command has no {options}")


def skip_what_burns(backend: Backend) -> None:
    """Skip what asks an idle server not to use the CPU."""
    if backend.busy:
        leave_out_backend(backend.name, "it burns a core while idle, by its design")


def skip_what_is_lacking(backend: Backend) -> None:
    """Skip a backend that cannot run on this machine, saying why."""
    if backend.lacking is not None:
        leave_out_backend(backend.name, backend.lacking)


def _skip_what_cannot_be(backend: Backend, framing: Framing, options: Sequence[str]) -> None:
    skip_what_is_lacking(backend)
    if options:
        skip_without_options(backend)
    if framing not in backend.framings:
        spoken = " and ".join(backend.framings)
        leave_out_backend(backend.name, f"it speaks {spoken} framing only")


def _spawn(  # noqa: PLR0913 - those of start()
    programs: Path,
    backend: Backend,
    options: Sequence[str],
    framing: Framing | None,
    host: str,
    port: int,
    through: Sequence[str],
    environment: Mapping[str, str],
    files: tuple[IO[bytes], IO[bytes]],
    may_fail: bool,
) -> Server:
    read_end, write_end = os.pipe()
    if not backend.takes_options:
        port = port or free_port(host)
    every_option = [*options, "--host", host, "--ready-fd", str(write_end)]
    if framing is not None:
        every_option += ["--framing", framing]
    argv = [*through, *backend.argv_to_serve(programs, every_option, port)]
    mark = new_mark()
    forks = forks_so_far()
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=files[0],
            stderr=files[1],
            pass_fds=(write_end,) if backend.takes_options else (),
            start_new_session=True,
            env={**os.environ, **environment, MARK: mark},
        )
    finally:
        os.close(write_end)
    begun = Start(began(process.pid) or 0, forks)
    pidfd = os.pidfd_open(process.pid)
    server = Server(backend, framing or "message", host, process, port, mark, *files, pidfd, begun)
    try:
        server.port = _wait_ready(server, read_end, may_fail)
    except BaseException:
        server.kill()
        os.close(server._pidfd)
        raise
    finally:
        os.close(read_end)
    return server


def free_port(host: str) -> int:
    """A port that nobody has now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _wait_ready(server: Server, ready: int, may_fail: bool) -> int:
    if not server.backend.takes_options:
        _wait_until_it_accepts(server)
        return server.port
    deadline = time.monotonic() + START_S
    told = b""
    while _readable(ready, deadline - time.monotonic()):
        part = os.read(ready, 64)
        if not part:
            break
        told += part
    else:
        pytest.fail(f"{server}: wrote {told!r} to --ready-fd in {START_S} s and left it open")
    if told == b"" and may_fail:
        return 0
    if not re.fullmatch(rb"[1-9][0-9]{0,4}\n", told):
        pytest.fail(f"{server}: wrote {told!r} to --ready-fd; stderr: {server.stderr()!r}")
    if server.port not in (0, int(told)):
        pytest.fail(f"{server}: says that it listens on {told!r}")
    return int(told)


def _wait_until_it_accepts(server: Server) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((server.host, server.port), timeout=1).close()
        except OSError:
            if _readable(server._pidfd, 0.01):
                pytest.fail(f"{server} ended at once; stderr: {server.stderr()!r}")
        else:
            return
    pytest.fail(f"{server} does not accept connections after {START_S} s")


def _readable(descriptor: int, timeout_s: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, timeout_s) * 1000))


def _read_all(file: IO[bytes]) -> str:
    # By position: the server writes through the same open file description.
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), size, 0).decode("utf-8", "backslashreplace")


def _kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
