# SPDX-License-Identifier: BSD-3-Clause
"""Where one cell begins to beat another along an axis: pure, no input or output.

In each block the advantage d(x) of the first side is the logarithm of the ratio, turned so that
positive means that the first side wins; between two points of the axis it is interpolated. At every
place Student's t over blocks says whether d differs from 0. The interval of the crossing is made of
the places where it does not (Fieller 1954): left of it the first side loses, right of it it wins.
Since the interpolated d is a weighted sum of what was measured, this is as exact as the interval of
a ratio; to claim that the crossing lies above 15 is to claim that the first side still loses there.

The crossing of each block, of the rising curve nearest to its points (isotonic regression: Barlow
and others 1972), is told too, but no interval is made of these: where the curve bends, their mean
is off, so that with twenty blocks of noisy trials an interval of them covered the truth in 86 of
100 runs instead of 95 (docs/statistics.md). A block in which the first side wins at every point,
or at none, has no crossing, and needs none: it takes part in d at every place.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fibench.metrics import metric_of
from fibench.verdict.estimate import Estimate
from fibench.verdict.foreign.widening import Gain, Widened, gain, of_sides, trials_of, who
from fibench.verdict.looks import Looks, critical
from fibench.verdict.sample import Index, withheld

Spacing = Literal["linear", "log"]
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
    """The crossing that a run shows, with its interval on the axis.

    An end of `estimate` is infinite (0 at the low end of a logarithmic axis) where the points do
    not bound it; its mean is None if the mean curve does not cross. Its `sd_log` is None, since it
    is not that of a ratio.
    """

    over: str
    scale: Spacing
    points: tuple[float, ...]
    blocks: tuple[BlockCrossing, ...]
    incomplete: int
    """Blocks that do not count, since a point is missing in them."""
    estimate: Estimate
    half: float | None = None
    """Half the width of the interval, on the scale; None if an end is missing."""
    falls: bool = False
    """The first side clearly wins at the first point, or loses at the last, and not throughout: the
    advantage does not rise along the axis, and an interval would say nothing."""

    def won(self, wins: Wins) -> int:
        """The number of blocks in which the first side wins everywhere, or nowhere."""
        return sum(block.wins == wins for block in self.blocks)

    def equivalent_sd(self) -> float | None:
        """The standard deviation over blocks, on the scale, that gives an interval so wide."""
        if self.half is None:
            return None
        blocks = self.estimate.blocks
        errors = critical(blocks, self.estimate.alpha, self.estimate.looks)
        return self.half * math.sqrt(blocks) / errors


@dataclass(frozen=True)
class Sides:
    """What is compared at one point of the axis: the keys of both cells."""

    at: float
    left: str
    right: str


def scale_of(over: str, points: Sequence[float]) -> Spacing:
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
    samples: Index,
    over: str,
    sides: Sequence[Sides],
    metric: str,
    alpha: float,
    looks: Looks | None = None,
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
    hidden = withheld(samples, cells, begun, metric)
    absent, bounded = (None, False) if hidden is None else (hidden.says, hidden.bounded)
    if absent is None and not blocks:
        absent = f"no block has {metric} at every point of {over}"
    nothing = Estimate(0, None, None, None, None, alpha, absent, looks, bounded=bounded)
    known = Crossover(over, scale, points, blocks, len(begun) - len(blocks), nothing)
    if absent is not None:
        return known
    curves = list(rows.values())
    mean = [math.fsum(d) / len(curves) for d in zip(*curves, strict=True)]
    at = crossing(places, mean)
    middle = None if isinstance(at, str) else back(at, scale)
    if len(curves) == 1:
        return replace(known, estimate=replace(nothing, blocks=1, mean=middle))
    grains = _grains(samples, sides, metric)
    errors = critical(len(curves), alpha, looks)
    ends = _not_decided(places, mean, curves, grains, errors)
    if ends is None:
        return replace(known, falls=True, estimate=replace(nothing, blocks=len(curves)))
    half = (ends[1] - ends[0]) / 2.0
    estimate = replace(nothing, blocks=len(curves), mean=middle)
    estimate = replace(estimate, low=back(ends[0], scale), high=back(ends[1], scale))
    gains = [_gain(samples, side, rows, metric) for side in sides]
    if any(moved.up or moved.down for moved in gains):
        ups, downs = [moved.up for moved in gains], [-moved.down for moved in gains]
        # The first side may have done better everywhere, and begin to win before; or worse.
        first, last = (
            _not_decided(places, _plus(mean, by), [_plus(d, by) for d in curves], grains, errors)
            for by in (ups, downs)
        )
        low = -math.inf if first is None else min(ends[0], first[0])
        high = math.inf if last is None else max(ends[1], last[1])
        who_else = who(trials_of(samples, cells, rows))
        estimate = _widened(estimate, back(low, scale), back(high, scale), who_else)
    return replace(known, estimate=estimate, half=half if math.isfinite(half) else None)


def _widened(
    estimate: Estimate, low: float, high: float, who_else: tuple[float, tuple[str, ...]]
) -> Estimate:
    """The estimate with these ends, as what others used may have moved them."""
    assert estimate.low is not None
    assert estimate.high is not None
    before = Widened(estimate.low, estimate.high, *who_else)
    return replace(estimate, low=low, high=high, widened=before)


def _grains(samples: Index, sides: Sequence[Sides], metric: str) -> list[float]:
    """The standard deviation of d at each point that counting whole replies alone gives."""
    return [
        math.hypot(samples.grain(side.left, metric), samples.grain(side.right, metric))
        for side in sides
    ]


def _gain(samples: Index, side: Sides, blocks: Collection[int], metric: str) -> Gain:
    """By how much d can have been higher, and lower, at a point."""
    left, right = (gain(samples, key, blocks, metric) for key in (side.left, side.right))
    moved = of_sides(left, right)
    return moved if metric_of(metric).more_is_better else Gain(moved.down, moved.up)


def _plus(figures: Sequence[float], more: Sequence[float]) -> list[float]:
    return [figure + by for figure, by in zip(figures, more, strict=True)]


def _advantages(samples: Index, sides: Sequence[Sides], metric: str) -> dict[int, list[float]]:
    """d at every point, by block, of the blocks that have all points."""
    sign = 1.0 if metric_of(metric).more_is_better else -1.0
    columns = []
    for side in sides:
        left, right = samples.logs(side.left, metric), samples.logs(side.right, metric)
        columns.append({b: sign * (log - right[b]) for b, log in left.items() if b in right})
    whole = [block for block in columns[0] if all(block in column for column in columns)]
    return {block: [column[block] for column in columns] for block in whole}


def _block(block: int, at: float | Wins, scale: Spacing) -> BlockCrossing:
    if isinstance(at, str):
        return BlockCrossing(block, None, at)
    return BlockCrossing(block, back(at, scale))


def back(place: float, scale: Spacing) -> float:
    """From the scale to the axis."""
    if scale == "linear":
        return place
    return math.exp(place) if place < 709.0 else math.inf


def _not_decided(
    places: Sequence[float],
    mean: Sequence[float],
    curves: Sequence[Sequence[float]],
    grains: Sequence[float],
    errors: float,
) -> tuple[float, float] | None:
    """The first and the last place at which d does not differ from 0; None if d does not rise.

    An end is infinite where the first or last point is not decided itself. If all points are
    decided for the same side, the crossing lies beyond the axis.
    """
    decided, found = undecided(places, mean, curves, grains, errors)
    last = len(places) - 1
    if not found:
        return (-math.inf, places[0]) if mean[0] > 0.0 else (places[last], math.inf)
    if (decided[0] and mean[0] > 0.0) or (decided[last] and mean[last] < 0.0):
        return None
    low = min(found) if decided[0] else -math.inf
    return low, max(found) if decided[last] else math.inf


def undecided(
    places: Sequence[float],
    mean: Sequence[float],
    curves: Sequence[Sequence[float]],
    grains: Sequence[float],
    errors: float,
) -> tuple[list[bool], list[float]]:
    """Whether d differs from 0 at each point, and where the stretches begin and end in which it
    does not.

    It differs if it is more than so many standard `errors` away. On a segment, with share s of its
    right end, the mean is linear in s and the variance quadratic, so that mean² = errors² variance
    / blocks is a quadratic equation.
    """
    blocks = len(curves)
    reach = errors**2 / (blocks * (blocks - 1))
    off = [[d - m for d, m in zip(curve, mean, strict=True)] for curve in curves]

    def spread(i: int, j: int) -> float:
        squares = math.fsum(curve[i] * curve[j] for curve in off)
        return reach * (max(squares, (blocks - 1) * grains[i] ** 2) if i == j else squares)

    last = len(places) - 1
    decided = [mean[i] ** 2 > spread(i, i) for i in range(last + 1)]
    found = [place for place, sure in zip(places, decided, strict=True) if not sure]
    for i in range(last):
        j = i + 1
        step, change = mean[j] - mean[i], spread(i, j) - spread(i, i)
        square = step**2 - (spread(j, j) - 2.0 * spread(i, j) + spread(i, i))
        shares = _roots(square, 2.0 * (mean[i] * step - change), mean[i] ** 2 - spread(i, i))
        # Where d does not vary there is nothing but the zero of its mean.
        if mean[i] * mean[j] < 0.0:
            shares.append(mean[i] / (mean[i] - mean[j]))
        found += [places[i] + s * (places[j] - places[i]) for s in shares if 0.0 <= s <= 1.0]
    return decided, found


def _roots(a: float, b: float, c: float) -> list[float]:
    """The real solutions of a x² + b x + c = 0, none of them lost to cancellation."""
    inside = b * b - 4.0 * a * c
    if inside < 0.0:
        return []
    q = -0.5 * (b + math.copysign(math.sqrt(inside), b))
    return [part / whole for part, whole in ((q, a), (c, q)) if whole != 0.0]
