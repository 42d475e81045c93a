# SPDX-License-Identifier: BSD-3-Clause
"""What a claim is worth where a lab is graded, and which claims another machine can be held to.

How fast, how soon and how large differs from machine to machine; how much faster, how often and on
how many cores does not. Points may hang on the latter alone.
"""

from __future__ import annotations

from fibench.document import ClaimTable, Source
from fibench.metrics import METRICS

_PORTABLE = ("count", "1/request", "cores", "share")
"""The units of metrics in which there is neither a time nor a size."""


def worth_of(table: ClaimTable) -> int | None:
    """The points of a claim; None where it has none."""
    return table.points if table.has("points") else None


def report_worth(table: ClaimTable, index: int, source: Source) -> None:
    """Report points of a claim that a fast machine would win, and a slow one lose."""
    if worth_of(table) is None:
        return
    found = _tied(table)
    if found is not None:
        what, hint = found
        what += " differs from machine to machine: no points can hang on it"
        source.report(("claim", index, "points"), what, hint, key=True)


def _tied(table: ClaimTable) -> tuple[str, str] | None:
    """What of a claim is of one machine, and what to claim instead; None where nothing is."""
    if table.crossover is not None:
        over = table.crossover.over
        hint = f"give them to two ratios, at values of {over} well below and well above it"
        return "where a crossover lies", hint
    if table.sustains is not None and len(table.sustains.of) == 1:
        hint = "compare two: of = [A, B], with a number for its bound"
        return "the rate that a server sustains", hint
    if table.value is not None and METRICS[table.metric].unit not in _PORTABLE:
        hint = "claim a ratio of two cells: ratio = [A, B], with a number for its bound"
        return f"the {table.metric} of one cell", hint
    return None
