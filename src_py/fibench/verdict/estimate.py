# SPDX-License-Identifier: BSD-3-Clause
"""From samples to estimates with intervals: pure, no input or output.

The server process is the unit: one trial of one cell in one block is one sample. Throughputs,
times and sizes are compared as ratios, so everything is done on logarithms, paired by block, with
Student's t over blocks. Counts, which may be zero and have no logarithm, are ranged and summed.
docs/statistics.md says how well that works on figures that real servers gave.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fibench.json_values import finite
from fibench.metrics import GROUP_METRICS, METRICS, Metric, Unit, in_group, metric_of
from fibench.verdict import bounds
from fibench.verdict.foreign.widening import Gain, Widened, gain, of_sides, trials_of, who
from fibench.verdict.looks import Looks, half_width, seen_from, t_quantile
from fibench.verdict.sample import BOUNDED, Index, Sample, index, most_frequent_reason, withheld
from fibench.verdict.watched import batches

__all__ = [
    "METRICS",
    "CellSummary",
    "CountRange",
    "Estimate",
    "Index",
    "Metric",
    "Sample",
    "Unit",
    "index",
    "most_frequent_reason",
    "t_quantile",
]

CONFIDENCE = 0.95
NO_LOOKS: Mapping[str, Looks] = {}


@dataclass(frozen=True)
class Estimate:
    """A geometric mean over blocks with its interval: a ratio, or a value in base units.

    `mean` is None when nothing could be said, and `absent` says why in one line. `low`, `high` and
    `sd_log`, the standard deviation of the logarithms over blocks, are None with fewer than two
    blocks. The interval is at confidence 1 - `alpha`, at all `looks` together if there are several.
    """

    blocks: int
    mean: float | None
    low: float | None
    high: float | None
    sd_log: float | None
    alpha: float
    absent: str | None = None
    looks: Looks | None = None
    at_least: float | None = None
    """Where only bounds are known (bounds.py) there is no mean, and an end may be 0 or infinite:
    the geometric mean of the lower bounds, None where one is not known…"""
    at_most: float | None = None
    """…and of the upper ones."""
    widened: Widened | None = None
    """The interval as it was before it was widened for what others used; None: it was not."""
    bounded: bool = False
    """It is absent since so much alone is known: of which longer windows would tell no more."""
    slices: int = 0
    """It is of one trial alone, and the interval of so many slices of that (watched/batches.py),
    an arithmetic mean; 0: of blocks."""

    def is_enough(self, fewest: int) -> bool:
        """Whether it has the blocks for a verdict; what is of slices needs one trial alone."""
        return self.slices > 0 or self.blocks >= fewest

    @property
    def is_bound(self) -> bool:
        """Whether only bounds are known."""
        return self.at_least is not None or self.at_most is not None

    @property
    def widening(self) -> float:
        """By how much the end that was moved most was moved: a logarithm."""
        before, low, high = self.widened, self.low, self.high
        if before is None or low is None or high is None:
            return 0.0
        up = 0.0 if high == before.high else _log(high) - _log(before.high)
        down = 0.0 if low == before.low else _log(before.low) - _log(low)
        return max(up, down)

    @property
    def detectable(self) -> float | None:
        """The smallest relative effect that such a run sees in 80 of 100: 0.08 means 8 %."""
        if self.sd_log is None or math.isinf(self.widening):
            return None
        seen = seen_from(self.blocks, self.sd_log, self.alpha, self.looks)
        return exp(seen + self.widening) - 1.0


@dataclass(frozen=True)
class CountRange:
    """A count over blocks. With no block, `least`, `most` and `total` are None."""

    blocks: int
    least: int | None
    most: int | None
    total: int | None


@dataclass(frozen=True)
class CellSummary:
    """What is known of one cell: how many trials count, and every metric over them.

    What its client groups gave stands among the rest, under names as "small/p99".
    """

    cell_key: str
    valid: int
    invalid: int
    reason: str | None
    estimates: Mapping[str, Estimate]
    counts: Mapping[str, CountRange]
    groups: tuple[str, ...] = ()
    """The client groups that ask, in their order."""
    invalid_outcomes: Mapping[str, int] = field(default_factory=dict)
    """How the requests of the trials that do not count ended, in all."""


def known_ends(
    low: float | None, high: float | None, *, linear: bool = False
) -> tuple[float | None, float | None]:
    """The ends of an interval as programs are told them, None for one that there is not.

    Where figures are compared by ratios, which is everywhere but on a `linear` axis, one without a
    lower end begins at 0.
    """
    begins = finite(low)
    return None if begins == 0.0 and not linear else begins, finite(high)


def value(
    samples: Iterable[Sample] | Index,
    cell_key: str,
    metric: str,
    alpha: float,
    looks: Looks | None = None,
) -> Estimate:
    """The geometric mean of a metric of one cell over its valid trials, at confidence 1 - alpha."""
    samples = index(samples)
    if batches.of_slices(metric):
        return _watched(batches.share_seen(samples.watched(cell_key), metric, alpha), alpha)
    blocks = samples.valid(cell_key)
    if bounds.are_all_there_is(samples, (cell_key,), blocks, metric):
        found = _between(bounds.ends_of(samples, cell_key, metric), alpha, looks)
        return widen(found, gain(samples, cell_key, blocks, metric), samples, [cell_key], blocks)
    absent = withheld(samples, (cell_key,), blocks, metric)
    if absent is not None:
        return _absent(absent.says, alpha, bounded=absent.bounded)
    logs, grain = samples.logs(cell_key, metric), samples.grain(cell_key, metric)
    found = from_logs(list(logs.values()), alpha, samples.none_of(metric, cell_key), grain, looks)
    found = widen(found, gain(samples, cell_key, logs, metric), samples, [cell_key], logs)
    above_all = metric_of(metric).is_share and found.high is not None and found.high > 1.0
    return replace(found, high=1.0) if above_all else found


def contrast(
    samples: Iterable[Sample] | Index,
    left: str,
    right: str,
    metric: str,
    alpha: float,
    looks: Looks | None = None,
) -> Estimate:
    """The ratio left ÷ right of a metric, paired by block, at confidence 1 - alpha.

    Only the blocks count in which both trials are valid and both have the metric.
    """
    samples = index(samples)
    if batches.of_slices(metric):
        sides = samples.watched(left), samples.watched(right)
        return _watched(batches.ratio(*sides, metric, alpha), alpha)
    shared = samples.valid(left).keys() & samples.valid(right).keys()
    if bounds.are_all_there_is(samples, (left, right), shared, metric):
        of_left, of_right = (bounds.ends_of(samples, key, metric) for key in (left, right))
        found = _between(of_left.over(of_right), alpha, looks)
        moved = of_sides(gain(samples, left, shared, metric), gain(samples, right, shared, metric))
        return widen(found, moved, samples, [left, right], shared)
    absent = withheld(samples, (left, right), shared, metric)
    if absent is not None:
        return _absent(absent.says, alpha, bounded=absent.bounded)
    above, below = samples.logs(left, metric), samples.logs(right, metric)
    logs = {block: log - below[block] for block, log in above.items() if block in below}
    grain = math.hypot(samples.grain(left, metric), samples.grain(right, metric))
    none = samples.none_of(metric, left, right)
    found = from_logs(list(logs.values()), alpha, none, grain, looks)
    moved = of_sides(gain(samples, left, logs, metric), gain(samples, right, logs, metric))
    return widen(found, moved, samples, [left, right], logs)


def widen(
    estimate: Estimate,
    moved: Gain,
    samples: Index,
    cells: Sequence[str],
    blocks: Collection[int],
) -> Estimate:
    """The estimate with its interval widened for what others used beside these trials."""
    low, high = estimate.low, estimate.high
    if low is None or high is None or not (moved.up or moved.down):
        return estimate
    foreign, names = who(trials_of(samples, cells, blocks))
    return replace(
        estimate,
        low=low * exp(-moved.down),
        high=high * exp(moved.up),
        widened=Widened(low, high, foreign, names),
    )


def paired_values(
    samples: Iterable[Sample] | Index, left: str, right: str, metric: str
) -> tuple[float | None, float | None]:
    """The geometric means of both sides over the blocks that `contrast` uses.

    Their ratio is the contrast's mean. (None, None) if there is no such block.
    """
    samples = index(samples)
    if batches.of_slices(metric):
        one, other = (value(samples, key, metric, 1.0 - CONFIDENCE) for key in (left, right))
        return one.mean, other.mean
    above, below = samples.logs(left, metric), samples.logs(right, metric)
    blocks = [block for block in above if block in below]
    if not blocks:
        return None, None
    return (
        math.exp(math.fsum(above[block] for block in blocks) / len(blocks)),
        math.exp(math.fsum(below[block] for block in blocks) / len(blocks)),
    )


def count(samples: Iterable[Sample] | Index, cell_key: str, name: str) -> CountRange:
    """A count of one cell over the valid trials that know it."""
    trials = index(samples).valid(cell_key).values()
    return count_range(trial.counts[name] for trial in trials if name in trial.counts)


def count_range(values: Iterable[int]) -> CountRange:
    """The range and the sum of one count per block."""
    known = list(values)
    if not known:
        return CountRange(0, None, None, None)
    return CountRange(len(known), min(known), max(known), sum(known))


def summarise(
    samples: Iterable[Sample] | Index,
    cell_keys: Sequence[str],
    confidence: float = CONFIDENCE,
    looks: Mapping[str, Looks] = NO_LOOKS,
) -> tuple[CellSummary, ...]:
    """One summary per cell, in the order of `cell_keys`, every metric and count in it.

    These intervals stand each for itself; those of claims are simultaneous, and wider. `looks` has
    the cells whose number of blocks hung on what was measured.
    """
    samples, alpha = index(samples), 1.0 - confidence
    keys = dict.fromkeys(cell_keys)
    return tuple(_summary(key, samples, alpha, looks.get(key)) for key in keys)


def _summary(key: str, samples: Index, alpha: float, looks: Looks | None) -> CellSummary:
    trials = samples.all(key)
    valid = len(samples.valid(key))
    failed: Counter[str] = Counter()
    for trial in trials:
        if not trial.valid:
            failed.update(trial.outcomes)
    names = sorted({name for trial in trials for name in trial.counts})
    groups = _groups(trials)
    metrics = [metric.name for metric in METRICS.values() if not metric.is_count]
    metrics += [in_group(group, name) for group in groups for name in GROUP_METRICS]
    return CellSummary(
        cell_key=key,
        valid=valid,
        invalid=len(trials) - valid,
        reason=most_frequent_reason(trials),
        estimates={metric: value(samples, key, metric, alpha, looks) for metric in metrics},
        counts={name: count(samples, key, name) for name in names},
        groups=groups,
        invalid_outcomes={name: total for name, total in failed.items() if total},
    )


def _groups(trials: Iterable[Sample]) -> tuple[str, ...]:
    """The groups that ask, in the order of the file: an idle one has counts only."""
    found: dict[str, None] = {}
    for trial in trials:
        for key in trial.metrics:
            group, slash, _ = key.rpartition("/")
            if slash:
                found[group] = None
    return tuple(found)


def from_logs(
    logs: Sequence[float],
    alpha: float,
    if_none: str = "",
    grain: float = 0.0,
    looks: Looks | None = None,
) -> Estimate:
    """The estimate of logarithms, one per block; without any, it is absent for that reason.

    Figures that cannot be finer than `grain`, a standard deviation, are not taken to vary less.
    """
    if not logs:
        return _absent(if_none, alpha)
    blocks = len(logs)
    mean = math.fsum(logs) / blocks
    if blocks == 1:
        return Estimate(1, exp(mean), None, None, None, alpha, looks=looks)
    sd_log = max(deviation(logs, mean), grain)
    half = half_width(blocks, sd_log, alpha, looks)
    low, high = exp(mean - half), exp(mean + half)
    return Estimate(blocks, exp(mean), low, high, sd_log, alpha, looks=looks)


def _between(ends: bounds.Between, alpha: float, looks: Looks | None) -> Estimate:
    """The estimate of a figure that lies between two in each block; one of them may be infinite."""
    low, high = (list(logs.values()) for logs in (ends.low, ends.high))
    least, most = (
        from_logs(logs, alpha, looks=looks) if all(map(math.isfinite, logs)) else None
        for logs in (low, high)
    )
    if least is None and most is None:
        anything = f"of both sides {BOUNDED} are known: their ratio may be anything"
        return _absent(anything, alpha, bounded=True)
    return Estimate(
        blocks=len(low),
        mean=None,
        low=least.low if least else 0.0,
        high=most.high if most else math.inf,
        sd_log=None,
        alpha=alpha,
        looks=looks,
        at_least=least.mean if least else None,
        at_most=most.mean if most else None,
    )


def deviation(figures: Sequence[float], mean: float) -> float:
    """The standard deviation of at least two figures about their mean."""
    return math.sqrt(math.fsum((figure - mean) ** 2 for figure in figures) / (len(figures) - 1))


def _watched(found: batches.Batches | str, alpha: float) -> Estimate:
    """The estimate of what one trial saw of itself."""
    if isinstance(found, str):
        return _absent(found, alpha)
    return Estimate(1, found.mean, found.low, found.high, None, alpha, slices=found.slices)


def _absent(reason: str, alpha: float, *, bounded: bool = False) -> Estimate:
    return Estimate(0, None, None, None, None, alpha, reason, bounded=bounded)


def _log(figure: float) -> float:
    """log, infinite where it is: of 0, and of what has overflowed."""
    return math.log(figure) if figure > 0.0 else -math.inf


def exp(log: float) -> float:
    """exp, but infinite where it overflows: two wild blocks have an interval that wide."""
    try:
        return math.exp(log)
    except OverflowError:
        return math.inf
