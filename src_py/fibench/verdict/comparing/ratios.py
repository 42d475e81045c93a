# SPDX-License-Identifier: BSD-3-Clause
"""The ratios of two runs' figures, with intervals. Pure.

The runs are independent, so that blocks are not paired: Welch's t on the logarithms, with
Satterthwaite's degrees of freedom, simultaneous over all rows (Bonferroni).
Source: B. L. Welch, Biometrika 34 (1947), 28-35.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fibench.experiment import Cell
from fibench.metrics import METRICS
from fibench.verdict.estimate import CONFIDENCE, CellSummary, Sample
from fibench.verdict.sample import BOUNDED, Index, most_frequent_reason

COMPARED = tuple(metric.name for metric in METRICS.values() if metric.compared)
"""The metrics of a comparison."""

_SAME_LOG = 1e-9
"""Ratios nearer to 1 than this are rounding."""
_FEWEST = 2

Pairs = Sequence[tuple[Cell, Cell]]
"""Cells of two runs that are compared."""


@dataclass(frozen=True)
class Ratio:
    """second ÷ first of a metric; the ends are None where a side has fewer than two blocks."""

    mean: float
    low: float | None
    high: float | None
    degrees: float | None
    """Satterthwaite's; None without an interval or where nothing varies."""

    @property
    def differs(self) -> bool | None:
        """Whether the interval excludes 1; None: there is no interval that could."""
        if self.low is None or self.high is None:
            return None
        return self.low > math.exp(_SAME_LOG) or self.high < math.exp(-_SAME_LOG)


@dataclass(frozen=True)
class RatioRow:
    """One metric of a cell that both runs have; figures in base units, geometric means."""

    cell: str
    """The cell's label."""
    metric: str
    first: float | None
    second: float | None
    blocks: tuple[int, int]
    ratio: Ratio | None
    absent: str | None = None
    """Why there is no ratio."""


@dataclass(frozen=True)
class Figure:
    """A metric of one cell of one run."""

    logs: Sequence[float] = ()
    """The logarithms over valid trials."""
    absent: str | None = None
    """Why there are none."""
    grain: float = 0.0
    """The standard deviation that counting whole replies alone gives: they do not vary less."""


FiguresByCell = Mapping[tuple[str, str], Figure]
"""By the keys of cells and metrics."""


def figures_of(found: Iterable[Sample], summaries: Iterable[CellSummary]) -> FiguresByCell:
    """What there is to compare of one run. What its report does not show is not compared either."""
    found = tuple(found)
    index = Index(found)
    logs: dict[tuple[str, str], list[float]] = {}
    for trial in found:
        for metric in COMPARED if trial.valid else ():
            figure = trial.metrics.get(metric)
            if figure is not None and math.isfinite(figure) and figure > 0.0:
                logs.setdefault((trial.cell_key, metric), []).append(math.log(figure))
    return {
        (summary.cell_key, metric): (
            Figure(absent=_all_failed(index, summary) or _unknown(metric, summary))
            if summary.estimates[metric].mean is None
            else Figure(
                logs.get((summary.cell_key, metric), ()),
                grain=index.grain(summary.cell_key, metric),
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


def ratio_rows(pairs: Pairs, first: FiguresByCell, second: FiguresByCell) -> tuple[RatioRow, ...]:
    """A row for each pair of cells and metric that a side knows, simultaneous over all of them."""
    known: list[tuple[Cell, str, Figure, Figure]] = []
    for one, other in pairs:
        for metric in COMPARED:
            here = first.get((one.key, metric), Figure())
            there = second.get((other.key, metric), Figure())
            if here.logs or there.logs:
                known.append((one, metric, here, there))
    both = sum(
        len(here.logs) >= _FEWEST and len(there.logs) >= _FEWEST for _, _, here, there in known
    )
    alpha = (1.0 - CONFIDENCE) / max(1, both)
    return tuple(
        RatioRow(
            cell=cell.label,
            metric=metric,
            first=_mean(here.logs),
            second=_mean(there.logs),
            blocks=(len(here.logs), len(there.logs)),
            ratio=(
                welch(here.logs, there.logs, alpha, (here.grain, there.grain))
                if here.logs and there.logs
                else None
            ),
            absent=_absent(here, there),
        )
        for cell, metric, here, there in known
    )


def _absent(first: Figure, second: Figure) -> str | None:
    """Why there is no ratio, and of which run that is said."""
    if first.absent and second.absent:
        return f"{first.absent} (both runs)"
    why = first.absent or second.absent
    return why and f"{why} ({'first' if first.absent else 'second'} run)"


def welch(
    first: Sequence[float],
    second: Sequence[float],
    alpha: float,
    grains: tuple[float, float] = (0.0, 0.0),
) -> Ratio:
    """exp(mean of second - mean of first) of logarithms, with its interval at 1 - alpha.

    Neither side is taken to vary less than its grain, a standard deviation.
    """
    centre = math.fsum(second) / len(second) - math.fsum(first) / len(first)
    if len(first) < _FEWEST or len(second) < _FEWEST:
        return Ratio(math.exp(centre), None, None, None)
    parts = [
        max(_variance(logs), grain**2) / len(logs)
        for logs, grain in zip((first, second), grains, strict=True)
    ]
    squared_error = math.fsum(parts)
    # The degrees, from shares, so that no tiny variance is squared to nothing.
    if squared_error == 0.0:
        return Ratio(math.exp(centre), math.exp(centre), math.exp(centre), None)
    shares = [part / squared_error for part in parts]
    degrees = 1.0 / math.fsum(
        share**2 / (len(logs) - 1) for share, logs in zip(shares, (first, second), strict=True)
    )
    half = _t(1.0 - alpha / 2.0, degrees) * math.sqrt(squared_error)
    return Ratio(math.exp(centre), _exp(centre - half), _exp(centre + half), degrees)


def _t(probability: float, degrees: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def _exp(log: float) -> float:
    """exp, but infinite where it overflows."""
    try:
        return math.exp(log)
    except OverflowError:
        return math.inf


def _variance(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _mean(logs: Sequence[float]) -> float | None:
    return _exp(math.fsum(logs) / len(logs)) if logs else None


assert set(COMPARED) <= METRICS.keys()
