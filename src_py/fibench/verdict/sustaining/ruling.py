# SPDX-License-Identifier: BSD-3-Clause
"""What the rates that sides sustain say of a claim about them: pure.

The rate of one side lies in [low, high): at `low` the limit is clearly held, at `high` it is not.
So a claim that it is `above` 150/s is confirmed where 150/s is held, and refuted where it is not.

The ratio of two lies between the ends of both intervals. Each of these is at half of alpha, so that
both hold at once as often as is promised: their rates need no block in common, and a bracket takes
part as what it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fibench.metrics import exact, in_group
from fibench.verdict.estimate import Estimate
from fibench.verdict.looks import Looks
from fibench.verdict.sample import Index
from fibench.verdict.sustaining.sustained import Sustained, find_sustained

if TYPE_CHECKING:
    from fibench.experiment import Cell, Claim


def sustained_sides(
    claim: Claim, samples: Index, alpha: float, looks: Looks | None
) -> tuple[Sustained, ...]:
    """The rate of each side, all of them at once at confidence 1 - alpha."""
    assert claim.limit is not None, "`sustains` has a limit"
    key, own = in_group(claim.group, claim.metric), alpha / len(claim.rows)
    return tuple(find_sustained(samples, row, key, claim.limit, own, looks) for row in claim.rows)


def estimate_of(sides: Sequence[Sustained], alpha: float) -> Estimate:
    """The rate of one side, or the ratio of the rates of two."""
    if len(sides) == 1:
        return sides[0].estimate
    return _ratio(sides[0].estimate, sides[1].estimate, alpha)


def _ratio(left: Estimate, right: Estimate, alpha: float) -> Estimate:
    """The ratio of two rates."""
    found = Estimate(
        blocks=min(left.blocks, right.blocks),
        mean=_over(left.mean, right.mean),
        low=None,
        high=None,
        sd_log=None,
        alpha=alpha,
        absent=left.absent or right.absent,
        looks=left.looks,
    )
    if left.low is None or left.high is None or right.low is None or right.high is None:
        return found
    low = 0.0 if math.isinf(right.high) else left.low / right.high
    high = math.inf if right.low == 0.0 else left.high / right.low
    found = replace(found, low=low, high=high)
    if found.mean is not None:
        return found
    least = _over(left.at_least or left.mean, right.at_most or right.mean)
    most = _over(left.at_most or left.mean, right.at_least or right.mean)
    return replace(found, at_least=least, at_most=most)


def _over(figure: float | None, other: float | None) -> float | None:
    return None if figure is None or other is None else figure / other


def equivalent_sd(sides: Sequence[Sustained]) -> float | None:
    """The standard deviation over blocks, of logarithms, that gives an interval so wide as that of
    one side, or of the ratio of two, whose widths add; None where one of them is not known."""
    known = [sd for side in sides if (sd := side.equivalent_sd()) is not None]
    return math.fsum(known) if len(known) == len(sides) else None


def why_unclear(claim: Claim, sides: Sequence[Sustained]) -> str | None:
    """Why the rates of sides say nothing, however many blocks there are; None if they do."""
    for side, row in zip(sides, claim.rows, strict=True):
        if side.falls:
            first, last = (exact(rate) for rate in (side.rates[0], side.rates[-1]))
            what = f"{claim.metric} of {row[0].cell.backend} does not rise along the rate"
            return f"{what} from {first}/s to {last}/s"
    return None


def holds(claim: Claim, estimate: Estimate) -> bool | None:
    """Whether a claim holds of what lies in [low, high); None: in a part of it."""
    low, high, above, below = estimate.low, estimate.high, claim.low, claim.high
    if low is None or high is None:
        return None
    if (above is None or low >= above) and (below is None or high <= below):
        return True
    is_beyond = (above is not None and high <= above) or (below is not None and low >= below)
    return False if is_beyond else None


def more_blocks_help(claim: Claim, sides: Sequence[Sustained]) -> bool:
    """Whether more blocks may decide the claim.

    Intervals shrink towards the rates that are interpolated; what lies between the rates that were
    measured, where all else is clear, stays as wide as it is. If the claim's bound is in what
    remains then, it stays there.
    """
    if all(side.final for side in sides):
        return False
    known = [found for side in sides if (found := _remaining(side)) is not None]
    if len(sides) == 1 or len(known) < len(sides):
        return True
    return holds(claim, _ratio(known[0], known[1], known[0].alpha)) is not None


def _remaining(side: Sustained) -> Estimate | None:
    """What ever so many blocks like these leave open of a side; None where that is not clear."""
    found = side.estimate
    if side.final:
        return found
    return None if found.mean is None else replace(found, low=found.mean, high=found.mean)


def decisive_cells(claim: Claim, sides: Sequence[Sustained]) -> Sequence[Cell]:
    """The cells that decide: from the highest rate below all that is told to the lowest above."""
    cells: list[Cell] = []
    for side, row in zip(sides, claim.rows, strict=True):
        found = side.estimate
        known = [found.low, found.mean, found.high, found.at_least, found.at_most]
        known += [claim.low, claim.high] if len(claim.rows) == 1 else []
        places = [place for place in known if place is not None]
        low, high = min(places, default=0.0), max(places, default=math.inf)
        first = max((n for n, step in enumerate(row) if step.at <= low), default=0)
        last = min((n for n, step in enumerate(row) if step.at >= high), default=len(row) - 1)
        cells += [step.cell for step in row[first : last + 1]]
    return cells
