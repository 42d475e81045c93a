# SPDX-License-Identifier: BSD-3-Clause
"""What the live view costs the figures that it shows: the same cells with it and without it.

One run, in which every other block is drawn on a terminal and the others are not. As the view draws
nothing while a window is measured, every ratio of neighbouring blocks ought to be 1.
"""

import os
import pty
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from rich.text import Text

from fibench.backends import Backend, known_backends
from fibench.develop.bench.ratios import Limit, Spread, ratios, spread
from fibench.develop.bench.rounds import Effort
from fibench.develop.bench.table import print_head, print_promise
from fibench.experiment import Experiment, parse_experiment
from fibench.folders import Places
from fibench.machine import usable_cores
from fibench.record import Record
from fibench.report.lines import machine_line
from fibench.report.live.frame import Frame
from fibench.report.live.plain import Lines
from fibench.report.live.progress import Progress
from fibench.report.live.screen import Screen
from fibench.report.live.signs import Signs
from fibench.report.live.view import LiveView
from fibench.run import Event, Request, TrialStarted, run_experiment
from fibench.verdict import questions_of

WINDOW_S = 1.0
LIMIT = Limit(least=0.99, most=1.01)
"""Between what a figure with the view lies, of that without it."""
_METRICS = ("throughput_per_s", "cpu_per_request_s", "p99_s")
_EXPERIMENT = """
title = "The view beside nobody"
[[matrix]]
backend = ["c-epoll"]
n = 1
clients = 64
[[matrix]]
backend = ["c-mt", "py-mt"]
n = 20
clients = 8
[server]
framing = "line"
[load]
duration = "{duration_s}s"
warmup = "200ms"
[plan]
blocks = {blocks}
"""


class _Sometimes(Screen):
    """A terminal on which only some blocks are drawn."""

    is_drawn = True

    def draw(self, lines: Sequence[Text], columns: int, above: str = "") -> None:
        """Draw, or do nothing."""
        if self.is_drawn:
            super().draw(lines, columns, above)


@contextmanager
def _terminal() -> Iterator[IO[str]]:
    """One that somebody reads, as a window on the screen does."""
    reading, writing = pty.openpty()
    with (
        subprocess.Popen(["cat"], stdin=reading, stdout=subprocess.DEVNULL) as reader,
        open(writing, "w", encoding="utf-8") as stream,
    ):
        os.close(reading)
        try:
            yield stream
        finally:
            reader.kill()


def is_looked_at(block: int) -> bool:
    """Whether a block is drawn: 0 and 3 of four, so that what only rises or falls hits both."""
    return block % 4 in (0, 3)


def print_drawing(places: Places, backends: Mapping[str, Backend], effort: Effort) -> bool:
    """Measure and print. Returns whether the view is not seen to move any figure: a whole interval
    beyond the limit would show that it does, a median says how near one can look."""
    print(machine_line(usable_cores()))
    duration_s = effort.window_s(WINDOW_S)
    print_head("figures beside the live view and without it", effort.rounds, duration_s)
    text = _EXPERIMENT.format(duration_s=duration_s, blocks=2 * effort.rounds)
    experiment = parse_experiment(text, "drawing.toml", known_backends(backends))
    records = _measured(experiment, text, places, backends)
    kept = True
    for cell in experiment.cells:
        own = [one for one in records if one.cell == cell.key and one.valid]
        for metric in _METRICS:
            found = beside(own, metric)
            if found is not None:
                print_promise(f"{cell.label}: {metric}", found, LIMIT)
                kept &= found.low <= LIMIT.most and found.high >= LIMIT.least
    failed = sum(not one.valid for one in records)
    if failed:
        print(f"{failed} trials failed: these figures say little")
    return kept and not failed


def beside(records: Sequence[Record], metric: str) -> Spread | None:
    """The ratio of blocks with the view to their neighbours without it; None where none is."""
    figures = {one.block: one.metrics.get(metric) for one in records if one.role == "measure"}
    drawn, bare = [], []
    for block in figures:
        pair = (figures[block], figures.get(block ^ 1))
        if is_looked_at(block) and pair[0] and pair[1]:
            drawn.append(pair[0])
            bare.append(pair[1])
    return spread(ratios(drawn, bare)) if drawn else None


def _measured(
    experiment: Experiment, text: str, places: Places, backends: Mapping[str, Backend]
) -> list[Record]:
    """What a run of it gives, in a temporary folder."""
    questions = questions_of(experiment, usable_cores())
    with tempfile.TemporaryDirectory(prefix="fibench-") as name, _terminal() as stream:
        source = Path(name, "drawing.toml")
        source.write_text(text)
        elsewhere = replace(places, results=Path(name, "results"))
        screen = _Sometimes(stream)
        run = Progress(lambda: questions, lambda: None)
        view = LiveView(run, Lines(lambda: None), Frame(Signs()), screen)

        def hear(event: Event) -> None:
            if isinstance(event, TrialStarted):
                screen.is_drawn = is_looked_at(event.trial.block)
            view(event)

        outcome = run_experiment(Request(experiment, source, backends, elsewhere), [hear])
    return outcome.records
