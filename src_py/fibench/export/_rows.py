# SPDX-License-Identifier: BSD-3-Clause
"""The figures of a run one by one: a row for each cell and metric, as CSV and JSON have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fibench.json_values import finite
from fibench.metrics import METRICS
from fibench.verdict import CONFIDENCE, CellSummary
from fibench.verdict.estimate import known_ends

if TYPE_CHECKING:
    from fibench.experiment import Cell
    from fibench.verdict import Review


@dataclass(frozen=True)
class FigureRow:
    """One metric of one cell, in base units; None where it is not known, and why.

    Of a count, `mean` is per trial, and `low` and `high` are the least and the most.
    """

    metric: str
    unit: str
    mean: float | None
    low: float | None
    high: float | None
    blocks: int
    interval: str
    """What `low` and `high` are: `95 %` or `range`."""
    absent: str | None = None
    at_least: float | None = None
    """Of a figure that is not known: the mean of its lower bounds…"""
    at_most: float | None = None
    """…and of its upper ones."""


def cells_with_summary(review: Review) -> Iterator[tuple[Cell, CellSummary]]:
    """The cells of a run that have a summary, in the order of the file."""
    summaries = {summary.cell_key: summary for summary in review.summaries}
    for cell in review.run.experiment.cells:
        if cell.key in summaries:
            yield cell, summaries[cell.key]


def rows_of(summary: CellSummary) -> Iterator[FigureRow]:
    """Every metric of a cell in the order of METRICS; those of client groups come last."""
    share = f"{100 * CONFIDENCE:g} %"
    for name in _ordered(summary.estimates):
        estimate = summary.estimates[name]
        low, high = known_ends(estimate.low, estimate.high)
        mean, unit = finite(estimate.mean), unit_of(name)
        figures = (name, unit, mean, low, high, estimate.blocks, share, estimate.absent)
        yield FigureRow(*figures, finite(estimate.at_least), finite(estimate.at_most))
    for name in _ordered(summary.counts):
        if _base(name) in METRICS:
            counted = summary.counts[name]
            mean = None if counted.total is None else counted.total / counted.blocks
            ends = (counted.least, counted.most)
            yield FigureRow(name, "count", mean, *ends, counted.blocks, "range")


def unit_of(metric: str) -> str:
    """The unit of a metric, of a client group's (`small/p99`) too."""
    return METRICS[_base(metric)].unit


def name_with_unit(metric: str) -> str:
    """The name of a metric in JSON: `p50_s`, `small/p50_s`."""
    group, slash, base = metric.rpartition("/")
    return f"{group}{slash}{METRICS[base].name_with_unit}"


def _base(metric: str) -> str:
    return metric.rpartition("/")[2]


def _ordered(names: Iterable[str]) -> list[str]:
    order = {name: place for place, name in enumerate(METRICS)}
    known = sorted(names, key=lambda name: ("/" in name, order.get(_base(name), len(order))))
    return list(known)
