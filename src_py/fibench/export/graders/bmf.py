# SPDX-License-Identifier: BSD-3-Clause
"""Bencher Metric Format: `{benchmark: {measure: {value, lower_value, upper_value}}}`.

A benchmark for each cell, for each client group of it, and for each claim with a figure. A format
of figures alone has no place for what is wrong with a run: each mark is a benchmark of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fibench.export._rows import cells_with_summary, rows_of
from fibench.json_values import Json, finite
from fibench.metrics import metric_of
from fibench.wording import json_text, shown

if TYPE_CHECKING:
    from fibench.verdict import Review, Verdict

_LONGEST_NAME = 1024
"""That Bencher takes."""

Benchmarks = dict[str, dict[str, Json]]


def export(review: Review) -> str:
    """The document as text, in base units: the names of measures end with them."""
    found: Benchmarks = {}
    names = _names(review)
    for cell, summary in cells_with_summary(review):
        for row in rows_of(summary):
            group = row.metric.rpartition("/")[0]
            name = f"{names[cell.key]}/{shown(group)}" if group else names[cell.key]
            _put(found, name, metric_of(row.metric).name_with_unit, (row.mean, row.low, row.high))
    for verdict in review.verdicts:
        name = f"claim {shown(verdict.claim.id)}"
        _put(found, name, verdict.quantity, _figures(verdict))
    for mark in review.marks:
        _put(found, f"mark: {shown(mark)}", "marks", (1.0, None, None))
    return json_text(found, 2)


def _names(review: Review) -> Mapping[str, str]:
    """What each cell is called, by its key: its label, with the key where another has the same."""
    labels = {cell.key: shown(cell.label) for cell, _ in cells_with_summary(review)}
    often = Counter(labels.values())
    return {key: label if often[label] == 1 else f"{label} {key}" for key, label in labels.items()}


Ends = tuple[float | None, float | None, float | None]


def _figures(verdict: Verdict) -> Ends:
    """The figure of a claim with the ends of its interval, or of its range."""
    count, shown_one = verdict.count, verdict.shown_estimate
    if count is not None and count.total is not None and count.blocks:
        return count.total / count.blocks, count.least, count.most
    return (None if shown_one is None else finite(shown_one.mean), *verdict.known_ends)


def _put(found: Benchmarks, name: str, measure: str, figures: Ends) -> None:
    """Add a measure, if its value is known; an end that there is not is left out."""
    value, low, high = figures
    if value is None:
        return
    told: dict[str, Json] = {"value": value}
    told |= {"lower_value": low} if low is not None else {}
    told |= {"upper_value": high} if high is not None else {}
    found.setdefault(name[:_LONGEST_NAME], {})[measure] = told
