# SPDX-License-Identifier: BSD-3-Clause
"""How far above its limit a latency was at each rate, in each block: pure.

d is the logarithm of latency ÷ limit: below 0 the limit is held. A trial whose server was saturated
has none: however long its requests had waited when the window ended, they would wait longer in a
longer one. It is above every limit, and how far is not known. What the end of a window has hidden
of an unsaturated server lies between two figures. So does a latency that has more of the load
generator's lag in it than the gate allows: what the server took is less by that lag, at most, and
on which side of a limit it is may be clear all the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fibench.experiment import Row, Step
from fibench.metrics import metric_of
from fibench.verdict._meter import lag_in_latency_s
from fibench.verdict.bounds import ends_of
from fibench.verdict.sample import Index, is_saturated


@dataclass(frozen=True)
class Excess:
    """Between what d lies in one trial: of a latency that is known the two are equal."""

    low: float
    high: float
    saturated: bool = False
    drawn: bool = True
    """A line may be drawn through it: it is known how large it is, not only that it is held."""

    @property
    def known(self) -> bool:
        """Whether d is one figure."""
        return self.low == self.high and self.drawn


Curve = Sequence[Excess]
"""That of one block, by rising rate."""


def curves(samples: Index, row: Row, key: str, limit_s: float) -> dict[int, Curve]:
    """By block, of the blocks that have a figure at every rate."""
    columns = [_column(samples, step.cell.key, key, math.log(limit_s)) for step in row]
    whole = [block for block in columns[0] if all(block in column for column in columns)]
    return {block: [column[block] for column in columns] for block in sorted(whole)}


def _column(samples: Index, cell_key: str, key: str, log_limit: float) -> Mapping[int, Excess]:
    """d at one rate, by block."""
    ends = ends_of(samples, cell_key, key)
    found = {}
    for block, trial in samples.valid(cell_key).items():
        low = ends.low[block] - log_limit if block in ends.low else -math.inf
        if is_saturated(trial, key):
            found[block] = Excess(max(low, 0.0), math.inf, saturated=True)
        elif block in ends.low:
            without_lag = _less(ends.low[block], lag_in_latency_s(trial, key)) - log_limit
            found[block] = Excess(without_lag, ends.high[block] - log_limit)
    return found


def _less(log_s: float, lag_s: float) -> float:
    """The logarithm of a time less a lag."""
    if lag_s <= 0.0:
        return log_s
    left_s = math.exp(log_s) - lag_s
    return math.log(left_s) if left_s > 0.0 else -math.inf


def fast_enough(samples: Index, row: Row, key: str) -> Row:
    """The row without the slowest rates whose windows had too few replies for the metric, as long
    as another is left.

    All trials at such a rate are left out, whatever came of them. So none is for having been slow:
    and what a faster rate shows of a limit, a slower one could not turn.
    """
    first = next((i for i, step in enumerate(row) if not _is_short(samples, step, key)), 0)
    return row[first:]


def _is_short(samples: Index, step: Step, key: str) -> bool:
    valid, flaws = samples.valid(step.cell.key), samples.flaws(step.cell.key, key)
    return any(f == "short" and not is_saturated(valid[b], key) for b, f in flaws.items())


def why_withheld(samples: Index, row: Row, key: str) -> str | None:
    """Why a latency may not be judged, as of any claim; None if it may.

    A saturated trial is above every limit, however few replies there were.
    """
    least = metric_of(key).least_requests
    flaws = [
        flaw
        for step in row
        for block, flaw in samples.flaws(step.cell.key, key).items()
        if not is_saturated(samples.valid(step.cell.key)[block], key)
    ]
    if "short" in flaws:
        replies = "a reply" if least == 1 else f"{least} replies"
        return f"{key} needs {replies} in every trial of a server that keeps up"
    if "hidden" in flaws:
        trials = sum(len(samples.valid(step.cell.key)) for step in row)
        hidden = f"{flaws.count('hidden')} of {trials} trials"
        return f"{key} is hidden by unfinished requests in {hidden}"
    return None
