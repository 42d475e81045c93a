# SPDX-License-Identifier: BSD-3-Clause
"""Does what waits for a server stop growing at a rate, as far as short windows can tell? Pure.

A window sees a server that was idle when the warm-up began. Just above its capacity what waits
grows so slowly that no single window can tell it from chance (trial/overload.py), and the latencies
of the window may be far below their limit; but it grows in every block, and the blocks together
can tell. So a latency holds its limit at a rate only if

- what waits grew by less, over all blocks, than it does on average at the capacity: Student's upper
  end of the mean growth is below that. So whoever is at the capacity, or above, passes as seldom as
  any wrong interval. At a higher rate more waits: who passes there, passes below;
- the rate is not above what the same server answered on average at a rate at which it was saturated
  in every block, with its upper end;
- the limit is held at the end of the windows as well: what more waits there than at their begin has
  to be answered first, which takes its number ÷ the rate. The mean over blocks of latency and that
  time together is below the limit, with its upper end.

Where it does not pass, the latency is a lower bound. One that is exceeded is so all the same; and
what waits must be known to move a latency by less than 5 % for a line through it to be drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fibench.experiment import Row
from fibench.verdict.estimate import deviation
from fibench.verdict.sample import Index, Sample
from fibench.verdict.sustaining.measured import Curve, Excess

MOST_MOVED = 0.05
"""By so much of a latency what waits may move it at most for it to be a figure on a curve."""


@dataclass(frozen=True)
class Steadiness:
    """What may be said of the curves of one side, by block."""

    sure: Mapping[int, Curve]
    """With no upper end where it is not known that a latency holds in a longer window as well."""
    likely: Mapping[int, Curve]
    """With none where it is not known that the server keeps up at all: what a figure is made of."""
    growing: tuple[float, ...]
    """The rates at which that is not known, though no limit was exceeded."""


def steadiness(
    found: Mapping[int, Curve], samples: Index, row: Row, key: str, limit_s: float, errors: float
) -> Steadiness:
    """Judge every rate of a side over all blocks; `errors` is half an interval in standard errors.

    Trials of earlier versions do not know how what waits grew: they are taken as they are.
    """
    group = key.rpartition("/")[0] or None
    rates = []
    for place, step in enumerate(row):
        trials = samples.valid(step.cell.key)
        column = {block: curve[place] for block, curve in found.items()}
        rates.append(_Rate(column, {block: trials[block] for block in found}, group))
    answered = (one.answers_at_most(errors) for one in rates)
    capacity_per_s = max((most for most in answered if most is not None), default=math.inf)
    passes = [one.grows_less_than_at_capacity(errors) for one in rates]
    kept = [
        any(passes[place:]) and one.offered_per_s <= capacity_per_s
        for place, one in enumerate(rates)
    ]
    likely, sure = [], []
    for one, keeps in zip(rates, kept, strict=True):
        likely.append(one.column if keeps else _open(one.column))
        sure.append(one.sure(limit_s, errors) if keeps else likely[-1])
    growing = tuple(
        step.at
        for step, one, keeps in zip(row, rates, kept, strict=True)
        if not keeps and not one.is_exceeded
    )
    return Steadiness(_curves(found, sure), _curves(found, likely), growing)


class _Rate:
    """All trials at one rate."""

    def __init__(
        self, column: Mapping[int, Excess], trials: Mapping[int, Sample], group: str | None
    ) -> None:
        self.column = column
        self._trials, self._group = trials, group
        self._lines = {
            block: trial.lines[group] for block, trial in trials.items() if group in trial.lines
        }

    @property
    def offered_per_s(self) -> float:
        """What was asked for; 0 where nobody said."""
        return max((line.offered_per_s for line in self._lines.values()), default=0.0)

    @property
    def is_exceeded(self) -> bool:
        """Whether every block exceeds the limit."""
        return all(excess.saturated or excess.low > 0.0 for excess in self.column.values())

    def answers_at_most(self, errors: float) -> float | None:
        """What a server that was saturated in every block can have answered on average at most."""
        if not all(excess.saturated for excess in self.column.values()):
            return None
        every = [trial.saturated[self._group].answered_per_s for trial in self._trials.values()]
        return _end(every, errors)

    def grows_less_than_at_capacity(self, errors: float) -> bool:
        """Whether what waits grew by clearly less than at the capacity."""
        if not self._lines:
            return True
        lines = self._lines.values()
        at_capacity = math.fsum(line.at_capacity for line in lines) / len(lines)
        return _end([line.grown for line in lines], errors) < at_capacity

    def sure(self, limit_s: float, errors: float) -> Mapping[int, Excess]:
        """What of its latencies holds in longer windows as well."""
        if not self._lines:
            return self.column
        late_s = {b: line.grown / line.offered_per_s for b, line in self._lines.items()}
        latencies_s = {b: math.exp(self.column[b].high) * limit_s for b in late_s}
        moves_s = _end(list(late_s.values()), errors)
        least_s = min(math.exp(excess.low) * limit_s for excess in self.column.values())
        if moves_s <= MOST_MOVED * least_s:
            return self.column
        at_end_s = _end([latencies_s[block] + late_s[block] for block in late_s], errors)
        if at_end_s < limit_s:
            return {block: replace(one, drawn=False) for block, one in self.column.items()}
        return _open(self.column)


def _open(column: Mapping[int, Excess]) -> Mapping[int, Excess]:
    """The same as lower bounds."""
    return {block: replace(one, high=math.inf) for block, one in column.items()}


def _curves(
    found: Mapping[int, Curve], columns: Sequence[Mapping[int, Excess]]
) -> Mapping[int, Curve]:
    return {block: [column[block] for column in columns] for block in found}


def _end(figures: Sequence[float], errors: float) -> float:
    """So many standard errors above the mean; infinite of a single figure."""
    mean = math.fsum(figures) / len(figures)
    if len(figures) == 1 or not math.isfinite(mean):
        return math.inf
    return mean + errors * deviation(figures, mean) / math.sqrt(len(figures))
