# SPDX-License-Identifier: BSD-3-Clause
"""One trial: a fresh server, a check of its replies, warm-up, a measured window, and its end.

What comes back is the trial's journal record: figures in base units, every count, and whether the
trial is valid. A trial that is not valid says why in one line; it is never averaged in.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fibench import load, resources, server
from fibench.catalogue import Backend, connection_cap, own_backend, server_argv
from fibench.check import WrongReply, check_reply, fibonacci
from fibench.experiment import OwnBackend
from fibench.plan import Trial

SCHEMA = 1
READY_TIMEOUT_S = 10.0
CHECK_TIMEOUT_S = 10.0
STOP_GRACE_S = 3.0
NULL_REPLY = "1"
"""What null_server answers to everything."""

_NS = 1e-9


@dataclass(frozen=True)
class TrialContext:
    """What every trial of a run shares."""

    programs: Path
    catalogue: Mapping[str, Backend]
    own: Mapping[str, OwnBackend]

    def backend(self, name: str) -> Backend:
        """A backend of the catalogue, or one that the experiment's file brings."""
        if name in self.own:
            return own_backend(name, self.own[name])
        return self.catalogue[name]


class _Failed(Exception):
    """The trial cannot be measured; the text is the reason, one line."""

    def __init__(self, reason: str, kind: str, hint: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        self.hint = hint


def scratch_name(trial: Trial) -> str:
    """The name of a trial's folder until it is whole."""
    return f".{trial.index:03d}.new"


def run_trial(
    trial: Trial, context: TrialContext, folder: Path, attempt: int = 1
) -> dict[str, Any]:
    """Run one trial, with its files in `folder`; returns its journal record.

    Whatever the server or the load does wrong becomes the record's `reason`. Nothing that was
    started is left when this returns or raises (KeyboardInterrupt, a full disk).
    """
    parameters = trial.cell.parameters
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "trial": trial.key,
        "index": trial.index,
        "block": trial.block,
        "cell": trial.cell.key,
        "label": trial.cell.label,
        "attempt": attempt,
        "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "valid": False,
        "reason": None,
        "hint": None,
        "failure": None,
        "parameters": dict(parameters),
    }
    began_s = time.monotonic()
    measured = _Measured()
    try:
        _measure(trial, context, folder, measured)
        record["reason"] = measured.reason
    except _Failed as failure:
        record["reason"] = str(failure)
        record["failure"] = failure.kind
        record["hint"] = failure.hint or None
    record["valid"] = record["reason"] is None
    if not record["valid"] and record["failure"] is None:
        record["failure"] = "invalid"
    record["port"] = measured.port
    record["metrics"] = measured.metrics
    record["counts"] = measured.counts
    record["server"] = measured.server
    record["generator"] = measured.generator
    record["times"] = {
        "wall_s": time.monotonic() - began_s,
        "measured_s": measured.measured_s,
    }
    return record


@dataclass
class _Measured:
    """What is known of a trial so far."""

    port: int | None = None
    reason: str | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    server: dict[str, Any] = field(default_factory=dict)
    generator: dict[str, Any] = field(default_factory=dict)
    measured_s: float = 0.0
    """Warm-up and window: what is not overhead."""


def _measure(trial: Trial, context: TrialContext, folder: Path, measured: _Measured) -> None:
    parameters: Mapping[str, Any] = trial.cell.parameters
    backend = context.backend(parameters["backend"])
    host = parameters["host"]
    supervise = context.programs / "supervise"
    try:
        port = parameters["port"] or _free_port(host)
        measured.port = port
        command = server.ServerCommand(
            argv=server_argv(backend, context.programs, parameters, port),
            port=port,
            host=host,
            ready_fd=backend.ready_fd,
            cwd=backend.folder,
            env=None,
        )
        running = server.start(
            command,
            supervise=supervise,
            stderr_path=folder / "server.err",
            timeout_s=READY_TIMEOUT_S,
        )
    except server.StartError as error:
        raise _Failed(str(error), error.kind, error.hint) from error
    failed: _Failed | None = None
    with running:
        edges = _Edges(running, at=_memory_edge(parameters))
        try:
            _check(backend, parameters, port)
            _load(context, backend, parameters, port, supervise, folder, edges, measured)
        except _Failed as failure:
            failed = failure
        died = not running.alive()
        ending = running.stop(STOP_GRACE_S)
    measured.server |= {
        "status": ending.status,
        "signal": ending.signal,
        "swept": ending.swept,
        "forced": ending.forced,
        **edges.describe(),
    }
    if died:
        raise _Failed(
            _how_it_ended(ending), "server-ended", "what it wrote, if anything, is in server.err"
        )
    if failed is not None:
        raise failed


def _how_it_ended(ending: server.Ending) -> str:
    if ending.signal is not None:
        return f"the server ended during the trial, by signal {ending.signal}"
    if ending.status is not None:
        return f"the server ended during the trial, with status {ending.status}"
    return "the server was lost during the trial, since its supervisor was killed"


def _free_port(host: str) -> int:
    try:
        return server.free_port(host)
    except OSError as error:
        hint = "server.host must be an address of this machine, such as 127.0.0.1"
        what = f"cannot listen on {host}: {error.strerror}"
        raise _Failed(what, "bad-address", hint) from error


def _memory_edge(parameters: Mapping[str, Any]) -> load.Edge | None:
    """When memory is read: while the clients are there, and their number of processes steady.

    A window that ends after a number of replies has no known middle. client_bench.sh announces no
    window, so that memory is not known.
    """
    if parameters["kind"] == "process":
        return None
    return "begin" if parameters["requests"] is not None else "middle"


def _check(backend: Backend, parameters: Mapping[str, Any], port: int) -> None:
    """Compare replies to the requests that the load will send."""
    n = parameters["n"]
    reply = fibonacci(n) if backend.ranked else NULL_REPLY
    timeout_s = CHECK_TIMEOUT_S + (parameters["io_wait"] or 0.0)
    try:
        check_reply(
            parameters["host"],
            port,
            str(n).encode(),
            str(reply).encode(),
            parameters["framing"],
            timeout_s,
        )
    except WrongReply as error:
        hint = "a server must answer as docs/protocol.md says before it is measured"
        raise _Failed(str(error), "wrong-reply", hint) from error


class _Edges:
    """Takes what is to be known of the server at the window's edges."""

    def __init__(self, running: server.RunningServer, at: load.Edge | None) -> None:
        self._running = running
        self._memory_at = at
        self.cpu: dict[load.Edge, resources.CpuSnapshot] = {}
        self.memory: resources.MemorySnapshot | None = None

    def __call__(self, edge: load.Edge) -> None:
        if edge != "middle":
            self.cpu[edge] = resources.snapshot(self._running)
        if edge == self._memory_at:
            self.memory = resources.memory(self._running)

    def use(self) -> resources.CpuUse | None:
        """What the server's tree used between the edges; None where it is not known for sure."""
        begin, end = self.cpu.get("begin"), self.cpu.get("end")
        return resources.cpu_between(begin, end) if begin and end else None

    def describe(self) -> dict[str, Any]:
        """The server's side of the record; what cannot be known for sure is null."""
        begin, end, use = self.cpu.get("begin"), self.cpu.get("end"), self.use()
        if begin is None or end is None:
            return {}
        return {
            "cpu_user_s": use.user_ns * _NS if use else None,
            "cpu_system_s": use.system_ns * _NS if use else None,
            "threads": end.threads,
            "processes": end.processes,
            "rss_bytes": self.memory.rss_bytes if self.memory else None,
        }


def _load(
    context: TrialContext,
    backend: Backend,
    parameters: Mapping[str, Any],
    port: int,
    supervise: Path,
    folder: Path,
    edges: _Edges,
    measured: _Measured,
) -> None:
    try:
        if parameters["kind"] == "process":
            command = load.process_command(context.programs, parameters, port)
            ending = load.drive(command, supervise, folder, edges)
            _take_course(ending, parameters, folder, measured)
        else:
            reply = None if backend.ranked else NULL_REPLY
            host = parameters["host"]
            command = load.fibload_command(context.programs, parameters, host, port, reply)
            ending = load.drive(command, supervise, folder, edges)
            _take_fibload(load.read_fibload(folder), ending, backend, parameters, measured)
    except load.LoadError as error:
        raise _Failed(str(error), "load") from error
    _take_resources(edges, measured)


def _take_course(
    ending: load.LoadEnding, parameters: Mapping[str, Any], folder: Path, measured: _Measured
) -> None:
    """What can be known of client_bench.sh: its wall time, and how many clients were answered."""
    asked = parameters["clients"]
    right = load.count_course_replies(folder, parameters["n"])
    measured.counts = {"ok": right, "window_ok": right, "started": asked}
    measured.metrics = {"wall_s": ending.wall_s, "throughput_per_s": right / ending.wall_s}
    measured.measured_s = ending.wall_s
    if ending.status != 0 or right != asked:
        measured.reason = f"{right} of {asked} clients of client_bench.sh got the right number"


def _take_fibload(
    document: Mapping[str, Any],
    ending: load.LoadEnding,
    backend: Backend,
    parameters: Mapping[str, Any],
    measured: _Measured,
) -> None:
    window, latency, counts = document["window"], document["latency"], document["counts"]
    early = counts["closed"] + counts["reset"] - document["cut_short"]
    measured.counts = {
        **counts,
        "window_ok": window["ok"],
        "cut_short": document["cut_short"],
        "surplus_bytes": document["surplus_bytes"],
        "clients_answered": document["clients"]["answered"],
    }
    measured.measured_s = parameters["warmup"] + window["duration_ns"] * _NS
    measured.generator = {
        "cpu_s": (document["generator"]["cpu_user_ns"] + document["generator"]["cpu_system_ns"])
        * _NS,
        "wall_s": document["generator"]["wall_ns"] * _NS,
        "threads": document["generator"]["threads"],
        "clock": latency["clock"],
    }
    answered = window["ok"] > 0
    measured.metrics = {
        "throughput_per_s": window["throughput_per_s"],
        "wall_s": window["duration_ns"] * _NS,
        **{
            f"{name}_s": latency[f"{name}_ns"] * _NS if answered else None
            for name in ("p50", "p90", "p99", "max")
        },
    }
    refused = counts["refused"] + early
    errors = counts["wrong"] + counts["timeout"] + counts["local"] + document["cut_short"]
    measured.counts |= {"refused_by_cap": refused, "errors": errors}
    measured.reason = _judge(document, ending, refused, backend, parameters)


def _judge(
    document: Mapping[str, Any],
    ending: load.LoadEnding,
    refused: int,
    backend: Backend,
    parameters: Mapping[str, Any],
) -> str | None:
    """Why a trial is not valid, or None. Refusals that the design declares are outcomes."""
    if not document["valid"]:
        return "; ".join(document["invalid"]) or "fibload calls the trial invalid"
    if ending.status != 0:
        return f"fibload ended with status {ending.status}"
    cap = connection_cap(backend, parameters)
    if refused > 0 and parameters["clients"] <= cap:
        return (
            f"{refused} connections were refused, closed or reset before a reply, "
            f"though {parameters['clients']} clients are within the server's cap of {cap}"
        )
    return None


def _take_resources(edges: _Edges, measured: _Measured) -> None:
    """CPU and memory metrics; what cannot be known for sure is absent, never low."""
    use, ok = edges.use(), measured.counts["window_ok"]
    known = use is not None and use.wall_ns > 0
    measured.metrics["cores"] = use.total_ns / use.wall_ns if use and known else None
    # The readings lie a little off the window's edges: cores are what holds for its length.
    cores, window_s = measured.metrics["cores"], measured.metrics["wall_s"]
    per_request_s = cores * window_s / ok if cores is not None and window_s and ok else None
    measured.metrics["cpu_per_request_s"] = per_request_s
    measured.metrics["memory_bytes"] = edges.memory.pss_bytes if edges.memory else None
