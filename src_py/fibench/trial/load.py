# SPDX-License-Identifier: BSD-3-Clause
"""Drive the load of a trial: fibload, or the course's client_bench.sh timed as a whole."""

import errno
import json
import os
import re
import select
import socket
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from fibench.json_values import Object
from fibench.parameters import Parameters
from fibench.parameters.groups import Group, as_option
from fibench.parameters.kinds import AUTO
from fibench.server import Supervised, clean_environment, launch
from fibench.trial._replies import fibonacci
from fibench.writing import open_emptied

Edge = Literal["start", "begin", "middle", "late", "end"]
"""Moments of a window. "start" is that of the warm-up before it, if there is one; "late" is just
before its end, while all connections are still there: at the end itself they close."""
OnEdge = Callable[[Edge, int], None]
"""Called with an edge and when it was, or was due, in ns of CLOCK_MONOTONIC: who is called may be
called late, as after a Ctrl-Z."""

LATE_S = 0.01
"""How long before the end "late" is, at least; and at least twice as long as "begin" took."""

_NS_PER_S = 1_000_000_000
ASKS_FOR_ONE = 1
"""fibonacci(1) = 1, which is what null_server answers to everything."""
COURSE_HOST = "127.0.0.1"
LONGEST_WARMUP_S = 10.0
"""fibload begins its window after so long, if the server was not steady before."""
GRACE_S = 10.0
"""How much longer than its windows and one time-out a load may take before it is ended."""


class LoadError(Exception):
    """The load could not be driven at all; the text is one line."""


@dataclass(frozen=True)
class LoadCommand:
    """What to run, and how long it may take."""

    argv: list[str]
    window_s: float
    """Length of the measured window; 0 where it is not known beforehand."""
    limit_s: float | None
    """After this long it is ended; None: no limit."""
    announces: bool = True
    """It takes --edges-fd, and says there when its window opens and closes."""
    environment: dict[str, str] = field(default_factory=dict)
    cpus: str | None = None
    """The CPUs that it may run on, as "0,2-3"; None: all that this process may."""


def fibload_command(
    programs: Path,
    parameters: Parameters,
    port: int,
    *,
    reply: str | Path | None = None,
    seed: int = 0,
    cpus: str | None = None,
) -> LoadCommand:
    """The fibload command of a cell, on `cpus` if given.

    `reply` is what must come: what a server answers that does not compute, or of requests of the
    user's own the file that has them. `seed` decides the schedule of an open loop.
    """
    argv = [str(programs / "fibload"), "--host", numeric_address(parameters.host)]
    argv += ["--framing", parameters.framing, "--clients", str(parameters.clients)]
    argv += ["--threads", str(parameters.threads), "--timeout", _seconds(parameters.timeout)]
    argv += _asks(parameters, reply) if isinstance(reply, Path) else _asked(parameters, reply)
    argv += _schedule(parameters, seed)
    warmup_s = parameters.warmup_s
    argv += ["--warmup", AUTO if warmup_s is None else _seconds(warmup_s)]
    if parameters.framing != "message":
        argv += ["--pipeline", str(parameters.pipeline)]
    if parameters.framing == "line":
        argv += ["--requests-per-connection", str(parameters.requests_per_connection or 0)]
    if parameters.requests is not None:
        argv += ["--requests", str(parameters.requests), str(port)]
        return LoadCommand(argv, 0.0, None, cpus=cpus)
    window_s = parameters.duration
    assert window_s is not None, "a window ends after replies or after a time"
    argv += ["--duration", _seconds(window_s), str(port)]
    longest_s = LONGEST_WARMUP_S if warmup_s is None else warmup_s
    limit_s = longest_s + window_s + parameters.timeout + GRACE_S
    return LoadCommand(argv, window_s, limit_s, cpus=cpus)


def check_command(
    programs: Path, parameters: Parameters, port: int, asks: Path, *, framing: str, at_once: int
) -> list[str]:
    """The words of fibload that check a server's replies to all requests of a file, asked by as
    many connections at once."""
    argv = [str(programs / "fibload"), "--check", "--host", numeric_address(parameters.host)]
    argv += ["--framing", framing, "--clients", str(at_once), "--asks", str(asks)]
    return [*argv, "--timeout", _seconds(parameters.timeout), str(port)]


def _asked(parameters: Parameters, reply: str | None) -> list[str]:
    """What the clients ask, by groups if there are any."""
    every = parameters.groups
    if not every:
        if reply is None:
            return ["--n", str(parameters.n)]
        return ["--request", str(parameters.n), "--expect", reply]
    if reply is not None:
        # A group has no reply of its own: it asks for the number whose reply that is.
        every = tuple(replace(group, n=None if group.idle else ASKS_FOR_ONE) for group in every)
    return _groups(every)


def _asks(parameters: Parameters, asks: Path) -> list[str]:
    """The same, of requests in a file."""
    words = ["--asks", str(asks.absolute())]
    if parameters.groups:
        return [*words, *_groups(parameters.groups)]
    return [*words, "--ask", str(parameters.request)]


def _groups(every: Iterable[Group]) -> list[str]:
    return [word for group in every for word in ("--group", as_option(group))]


def _schedule(parameters: Parameters, seed: int) -> list[str]:
    """The options of an open loop; none for a closed one."""
    rate = parameters.rate
    options: list[str] = []
    if rate is not None:
        options += ["--rate", _decimal(rate)]
        if parameters.arrivals:
            options += ["--arrivals", parameters.arrivals]
    if parameters.spin:
        options.append("--spin")
    by_groups = any(group.rate is not None for group in parameters.groups)
    if rate is not None or by_groups:
        options += ["--seed", str(seed)]
    return options


def numeric_address(host: str) -> str:
    """The address that a host name stands for: fibload resolves no names. Raises LoadError."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise LoadError(f"cannot resolve {host}: {error.strerror}") from error


def process_command(
    programs: Path, parameters: Parameters, port: int, cpus: str | None = None
) -> LoadCommand:
    """client_bench.sh as the course runs it, with this interpreter for its clients.

    Raises LoadError for a host that its clients do not ask.
    """
    if numeric_address(parameters.host) != COURSE_HOST:
        raise LoadError(f"client_bench.sh asks {COURSE_HOST} only, not {parameters.host}")
    environment = {
        "NUM_CLIENTS": str(parameters.clients),
        "N": str(parameters.n),
        "PYTHON": sys.executable,
    }
    argv = [str(programs / "client_bench.sh"), str(port)]
    return LoadCommand(argv, 0.0, parameters.timeout + GRACE_S, False, environment, cpus)


def _seconds(value: float) -> str:
    return _decimal(value)


def _decimal(value: float) -> str:
    """Without an exponent, which the programs do not read."""
    return f"{value:.9f}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class LoadEnding:
    """How a load ended."""

    status: int | None
    """Exit status; None: it was ended by a signal or by its limit."""
    wall_s: float
    """From its start to its end, as `time` would have it."""
    used_s: float | None = None
    """CPU time of all its processes from their start to their end; None where it is not known."""


def drive(command: LoadCommand, supervise: Path, folder: Path, on_edge: OnEdge) -> LoadEnding:
    """Run a load to its end, and call `on_edge` when its window opens, in its middle, and so on.

    Standard output goes to load.out and errors to load.err in `folder`. A load that announces no
    window (client_bench.sh) has one from its start to its end. It runs under `supervise`, so that
    none of its processes outlives this one. Raises LoadError when it cannot be started.
    """
    edges, edges_end = os.pipe()
    argv = list(command.argv)
    if command.announces:
        argv[-1:] = ["--edges-fd", str(edges_end), command.argv[-1]]
    began_s = time.monotonic()
    try:
        with open_emptied(folder / "load.out") as out, open_emptied(folder / "load.err") as errors:
            running = launch(
                argv,
                supervise=supervise,
                output=out,
                errors=errors,
                environment=clean_environment(os.environ) | command.environment,
                cwd=None,
                pass_fds=(edges_end,),
                cpus=command.cpus,
            )
    except OSError as error:
        os.close(edges)
        raise LoadError(f"cannot start {argv[0]}: {error.strerror}") from error
    finally:
        os.close(edges_end)
    with os.fdopen(edges, "rb"), running:
        if not command.announces:
            on_edge("begin", int(began_s * _NS_PER_S))
        _follow(running, edges, command, on_edge, began_s)
        report = running.report
        # Its end is heard of late where this process stood still.
        ended_ns = report.ended_at_ns or time.monotonic_ns()
        wall_s = ended_ns / _NS_PER_S - began_s
        if not command.announces:
            on_edge("end", ended_ns)
    if report.failed is not None:
        raise LoadError(f"the load cannot be started: {report.failed[1]}")
    used_s = None if report.used is None else (report.used.user_ns + report.used.system_ns) * 1e-9
    return LoadEnding(report.status, wall_s, used_s)


def _follow(
    running: Supervised, edges: int, command: LoadCommand, on_edge: OnEdge, began_s: float
) -> None:
    """Wait for edges until the load has ended, or until its limit."""
    limit_s = None if command.limit_s is None else began_s + command.limit_s
    moments: list[tuple[float, Edge]] = []
    poll = select.poll()
    poll.register(edges, select.POLLIN)
    poll.register(running.report_fd, select.POLLIN)
    while not running.report.ended:
        now_s = time.monotonic()
        if limit_s is not None and now_s >= limit_s:
            return
        if moments and now_s >= moments[0][0]:
            due_s, moment = moments.pop(0)
            on_edge(moment, int(due_s * _NS_PER_S))
            continue
        waits_s = [until_s for until_s, _ in moments[:1]] + ([] if limit_s is None else [limit_s])
        timeout_ms = max(0.0, min(waits_s) - now_s) * 1000 if waits_s else None
        # Edges come first: the last of them must not be missed when the load's end comes with it.
        for descriptor, _ in sorted(poll.poll(timeout_ms), key=lambda event: event[0] != edges):
            if descriptor != edges:
                running.read_report()
                continue
            data = os.read(edges, 4096)
            if not data:
                poll.unregister(edges)
            for edge, at_ns in _edges(data):
                seen_s = time.monotonic()
                on_edge(edge, at_ns)
                took_s = time.monotonic() - seen_s
                begin_s = at_ns / _NS_PER_S
                moments = _moments(begin_s, command.window_s, took_s) if edge == "begin" else []
    if command.announces:
        _last_edges(edges, on_edge)


def _last_edges(edges: int, on_edge: OnEdge) -> None:
    """What the load has announced between the last look and its end."""
    while select.select([edges], [], [], 0.0)[0]:
        data = os.read(edges, 4096)
        if not data:
            return
        for edge, at_ns in _edges(data):
            on_edge(edge, at_ns)


def _moments(begin_s: float, window_s: float, took_s: float) -> list[tuple[float, Edge]]:
    """When the middle of a window is, and when its end is near; none for an unknown length.

    So long as the work of the first edge took the next ones take, about.
    """
    if window_s <= 0:
        return []
    before_end_s = max(LATE_S, 2 * took_s)
    middle_s, late_s = begin_s + window_s / 2, begin_s + window_s - before_end_s
    moments: list[tuple[float, Edge]] = [(middle_s, "middle")]
    return [*moments, (late_s, "late")] if late_s > middle_s else moments


def _edges(data: bytes) -> list[tuple[Edge, int]]:
    """The edges in what fibload wrote, and when they were; its lines are shorter than PIPE_BUF, so
    they are whole."""
    names: dict[bytes, Edge] = {b"start": "start", b"begin": "begin", b"end": "end"}
    found = re.findall(rb"^(start|begin|end) ([0-9]+)$", data, re.MULTILINE)
    return [(names[word], int(at_ns)) for word, at_ns in found]


def read_fibload(folder: Path) -> Object:
    """fibload's answer, from load.out, which becomes load.json. Raises LoadError without one."""
    out = folder / "load.out"
    try:
        document: object = json.loads(out.read_text(encoding="utf-8"))
        out.rename(folder / "load.json")
    except ValueError as error:
        words = (folder / "load.err").read_text(errors="replace").strip().splitlines()
        if os.statvfs(folder).f_bavail == 0:  # its answer, and perhaps its words, found no room
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(out)) from error
        raise LoadError(words[-1] if words else "fibload ended without an answer") from error
    if not isinstance(document, dict):
        raise LoadError("fibload's answer is not an object")
    return document


def count_course_replies(folder: Path, n: int) -> int:
    """How many clients of client_bench.sh printed the right number."""
    line = f"function({n}): {fibonacci(n)}"
    return (folder / "load.out").read_text(errors="replace").splitlines().count(line)
