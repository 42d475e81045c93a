# SPDX-License-Identifier: BSD-3-Clause
"""Where one cell begins to beat another along an axis: pure, no input or output.

In each block the advantage d(x) of the first side is the logarithm of the ratio, turned so that
positive means that the first side wins. A fork that pays from some n on has a d that rises, so d
is fitted by the rising steps nearest to it (isotonic regression: Barlow and others 1972), and the
crossing is where the line between two fitted points passes zero. Each block gives one crossing;
over blocks they are treated like any other figure, by Student's t.

A block in which the fit is on one side of zero at every point is censored: its crossing lies beyond
the axis, nobody knows how far. Student's t cannot use it, and to leave it out, or to put the end of
the axis in its place, would bias the interval. With censored blocks the interval is therefore that
of the median over blocks by the sign test, which needs to know only on which side a crossing lies;
it exists where there are blocks enough (6 at 95 %), and its ends may lie beyond the axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fibench.estimate import FEWEST_BLOCKS, MOST_BLOCKS, Estimate, deviation, half_width
from fibench.sample import Index, metric_of, withheld

Scale = Literal["linear", "log"]
Wins = Literal["everywhere", "nowhere"]

LINEAR_AXES = ("n",)
"""The time to compute fibonacci(n) is exponential in n: its logarithm, and so d, is linear in n."""


@dataclass(frozen=True)
class BlockCrossing:
    """Where the first side begins to win in one block; if that is not seen, where it wins."""

    block: int
    at: float | None
    wins: Wins | None = None


@dataclass(frozen=True)
class Crossover:
    """The crossings of a run. `sd` is over blocks, on the scale: linear, or of logarithms.

    The upper end of `estimate` is infinite where it lies beyond the axis, the lower one minus
    infinity (0 on a logarithmic axis); its `sd_log` is None, since it is not one of a ratio.
    """

    over: str
    scale: Scale
    points: tuple[float, ...]
    blocks: tuple[BlockCrossing, ...]
    incomplete: int
    """Blocks that do not count, since a point is missing in them."""
    estimate: Estimate
    sd: float | None = None

    def won(self, wins: Wins) -> int:
        """The number of blocks in which the first side wins everywhere, or nowhere."""
        return sum(block.wins == wins for block in self.blocks)

    @property
    def censored(self) -> bool:
        """Whether some block has no crossing on the axis."""
        return any(block.wins is not None for block in self.blocks)


@dataclass(frozen=True)
class Sides:
    """What is compared at one point of the axis: the keys of both cells."""

    at: float
    left: str
    right: str


def scale_of(over: str, points: Sequence[float]) -> Scale:
    """Linear over n and where a value is not positive, else logarithmic."""
    return "linear" if over in LINEAR_AXES or min(points) <= 0.0 else "log"


def rising(figures: Sequence[float]) -> list[float]:
    """The rising sequence nearest to the figures by least squares: pool adjacent violators."""
    pools: list[tuple[float, int]] = []
    for figure in figures:
        total, size = figure, 1
        while pools and pools[-1][0] * size >= total * pools[-1][1]:
            above, more = pools.pop()
            total, size = total + above, size + more
        pools.append((total, size))
    return [total / size for total, size in pools for _ in range(size)]


def crossing(places: Sequence[float], advantages: Sequence[float]) -> float | Wins:
    """Where the fitted advantage passes zero; a stretch that is exactly zero counts its middle.

    The fit must be negative at the first place and positive at the last: otherwise the first side
    wins "everywhere", or "nowhere". A fit of zero at an end has not been seen to cross.
    """
    fitted = rising(advantages)
    if fitted[-1] <= 0.0:
        return "nowhere"
    if fitted[0] >= 0.0:
        return "everywhere"
    last = max(i for i, d in enumerate(fitted) if d < 0.0)
    first = min(i for i, d in enumerate(fitted) if d > 0.0)
    if first - last > 1:
        return (places[last + 1] + places[first - 1]) / 2.0
    share = fitted[last] / (fitted[last] - fitted[first])
    return places[last] + share * (places[first] - places[last])


def find_crossover(
    samples: Index, over: str, sides: Sequence[Sides], metric: str, alpha: float
) -> Crossover:
    """The crossings of a run at confidence 1 - alpha. A block counts only with all its points."""
    points = tuple(side.at for side in sides)
    scale = scale_of(over, points)
    cells = [key for side in sides for key in (side.left, side.right)]
    begun = {block for key in cells for block in samples.valid(key)}
    rows = _advantages(samples, sides, metric)
    places = [math.log(at) for at in points] if scale == "log" else list(points)
    found = {block: crossing(places, row) for block, row in rows.items()}
    blocks = tuple(_block(block, at, scale) for block, at in sorted(found.items()))
    trials = [trial for key in cells for trial in samples.valid(key).values()]
    absent = withheld(trials, metric)
    if absent is None and not blocks:
        absent = f"no block has {metric} at every point of {over}"
    nothing = Estimate(0, None, None, None, None, alpha, absent)
    known = Crossover(over, scale, points, blocks, len(begun) - len(blocks), nothing)
    if absent is not None:
        return known
    if known.censored:
        estimate = _by_signs(list(found.values()), points, scale, alpha)
        return replace(known, estimate=estimate)
    return _by_t([at for at in found.values() if not isinstance(at, str)], known, alpha)


def _advantages(samples: Index, sides: Sequence[Sides], metric: str) -> dict[int, list[float]]:
    """d at every point, by block, of the blocks that have all points."""
    sign = 1.0 if metric_of(metric).more_is_better else -1.0
    columns = []
    for side in sides:
        left, right = samples.logs(side.left, metric), samples.logs(side.right, metric)
        columns.append({b: sign * (log - right[b]) for b, log in left.items() if b in right})
    whole = [block for block in columns[0] if all(block in column for column in columns)]
    return {block: [column[block] for column in columns] for block in whole}


def _block(block: int, at: float | Wins, scale: Scale) -> BlockCrossing:
    if isinstance(at, str):
        return BlockCrossing(block, None, at)
    return BlockCrossing(block, back(at, scale))


def back(place: float, scale: Scale) -> float:
    """From the scale to the axis."""
    if scale == "linear":
        return place
    return math.exp(place) if place < 709.0 else math.inf


def _by_t(places: Sequence[float], known: Crossover, alpha: float) -> Crossover:
    blocks = len(places)
    mean = math.fsum(places) / blocks
    middle = back(mean, known.scale)
    if blocks == 1:
        return replace(known, estimate=Estimate(1, middle, None, None, None, alpha))
    sd = deviation(places, mean)
    half = half_width(blocks, sd, alpha)
    low, high = (back(mean + end, known.scale) for end in (-half, half))
    return replace(known, estimate=Estimate(blocks, middle, low, high, None, alpha), sd=sd)


def _by_signs(
    places: Sequence[float | Wins], points: Sequence[float], scale: Scale, alpha: float
) -> Estimate:
    """The median over blocks, and the order statistics that enclose it at 1 - alpha.

    The mean is None where the median lies beyond the axis. A crossing beyond the axis is known to
    lie past its end and no more, so that a lower end is never past the last point.
    """
    ends = {"nowhere": math.inf, "everywhere": -math.inf}
    ordered = sorted(ends[at] if isinstance(at, str) else at for at in places)
    blocks = len(ordered)
    lower, upper = ordered[(blocks - 1) // 2], ordered[blocks // 2]
    middle = lower if lower == upper else (lower + upper) / 2.0
    mean = None if not math.isfinite(middle) else back(middle, scale)
    rank = _rank(blocks, alpha)
    if rank is None:
        return Estimate(blocks, mean, None, None, None, alpha)
    low = min(back(ordered[rank], scale), points[-1])
    high = max(back(ordered[blocks - 1 - rank], scale), points[0])
    return Estimate(blocks, mean, low, high, None, alpha)


def _rank(blocks: int, alpha: float) -> int | None:
    """The largest r for which the chance that at most r blocks lie below the median is alpha / 2.

    None if even the chance that none does is greater.
    """
    rank, below = None, 0.0
    for r in range((blocks + 1) // 2):
        below += math.comb(blocks, r) * 0.5**blocks
        if below > alpha / 2.0:
            break
        rank = r
    return rank


def blocks_for_signs(alpha: float) -> int:
    """The fewest blocks with which the sign test has an interval."""
    return next(b for b in range(FEWEST_BLOCKS, MOST_BLOCKS) if _rank(b, alpha) is not None)
