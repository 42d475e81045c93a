# SPDX-License-Identifier: BSD-3-Clause
"""Latencies of which only bounds are known: what they may decide. Pure.

Of a saturated server, and of a closed loop's first round, latencies are lower bounds; what the end
of a window cut off may leave a percentile anywhere between two. A lower bound takes part as what it
is: as the least that the figure can be, where the most is infinite. So each block gives two
logarithms, and the interval of an estimate begins where that of the lower ones begins, and ends
where that of the upper ones ends. Of a ratio the least is that of the upper side over the most of
the lower one. What can follow follows from that alone: an interval without an upper end can lie
above a claim's bound, which confirms `above` and refutes `below`, and can decide nothing else; that
of a ratio whose right side is a lower bound has no lower end, and both sides together have none at
all.

A crossover is not interpolated between bounds: it is withheld, as sample.withheld has it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from fibench.verdict.sample import Index, log_of

SIGN = ">"
"""What stands before a lower bound, in every table."""
MEANING = (
    f"{SIGN} a lower bound: of a server that was asked for more than it could answer, of clients "
    "that waited for their first reply, or of what the end of the windows cut off"
)

EITHER_SIDE = "what is bounded may lie on either side of what the claim asks for"


@dataclass(frozen=True)
class Between:
    """By block, the logarithms between which a figure lies; an end that is not known is infinite.

    Where the figure is known, both are the figure.
    """

    low: Mapping[int, float]
    high: Mapping[int, float]

    def over(self, right: Between) -> Between:
        """The ratio to another figure, of the blocks that have both."""
        shared = [block for block in self.low if block in right.low]
        return Between(
            {block: self.low[block] - right.high[block] for block in shared},
            {block: self.high[block] - right.low[block] for block in shared},
        )


def ends_of(samples: Index, cell_key: str, key: str) -> Between:
    """The ends of a metric of a cell, by block."""
    low = dict(samples.logs(cell_key, key))
    high = dict(low)
    for block, trial in samples.valid(cell_key).items():
        bound = trial.bounds.get(key)
        if block in low or bound is None or (least := log_of(bound.at_least)) is None:
            continue
        most = log_of(bound.at_most)
        low[block], high[block] = least, math.inf if most is None else most
    return Between(low, high)


def are_all_there_is(
    samples: Index, cells: Sequence[str], blocks: Collection[int], key: str
) -> bool:
    """Whether a metric of these cells and blocks is known by bounds in some, and hidden in none."""
    flaws = [
        flaw
        for cell in cells
        for block, flaw in samples.flaws(cell, key).items()
        if block in blocks
    ]
    return bool(flaws) and set(flaws) == {"bounded"}


def may_decide(
    claimed: tuple[float | None, float | None], at_least: float | None, at_most: float | None
) -> bool:
    """Whether more blocks could decide a claim, above and below which it is, by means of bounds.

    Intervals shrink towards these means: what is not beyond a bound of the claim there never is.
    """
    above, below = claimed
    least = -math.inf if at_least is None else at_least
    most = math.inf if at_most is None else at_most
    inside = (above is None or least > above) and (below is None or most < below)
    return inside or (above is not None and most < above) or (below is not None and least > below)
