# SPDX-License-Identifier: BSD-3-Clause
"""Where a server's thread-time goes, seen by a sampler in a trial of its own that is not timed.

A sampler costs up to a tenth of a core: so timed trials never have one, and of this trial shares
alone are taken, no times. It is the cell's own load, for less than half a second, so that all of it
costs little beside the server's start. What others used meanwhile stands in its record: on a
machine that is not quiet, threads wait for a CPU in place of what they would wait for.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import IO

from fibench.experiment import Cell
from fibench.machine.busy import noise_while_watched
from fibench.record import waiting_metrics
from fibench.server import RunningServer, resources
from fibench.timeline import ThreadTime, read_recording, thread_time
from fibench.trial import load
from fibench.trial._course import INVALID, Course
from fibench.trial._figures import Figures
from fibench.trial._placement import load_cpus
from fibench.trial.answer import Answer, read_answer
from fibench.trial.asking.checking import Check
from fibench.trial.evidence.watch import Seen, Watch
from fibench.trial.serving import (
    NULL_REPLY,
    TrialContext,
    TrialFailed,
    pick_port,
    start_server,
    unexpected_end,
)

LONGEST_WINDOW_S = 0.4
"""Each of its ten slices has some forty samples of every thread, then."""
SHORT_WARMUP_S = 0.1
"""Connections stand by then, and threads and children are there."""
END_S = 0.1
"""So long a server of the catalogue may take to end, whose end nobody looks at here."""
LONGEST_WHY = 300
"""Characters of a reason that a record keeps: a wrong reply may be told at length."""
NOTHING_SEEN = Seen()
WRITE_S = 10.0
"""What the sampler has seen is written at once, but on a machine that is busy."""


def watch_threads(context: TrialContext, cell: Cell, folder: Path) -> Course:
    """A trial that sees what the server's threads do.

    Where that cannot be seen the metrics are None and the record says why: it is no failure of the
    cell, whose timed trials say what of its server is wrong.
    """
    kind, gone = cell.parameters.kind, context.not_started.get(cell.key)
    if kind == "process":
        return _course(ThreadTime("client_bench.sh announces no window"))
    if gone is not None:
        return _course(ThreadTime(f"its server did not start before: {gone[:LONGEST_WHY]}"))
    try:
        return _course(*_watched(context, cell, folder))
    except TrialFailed as failure:
        why = "; ".join(filter(None, (str(failure), failure.hint)))
        return _course(ThreadTime(why if len(why) <= LONGEST_WHY else f"{why[:LONGEST_WHY]}…"))


def _course(found: ThreadTime, seen: Seen = NOTHING_SEEN) -> Course:
    figures = Figures(metrics=waiting_metrics(found))
    return Course(figures=figures, timeline=found, seen=seen, window_opened=found.absent is None)


def _watched(context: TrialContext, cell: Cell, folder: Path) -> tuple[ThreadTime, Seen]:
    """What the sampler saw, and what the rest of the machine did. Raises TrialFailed."""
    parameters, backend = cell.parameters, context.backend(cell.parameters.backend)
    port = pick_port(parameters, context.names, backend.port)
    with (
        os.fdopen(os.memfd_create("samples"), "w+b") as samples,
        start_server(context, parameters, port, folder, samples=samples) as running,
        Watch(context.programs, running.supervisor_pid) as watch,
    ):
        reply: str | Path | None = None if backend.ranked else NULL_REPLY
        if cell.asks:
            reply = Check(context, parameters, port, folder).of_cell(cell, 1, None).asks
        sampling = _Sampling(running, watch)
        with context.under_load():
            answer = _load(reply, context, cell, port, folder, sampling)
        seen = watch.conclude(sampling.cores(), answer.own.cores)
        written = running.sampled(WRITE_S) if sampling.has_window else None
        died = not running.alive()
        ending = running.stop(None if backend.command else END_S)
        if died:
            raise unexpected_end(ending)
        _check(answer)
        return _with_noise(sampling.thread_time(samples, written), seen), seen


def _with_noise(found: ThreadTime, seen: Seen) -> ThreadTime:
    """What was seen, which says so where it is of a machine that others had too much of."""
    noise = noise_while_watched(seen.figures, seen.evidence.foreign)
    if noise is None or found.absent is not None:
        return found
    return replace(found, unknown=(*found.unknown, noise))


class _Sampling:
    """Has the sampler look from the begin of a load until just before its end."""

    def __init__(self, running: RunningServer, watch: Watch) -> None:
        self._running = running
        self._watch = watch
        self._at_ns: dict[load.Edge, int] = {}
        self._cpu: dict[load.Edge, resources.CpuSnapshot] = {}

    def __call__(self, edge: load.Edge, at_ns: int) -> None:
        """Take note of an edge. At the end itself connections close, and threads with them."""
        if not self._at_ns:
            self._running.begin_sampling()
        self._at_ns[edge] = at_ns
        if edge in ("late", "end"):
            self._running.end_sampling()
        if edge in ("begin", "end"):
            self._watch.edge(edge)
            self._cpu[edge] = resources.snapshot(self._running)

    def cores(self) -> float | None:
        """How many cores the server kept busy in the window; None where that is not known."""
        begin, end = self._cpu.get("begin"), self._cpu.get("end")
        use = resources.cpu_between(begin, end) if begin and end else None
        return use.total_ns / use.wall_ns if use and use.wall_ns > 0 else None

    @property
    def has_window(self) -> bool:
        """Whether the window has opened, and closed."""
        return {"begin", "end"} <= self._at_ns.keys()

    def thread_time(self, samples: IO[bytes], written: int | None) -> ThreadTime:
        """That of the window, if what was sampled has been `written`: 0, or an errno if not."""
        if not self.has_window:
            return ThreadTime("the window of its load was not seen to open and to close")
        if written != 0:
            why = "it took too long" if written is None else os.strerror(written)
            return ThreadTime(f"what was sampled could not be written: {why}")
        samples.seek(0)
        recording = read_recording(samples.read())
        if isinstance(recording, str):
            return ThreadTime(recording)
        end_ns = self._at_ns.get("late", self._at_ns["end"])
        return thread_time(recording, self._at_ns["begin"], end_ns)


def _load(
    reply: str | Path | None,
    context: TrialContext,
    cell: Cell,
    port: int,
    folder: Path,
    on_edge: load.OnEdge,
) -> Answer:
    """The cell's own load, for a short time. Raises TrialFailed."""
    parameters = cell.parameters
    window_s = min(LONGEST_WINDOW_S, parameters.duration or LONGEST_WINDOW_S)
    short = replace(parameters, requests=None, duration=window_s, warmup=SHORT_WARMUP_S)
    try:
        command = load.fibload_command(
            context.programs,
            short,
            port,
            reply=reply,
            seed=context.seed,
            cpus=load_cpus(parameters, context.pinning),
        )
        load.drive(command, context.supervise, folder, on_edge)
        return read_answer(load.read_fibload(folder))
    except load.LoadError as error:
        raise TrialFailed(str(error), "load") from error


def _check(answer: Answer) -> None:
    """Raise TrialFailed where a server was not watched at its work. How much of it was done is of
    no interest here: a reply may take longer than the window."""
    counts = answer.total.counts
    if counts["wrong"] or not (counts["ok"] or counts["unfinished"]):
        raise TrialFailed(answer.invalid or "nothing was asked", INVALID)
