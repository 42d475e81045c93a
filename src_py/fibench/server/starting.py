# SPDX-License-Identifier: BSD-3-Clause
"""The life of a server under measurement: a free port, its start until it is ready, its end."""

import os
import re
import select
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fibench import called
from fibench.machine import bind_once, descendants, free_port
from fibench.machine.ports import holder_of, is_taken, reached_by, sockets_of
from fibench.machine.sockets import listeners, unix_listeners
from fibench.server import answering, exec_error, start_error
from fibench.server.cgroup import Cgroup
from fibench.server.running import NAMED_IN_FILE, Ending, PortNames, RunningServer, ServerCommand
from fibench.server.start_error import StartError, StartErrorKind, printable
from fibench.server.supervision import Report, Supervised, launch
from fibench.writing import open_emptied

__all__ = [
    "NAMED_IN_FILE",
    "Ending",
    "PortNames",
    "RunningServer",
    "ServerCommand",
    "StartError",
    "StartErrorKind",
    "check_port_free",
    "clean_environment",
    "free_port",
    "start",
]

FIRST_PAUSE_S = 0.001
LONGEST_PAUSE_S = 0.02
LONGEST_PAUSE_OF_ASKING_S = 0.1
CONNECT_LIMIT_S = 1.0
Streams = tuple[IO[bytes], IO[bytes]]
READY_LINE_BYTES = 64

KEPT_VARIABLES = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR"
    r"|LD_LIBRARY_PATH|VIRTUAL_ENV|PYENV_(ROOT|VERSION)|NIX_\w+|LOCALE_ARCHIVE|JAVA_HOME"
    r"|(ASAN|UBSAN|TSAN|LSAN)_OPTIONS"
)
IN_TIME_WAIT = "connections of an earlier server in TIME_WAIT: the server should set SO_REUSEADDR{}"
ADDRESS_IN_USE = re.compile(r"address (is )?already in use|EADDRINUSE|errno 98\b", re.IGNORECASE)


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that a server inherits.

    What finds programs, libraries and the user's home and language is kept (KEPT_VARIABLES). All
    else is left out, so that a measurement does not depend on a PYTHONDONTWRITEBYTECODE or a
    MALLOC_ARENA_MAX that happens to be set.
    """
    return {name: value for name, value in environ.items() if KEPT_VARIABLES.fullmatch(name)}


def check_port_free(host: str, port: int, names: PortNames = NAMED_IN_FILE) -> None:
    """Raise StartError, with advice that uses `names`, unless a server can take the port.

    A bind without SO_REUSEPORT must succeed: with it, a second server would start on a port that is
    taken. With SO_REUSEADDR, since connections in TIME_WAIT do not hinder a server that sets it.
    """
    try:
        bind_once(host, port, reuse_address=True)
    except OSError as error:
        if is_taken(error):
            what = f"port {port} on {host} is in use{holder_of(host, port)}"
            hint = names.ways_out("end what uses it")
            raise StartError("address-in-use", what, hint) from error
        if isinstance(error, PermissionError):
            raise StartError(
                "no-permission",
                f"port {port} on {host} may not be used: {error.strerror}",
                f"ports under 1024 are for the superuser; name a {names.port} from 1024 on",
            ) from error
        raise StartError(
            "bad-address",
            f"cannot listen on {host}: {error.strerror}",
            f"{names.host} must be an address of this machine, such as 127.0.0.1",
        ) from error


def start(  # noqa: PLR0913 - each is an attribute of the process, or of its start
    command: ServerCommand,
    *,
    supervise: Path,
    stderr_path: Path,
    timeout_s: float = 10.0,
    cgroup: Cgroup | None = None,
    streams: Streams | None = None,
    samples: IO[bytes] | None = None,
) -> RunningServer:
    """Start a server, in a cgroup of its own if one is given, and wait until it is ready.

    At most `timeout_s`. What it writes goes to `stderr_path`, of more than twice KEPT_BYTES the
    beginning and the end; or to `streams`, its output and its errors. What its threads do can be
    sampled into the file `samples`. Raises StartError; nothing of the server is left then, nor
    after any other exception, nor of the cgroup.
    """
    deadline_s = time.monotonic() + timeout_s
    environment = clean_environment(os.environ) | dict(command.env or {})
    with ExitStack() as on_error, ExitStack() as pipes:
        if cgroup is not None:
            on_error.callback(cgroup.remove)
        check_port_free(command.host, command.port, command.names)
        ready: int | None = None
        argv, pass_fds = [*command.wrapper, *command.argv], []
        if command.ready_fd:
            ready, ready_end = os.pipe()
            pipes.callback(os.close, ready)
            argv, pass_fds = [*argv, "--ready-fd", str(ready_end)], [ready_end]
        with ExitStack() as for_child:
            for fd in pass_fds:
                for_child.callback(os.close, fd)
            supervised = on_error.enter_context(
                _launch(
                    *(command, argv, supervise, stderr_path, environment, pass_fds, cgroup),
                    *(streams, samples),
                )
            )
        waiting = _Start(command, supervised, stderr_path, timeout_s, deadline_s)
        port = waiting.until_told(ready) if ready is not None else waiting.until_connected()
        if command.ready_get is not None:
            waiting.until_answered(command.ready_get)
        backlog = waiting.check_owner(port)
        on_error.pop_all()
        return RunningServer(port, command, environment, supervised, cgroup, backlog)


def _launch(  # noqa: PLR0913 - what start() has found out
    command: ServerCommand,
    argv: list[str],
    supervise: Path,
    stderr_path: Path,
    environment: Mapping[str, str],
    pass_fds: list[int],
    cgroup: Cgroup | None,
    streams: Streams | None,
    samples: IO[bytes] | None,
) -> Supervised:
    if command.cwd is not None and not command.cwd.is_dir():
        raise StartError(
            "not-found", f"there is no folder {command.cwd}", "the server was to be started in it"
        )
    if not supervise.is_file():
        raise StartError("not-found", f"there is no {supervise}", called.rebuilding())
    with open_emptied(stderr_path) as output:
        return launch(
            argv,
            supervise=supervise,
            output=output if streams is None else streams[0],
            errors=None if streams is None else streams[1],
            environment=environment,
            cwd=command.cwd,
            pass_fds=pass_fds,
            cpus=command.cpus,
            cgroup=None if cgroup is None else cgroup.path,
            samples=samples,
        )


@dataclass
class _Start:
    """A server on its way to being ready."""

    command: ServerCommand
    supervised: Supervised
    stderr_path: Path
    timeout_s: float
    deadline_s: float

    def until_told(self, ready: int) -> int:
        """Wait for the port on the pipe of --ready-fd."""
        poll = select.poll()
        poll.register(self.supervised.report_fd, select.POLLIN)
        poll.register(ready, select.POLLIN)
        told = b""
        while not told.endswith(b"\n") and len(told) < READY_LINE_BYTES:
            for fd, _ in self._poll(poll, self.deadline_s):
                if fd == self.supervised.report_fd:
                    self._take_news()
                    continue
                data = os.read(ready, READY_LINE_BYTES)
                if not data:
                    poll.unregister(ready)
                told += data
        if not re.fullmatch(rb"[0-9]{1,5}\n", told):
            raise self._never_ready(f"wrote {ascii(told)[1:]} to --ready-fd, not its port")
        port = int(told)
        if self.command.port not in (0, port):
            raise self._never_ready(f"says that it listens on port {port}")
        return port

    def until_connected(self) -> int:
        """Look for a listening socket ever less often, and connect once there is one."""
        poll = select.poll()
        poll.register(self.supervised.report_fd, select.POLLIN)
        pause_s = FIRST_PAUSE_S
        # Connecting blindly could connect a socket to itself, where the port is a possible source.
        while not reached_by(self.command.host, self.command.port):
            for _ in self._poll(poll, min(self.deadline_s, time.monotonic() + pause_s)):
                self._take_news()
            if time.monotonic() >= self.deadline_s:
                raise self._never_ready("did not listen")
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        try:
            with socket.create_connection((self.command.host, self.command.port), CONNECT_LIMIT_S):
                pass
        except OSError as error:
            raise self._never_ready(f"takes no connections ({error})") from error
        return self.command.port

    def until_answered(self, path: str) -> None:
        """Ask for a path of HTTP ever less often, until the answer says that it is ready."""
        host, port, news_fd = self.command.host, self.command.port, self.supervised.report_fd
        poll = select.poll()
        poll.register(news_fd, select.POLLIN)
        pause_s, said = FIRST_PAUSE_S, ""
        while True:
            if reached_by(host, port):
                asked = answering.ask_once(host, port, path, news_fd, self.deadline_s)
                if asked.is_ready:
                    return
                # Of the last time nothing may have come just because it was the last.
                said = asked.said or said or answering.NOTHING_CAME
            until_s = min(self.deadline_s, time.monotonic() + pause_s)
            if poll.poll(max(0.0, until_s - time.monotonic()) * 1000):
                self._take_news()
            if time.monotonic() >= self.deadline_s:
                what = f"did not answer GET {printable(path)} with a status below 500"
                raise self._never_ready(what, said or "it stopped listening")
            pause_s = min(2 * pause_s, LONGEST_PAUSE_OF_ASKING_S)

    def check_owner(self, port: int) -> int | None:
        """Raise StartError unless connections to the port reach this server and nobody else.

        Returns how many connections may wait to be accepted, on the shortest of its queues; None
        where the kernel does not say.
        """
        reached = reached_by(self.command.host, port)
        own = sockets_of(descendants(self.supervised.process.pid))
        if self.supervised.refresh().ended:
            raise self._ended()
        if reached and all(listener.inode in own for listener in reached):
            return min((at.backlog for at in reached if at.backlog is not None), default=None)
        if not reached:
            raise self._never_ready("said that it is ready but does not listen")
        self._end()
        raise StartError(
            "address-in-use",
            f"connections to port {port} on {self.command.host} reach another program than the "
            f"server: the port is held{holder_of(self.command.host, port)}",
            self.command.names.ways_out("end what holds it"),
            start_error.tail(self.stderr_path),
        )

    def _poll(self, poll: select.poll, until_s: float) -> list[tuple[int, int]]:
        """Wait for events; raises StartError once the time to start is over."""
        left_s = until_s - time.monotonic()
        events = poll.poll(max(0.0, left_s) * 1000)
        if not events and time.monotonic() >= self.deadline_s:
            raise self._never_ready(
                "did not get ready" if self.command.ready_fd else "did not listen"
            )
        return events

    def _take_news(self) -> None:
        """Read the report; raises StartError if the server could not be executed or has ended."""
        self.supervised.read_report()
        if self.supervised.report.failed is not None:
            self._end()
            failed, searched = self.supervised.report.failed, (self.command.env or {}).get("PATH")
            raise exec_error.not_executed(self.command.argv, failed, self._folder, searched)
        if self.supervised.report.ended:
            raise self._ended()

    def _ended(self) -> StartError:
        report = self._end()
        said = start_error.tail(self.stderr_path)
        if report.pid is None and (error := start_error.not_supervised(said)) is not None:
            return error
        if report.status not in (0, start_error.STATUS_LACKING) and ADDRESS_IN_USE.search(said):
            return self._address_in_use(said)
        cause = None
        if report.status not in (0, None):
            cause = exec_error.script_fault(self.command.argv, report.status, said, self._folder)
            cause = cause or self._port_is_kept(f"ended with status {report.status}", said)
        return start_error.ended_early(report.status, report.signal, report.swept, said, cause)

    @property
    def _folder(self) -> Path:
        """Where it runs."""
        return self.command.cwd or Path.cwd()

    def _port_is_kept(self, how: str, said: str) -> tuple[str, str] | None:
        """Whether a server that said nothing may have met its port in TIME_WAIT, and what to do."""
        if said or not self._is_in_time_wait():
            return None
        host, port = self.command.host, self.command.port
        return f"the server {how} before it was ready, and wrote nothing", (
            f"port {port} on {host} has {self._in_time_wait()}"
        )

    def _in_time_wait(self) -> str:
        names = self.command.names
        return IN_TIME_WAIT.format(
            f", or leave {names.port} out for a free one" if names.may_be_left_out else ""
        )

    def _is_in_time_wait(self) -> bool:
        """Whether a server that does not set SO_REUSEADDR cannot take the port, and others can."""
        host, port = self.command.host, self.command.port
        if port == 0:
            return False
        try:
            bind_once(host, port, reuse_address=True)
            bind_once(host, port, reuse_address=False)
        except OSError as error:
            return is_taken(error) and not reached_by(host, port)
        return False

    def _address_in_use(self, said: str) -> StartError:
        """The server says so. Find out why, now that it is gone: our own bind had succeeded."""
        host, port, names = self.command.host, self.command.port, self.command.names
        message = f"the server could not take port {port} on {host}: the address is in use"
        hint = "does it listen on the port that it is given, and only once?"
        try:
            bind_once(host, port, reuse_address=True)
        except OSError:
            message += holder_of(host, port)
            hint = names.ways_out("end what uses it")
        else:
            if self._is_in_time_wait():
                hint = f"there are {self._in_time_wait()}"
        return StartError("address-in-use", message, hint, said)

    def _never_ready(self, what: str, known: str = "") -> StartError:
        """The server runs, but not as it should. `known` is what is known of why, if anything."""
        host, port = self.command.host, self.command.port
        own = sockets_of(descendants(self.supervised.process.pid))
        elsewhere = [str(listener) for listener in listeners() if listener.inode in own]
        elsewhere += [f"the Unix socket {printable(path)}" for path in unix_listeners(own)]
        self._end()
        if elsewhere and not known:
            hint = f"it listens on {', '.join(elsewhere)}; it should on {host}, port {port}"
        elif known:
            hint = known
        elif self._is_in_time_wait():
            hint = f"port {port} has {self._in_time_wait()}"
        elif self.command.ready_fd:
            hint = "it should write its port to --ready-fd once it listens"
        else:
            hint = f"is the port handed to it, as {{port}} in its command? It should be {port}"
        if self.command.if_slow and (known or not elsewhere):
            hint += f"; {self.command.if_slow}"
        return StartError(
            "never-ready",
            f"the server {what} within {self.timeout_s:g} s",
            hint,
            start_error.tail(self.stderr_path),
        )

    def _end(self) -> Report:
        return self.supervised.kill()
