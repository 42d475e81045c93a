# SPDX-License-Identifier: BSD-3-Clause
"""Drive the load of a trial: fibload, or the course's client_bench.sh timed as a whole."""

import json
import os
import re
import select
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fibench.check import fibonacci
from fibench.server import clean_environment
from fibench.supervision import Supervised, launch

Edge = Literal["begin", "middle", "end"]
OnEdge = Callable[[Edge], None]

COURSE_HOST = "127.0.0.1"
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


def fibload_command(
    programs: Path, parameters: Mapping[str, Any], host: str, port: int, reply: str | None = None
) -> LoadCommand:
    """The fibload command of a cell. `reply` is what a server answers that does not compute."""
    argv = [str(programs / "fibload"), "--host", numeric_address(host)]
    argv += ["--framing", parameters["framing"], "--clients", str(parameters["clients"])]
    argv += ["--threads", str(parameters["threads"]), "--timeout", _seconds(parameters["timeout"])]
    if reply is None:
        argv += ["--n", str(parameters["n"])]
    else:
        argv += ["--request", str(parameters["n"]), "--expect", reply]
    argv += ["--warmup", _seconds(parameters["warmup"])]
    if parameters["framing"] == "line":
        argv += ["--pipeline", str(parameters["pipeline"])]
        argv += ["--requests-per-connection", str(parameters["requests_per_connection"] or 0)]
    if parameters["requests"] is not None:
        argv += ["--requests", str(parameters["requests"]), str(port)]
        return LoadCommand(argv, 0.0, None)
    argv += ["--duration", _seconds(parameters["duration"]), str(port)]
    limit_s = parameters["warmup"] + parameters["duration"] + parameters["timeout"] + GRACE_S
    return LoadCommand(argv, parameters["duration"], limit_s)


def numeric_address(host: str) -> str:
    """The address that a host name stands for: fibload resolves no names. Raises LoadError."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise LoadError(f"cannot resolve {host}: {error.strerror}") from error


def process_command(programs: Path, parameters: Mapping[str, Any], port: int) -> LoadCommand:
    """client_bench.sh as the course runs it, with this interpreter for its clients.

    Raises LoadError for a host that its clients do not ask.
    """
    if numeric_address(parameters["host"]) != COURSE_HOST:
        raise LoadError(f"client_bench.sh asks {COURSE_HOST} only, not {parameters['host']}")
    environment = {
        "NUM_CLIENTS": str(parameters["clients"]),
        "N": str(parameters["n"]),
        "PYTHON": sys.executable,
    }
    argv = [str(programs / "client_bench.sh"), str(port)]
    return LoadCommand(argv, 0.0, parameters["timeout"] + GRACE_S, False, environment)


def _seconds(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class LoadEnding:
    """How a load ended."""

    status: int | None
    """Exit status; None: it was ended by a signal or by its limit."""
    wall_s: float
    """From its start to its end, as `time` would have it."""


def drive(command: LoadCommand, supervise: Path, folder: Path, on_edge: OnEdge) -> LoadEnding:
    """Run a load to its end, and call `on_edge` when its window opens, is half over, and closes.

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
        with (folder / "load.out").open("wb") as out, (folder / "load.err").open("wb") as errors:
            running = launch(
                argv,
                supervise=supervise,
                output=out,
                errors=errors,
                environment=clean_environment(os.environ) | command.environment,
                cwd=None,
                pass_fds=(edges_end,),
            )
    except OSError as error:
        os.close(edges)
        raise LoadError(f"cannot start {argv[0]}: {error.strerror}") from error
    finally:
        os.close(edges_end)
    with os.fdopen(edges, "rb"), running:
        if not command.announces:
            on_edge("begin")
        _follow(running, edges, command, on_edge, began_s)
        wall_s = time.monotonic() - began_s
        if not command.announces:
            on_edge("end")
        report = running.report
    if report.failed is not None:
        raise LoadError(f"the load cannot be started: {report.failed[1]}")
    return LoadEnding(report.status, wall_s)


def _follow(
    running: Supervised, edges: int, command: LoadCommand, on_edge: OnEdge, began_s: float
) -> None:
    """Wait for edges until the load has ended, or until its limit."""
    limit_s = None if command.limit_s is None else began_s + command.limit_s
    middle_s: float | None = None
    poll = select.poll()
    poll.register(edges, select.POLLIN)
    poll.register(running.report_fd, select.POLLIN)
    while not running.report.ended:
        now_s = time.monotonic()
        if limit_s is not None and now_s >= limit_s:
            return
        if middle_s is not None and now_s >= middle_s:
            middle_s = None
            on_edge("middle")
        due_s = min((t for t in (limit_s, middle_s) if t is not None), default=None)
        timeout_ms = None if due_s is None else max(0.0, due_s - now_s) * 1000
        # Edges come first: the last of them must not be missed when the load's end comes with it.
        for descriptor, _ in sorted(poll.poll(timeout_ms), key=lambda event: event[0] != edges):
            if descriptor != edges:
                running.read_report()
                continue
            data = os.read(edges, 4096)
            if not data:
                poll.unregister(edges)
            for edge in _edges(data):
                on_edge(edge)
                if edge == "begin" and command.window_s > 0:
                    middle_s = time.monotonic() + command.window_s / 2
    # The load may have announced its last edge between the last look and its end.
    while command.announces and select.select([edges], [], [], 0.0)[0]:
        data = os.read(edges, 4096)
        if not data:
            return
        for edge in _edges(data):
            on_edge(edge)


def _edges(data: bytes) -> list[Edge]:
    """The edges in what fibload wrote; its lines are shorter than PIPE_BUF, so they are whole."""
    names: dict[bytes, Edge] = {b"begin": "begin", b"end": "end"}
    return [names[word] for word in re.findall(rb"^(begin|end) [0-9]+$", data, re.MULTILINE)]


def read_fibload(folder: Path) -> dict[str, Any]:
    """fibload's answer, from load.out, which becomes load.json. Raises LoadError without one."""
    out = folder / "load.out"
    try:
        document = json.loads(out.read_text(encoding="utf-8"))
        out.rename(folder / "load.json")
    except ValueError as error:
        words = (folder / "load.err").read_text(errors="replace").strip().splitlines()
        raise LoadError(words[-1] if words else "fibload ended without an answer") from error
    if not isinstance(document, dict):
        raise LoadError("fibload's answer is not an object")
    return document


def count_course_replies(folder: Path, n: int) -> int:
    """How many clients of client_bench.sh printed the right number."""
    line = f"function({n}): {fibonacci(n)}"
    return (folder / "load.out").read_text(errors="replace").splitlines().count(line)
