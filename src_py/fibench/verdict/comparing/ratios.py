# SPDX-License-Identifier: BSD-3-Clause
"""The ratios of two sides' figures, a row for each cell and metric, with intervals. Pure.

A side is one run or several. Runs are independent, so that blocks are not paired; the intervals are
simultaneous over all rows (Bonferroni). `welch` has what they take in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fibench.experiment import Cell
from fibench.metrics import METRICS
from fibench.verdict.comparing.welch import (
    FEWEST_OF_A_SIDE,
    Ratio,
    over_runs,
    over_trials,
    side_mean,
)
from fibench.verdict.estimate import CONFIDENCE, CellSummary, Sample, exp
from fibench.verdict.foreign.widening import NO_GAIN, Gain, gain, of_sides
from fibench.verdict.sample import BOUNDED, Index, most_frequent_reason

COMPARED = tuple(metric.name for metric in METRICS.values() if metric.compared)
"""The metrics of a comparison."""

Pairs = Sequence[tuple[Cell, Cell]]
"""Cells of two sides that are compared."""
Over = Literal["trials", "runs"]
"""What the intervals are over: the trials of these runs, or runs."""


@dataclass(frozen=True)
class RatioRow:
    """One metric of a cell that both sides have; figures in base units, geometric means."""

    cell: str
    """The cell's label."""
    metric: str
    first: float | None
    second: float | None
    blocks: tuple[int, int]
    """How many trials there are on each side."""
    ratio: Ratio | None
    absent: str | None = None
    """Why there is no ratio, or no interval."""
    runs: tuple[int, int] = (1, 1)
    """In how many runs of each side the figure is known."""


@dataclass(frozen=True)
class Figure:
    """A metric of one cell of one run."""

    logs: Sequence[float] = ()
    """The logarithms over valid trials."""
    absent: str | None = None
    """Why there are none."""
    grain: float = 0.0
    """The standard deviation that counting whole replies alone gives: they do not vary less."""
    moved: Gain = NO_GAIN
    """By how much others on the machine may have moved it."""


FiguresByCell = Mapping[tuple[str, str], Figure]
"""Those of a run, by the keys of cells and metrics."""
Side = Mapping[tuple[str, str], Sequence[Figure]]
"""Those of a side's runs, by the keys of the cells that stand for theirs."""


def figures_of(found: Iterable[Sample], summaries: Iterable[CellSummary]) -> FiguresByCell:
    """What there is to compare of one run. What its report does not show is not compared either."""
    found = tuple(found)
    index = Index(found)
    logs: dict[tuple[str, str], list[float]] = {}
    for trial in found:
        for metric in COMPARED if trial.valid else ():
            log = trial.log(metric)
            if log is not None:
                logs.setdefault((trial.cell_key, metric), []).append(log)
    return {
        (summary.cell_key, metric): (
            Figure(absent=_all_failed(index, summary) or _unknown(metric, summary))
            if summary.estimates[metric].mean is None
            else Figure(
                logs.get((summary.cell_key, metric), ()),
                grain=index.grain(summary.cell_key, metric),
                moved=gain(index, summary.cell_key, index.valid(summary.cell_key), metric),
            )
        )
        for summary in summaries
        for metric in COMPARED
    }


def _unknown(metric: str, summary: CellSummary) -> str | None:
    """Why a metric of a cell has no figure."""
    found = summary.estimates[metric]
    return f"{metric} is known by {BOUNDED}" if found.is_bound else found.absent


def _all_failed(index: Index, summary: CellSummary) -> str | None:
    """That a cell has trials, and not one that counts: why."""
    if summary.valid or not summary.invalid:
        return None
    which = "its only trial" if summary.invalid == 1 else f"all its {summary.invalid} trials"
    return f"{which} failed: {most_frequent_reason(index.all(summary.cell_key))}"


def ratio_rows(
    pairs: Pairs, first: Side, second: Side, over: Over = "trials"
) -> tuple[RatioRow, ...]:
    """A row for each pair of cells and metric that a side knows, simultaneous over all of them.

    A pair of which no side knows anything has one row, which says why.
    """
    known: list[tuple[Cell, str, _Figures, _Figures]] = []
    for one, other in pairs:
        found = [
            (one, metric, _Figures(first.get((one.key, metric), ())),
             _Figures(second.get((other.key, metric), ())))
            for metric in COMPARED
        ]  # fmt: skip
        said = [row for row in found if row[2].logs or row[3].logs]
        known += said or found[:1]
    both = sum(here.varies(over) and there.varies(over) for _, _, here, there in known)
    alpha = (1.0 - CONFIDENCE) / max(1, both)
    return tuple(
        _row(cell, metric, here, there, over, alpha) for cell, metric, here, there in known
    )


class _Figures:
    """A metric of one cell in the runs of a side."""

    def __init__(self, runs: Sequence[Figure]) -> None:
        known = [run for run in runs if run.logs]
        self.logs = [run.logs for run in known]
        self.grain = max((run.grain for run in known), default=0.0)
        self.moved = Gain(*(_mean(run.moved[way] for run in known) for way in range(2)))
        self.why = next((run.absent for run in runs if run.absent), None)

    def varies(self, over: Over) -> bool:
        """Whether it is known how it varies."""
        if over == "runs":
            return len(self.logs) >= FEWEST_OF_A_SIDE
        return bool(self.logs) and all(len(logs) >= FEWEST_OF_A_SIDE for logs in self.logs)

    @property
    def absent(self) -> str | None:
        """Why no run has it."""
        return None if self.logs else self.why or "not measured"


def _row(
    cell: Cell, metric: str, here: _Figures, there: _Figures, over: Over, alpha: float
) -> RatioRow:
    ratio = None
    if here.logs and there.logs:
        by = over_runs if over == "runs" else over_trials
        ratio = by(here.logs, there.logs, alpha, (here.grain, there.grain))
        ratio = _widened(ratio, of_sides(there.moved, here.moved))
    return RatioRow(
        cell=cell.label,
        metric=metric,
        first=side_mean(here.logs),
        second=side_mean(there.logs),
        blocks=(sum(map(len, here.logs)), sum(map(len, there.logs))),
        ratio=ratio,
        absent=_absent(here, there, over),
        runs=(len(here.logs), len(there.logs)),
    )


def _mean(figures: Iterable[float]) -> float:
    known = list(figures)
    return math.fsum(known) / len(known) if known else 0.0


def _widened(ratio: Ratio, moved: Gain) -> Ratio:
    """The ratio with its interval widened for what others used beside the runs of either side."""
    if ratio.low is None or ratio.high is None:
        return ratio
    return replace(ratio, low=ratio.low * exp(-moved.down), high=ratio.high * exp(moved.up))


def _absent(first: _Figures, second: _Figures, over: Over) -> str | None:
    """Why there is no ratio, or no interval, and of which side that is said."""
    side = "run" if over == "trials" else "side"
    if first.absent and second.absent:
        both = "both runs" if over == "trials" else "both sides"
        if first.absent == second.absent:
            return f"{first.absent} ({both})"
        return f"{first.absent} (first {side}); {second.absent} (second {side})"
    why = first.absent or second.absent
    if why:
        return f"{why} ({'first' if first.absent else 'second'} {side})"
    if over == "runs" and not (first.varies(over) and second.varies(over)):
        return "known in one run only of a side"
    return None


assert set(COMPARED) <= METRICS.keys()
