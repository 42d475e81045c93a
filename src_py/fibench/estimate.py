# SPDX-License-Identifier: BSD-3-Clause
"""From samples to estimates with intervals: pure, no input or output.

The server process is the unit: one trial of one cell in one block is one sample. Throughputs,
times and sizes are compared as ratios, so everything is done on logarithms, paired by block, with
Student's t over blocks. Counts, which may be zero and have no logarithm, are ranged and summed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

CONFIDENCE = 0.95
FEWEST_BLOCKS = 3
"""With fewer complete blocks than this no verdict is given."""
MOST_BLOCKS = 1000
"""No run is advised to use more blocks than this."""

Unit = Literal["1/s", "s", "cores", "bytes", "count", "1/request"]


@dataclass(frozen=True)
class Metric:
    """One thing that a trial measures.

    `least_requests` is the one place that says when a percentile may be shown: every trial that it
    rests on must have counted that many replies. A tail percentile needs ten replies beyond it; the
    median, which does not rest on a tail, needs ten in all.
    """

    name: str
    unit: Unit
    least_requests: int = 0

    @property
    def is_count(self) -> bool:
        """Whether it is a whole number that may be zero, found in `Sample.counts`."""
        return self.unit == "count"

    @property
    def name_with_unit(self) -> str:
        """The name used in JSON, as `p50_s` or `throughput_per_s`; `cores` and counts are bare."""
        suffix = {
            "1/s": "_per_s",
            "s": "_s",
            "bytes": "_bytes",
            "cores": "",
            "count": "",
            "1/request": "",
        }
        return self.name + suffix[self.unit]


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("throughput", "1/s"),
        Metric("wall", "s"),
        Metric("p50", "s", least_requests=10),
        Metric("p90", "s", least_requests=100),
        Metric("p99", "s", least_requests=1000),
        Metric("p999", "s", least_requests=10_000),
        Metric("max", "s", least_requests=1),
        Metric("cores", "cores"),
        Metric("cpu_per_request", "s"),
        Metric("memory", "bytes"),
        Metric("memory_peak", "bytes"),
        Metric("switches_per_request", "1/request"),
        Metric("syscalls_per_request", "1/request"),
        Metric("refused", "count"),
        Metric("errors", "count"),
    )
}


@dataclass(frozen=True)
class Sample:
    """What one trial gave.

    `metrics` are in base units (s, bytes, 1/s, cores; `cpu_per_request` in s). None means that it
    could not be measured, and is never taken for zero. `counts` holds at least `window_ok`, the
    replies counted inside the window; a count that is missing is not known.
    """

    cell_key: str
    block: int
    valid: bool
    reason: str | None
    metrics: Mapping[str, float | None]
    counts: Mapping[str, int]
    bound: str | None = None
    """Why the load generator, not the server, was the limit of this trial; None: it was not."""
    lag_p99_s: float | None = None
    """Open loop: the 99th percentile of the generator's own lag."""
    halves: tuple[int, int] | None = None
    """Replies in the first and the second half of the window."""


@dataclass(frozen=True)
class Estimate:
    """A geometric mean over blocks with its interval: a ratio, or a value in base units.

    `mean` is None when nothing could be said, and `absent` says why in one line. `low`, `high` and
    `sd_log`, the standard deviation of the logarithms over blocks, are None with fewer than two
    blocks. The interval is at confidence 1 - `alpha`.
    """

    blocks: int
    mean: float | None
    low: float | None
    high: float | None
    sd_log: float | None
    alpha: float
    absent: str | None = None

    @property
    def detectable(self) -> float | None:
        """The smallest relative effect that could have been seen: 0.08 means 8 %."""
        if self.sd_log is None:
            return None
        return _exp(half_width(self.blocks, self.sd_log, self.alpha)) - 1.0


@dataclass(frozen=True)
class CountRange:
    """A count over blocks. With no block, `least`, `most` and `total` are None."""

    blocks: int
    least: int | None
    most: int | None
    total: int | None


@dataclass(frozen=True)
class CellSummary:
    """What is known of one cell: how many trials count, and every metric over them."""

    cell_key: str
    valid: int
    invalid: int
    reason: str | None
    estimates: Mapping[str, Estimate]
    counts: Mapping[str, CountRange]


@lru_cache(maxsize=4096)
def t_quantile(probability: float, degrees: int) -> float:
    """Student's t with `degrees` of freedom: the value it stays below with `probability`.

    Only scipy.special is loaded, and only when needed: scipy.stats takes a second to import.
    """
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def half_width(blocks: int, sd_log: float, alpha: float) -> float:
    """Half the width of the interval, on logarithms, for that many blocks (at least two)."""
    return t_quantile(1.0 - alpha / 2.0, blocks - 1) * sd_log / math.sqrt(blocks)


def blocks_needed(target_log: float, sd_log: float, alpha: float) -> int | None:
    """The fewest blocks whose interval reaches no further than `target_log` to either side.

    None if MOST_BLOCKS would not do. The spread is taken to stay as it was.
    """
    if target_log <= 0.0 or half_width(MOST_BLOCKS, sd_log, alpha) > target_log:
        return None
    enough, too_few = MOST_BLOCKS, FEWEST_BLOCKS - 1
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        if half_width(middle, sd_log, alpha) <= target_log:
            enough = middle
        else:
            too_few = middle
    return enough


def value(samples: Iterable[Sample], cell_key: str, metric: str, alpha: float) -> Estimate:
    """The geometric mean of a metric of one cell over its valid trials, at confidence 1 - alpha."""
    trials = valid_by_block(samples, cell_key)
    absent = too_few_requests(trials.values(), metric)
    if absent is not None:
        return _absent(absent, alpha)
    logs = [log for trial in trials.values() if (log := _log(trial, metric)) is not None]
    return _from_logs(logs, alpha, f"{metric} was not measured")


def contrast(
    samples: Iterable[Sample], left: str, right: str, metric: str, alpha: float
) -> Estimate:
    """The ratio left ÷ right of a metric, paired by block, at confidence 1 - alpha.

    Only the blocks count in which both trials are valid and both have the metric.
    """
    samples = tuple(samples)
    lefts, rights = valid_by_block(samples, left), valid_by_block(samples, right)
    pairs = [(lefts[block], rights[block]) for block in sorted(lefts.keys() & rights.keys())]
    absent = too_few_requests([trial for pair in pairs for trial in pair], metric)
    if absent is not None:
        return _absent(absent, alpha)
    logs = [
        above - below
        for one, other in pairs
        if (above := _log(one, metric)) is not None and (below := _log(other, metric)) is not None
    ]
    return _from_logs(logs, alpha, f"{metric} was not measured on both sides of any block")


def paired_values(
    samples: Iterable[Sample], left: str, right: str, metric: str
) -> tuple[float | None, float | None]:
    """The geometric means of both sides over the blocks that `contrast` uses.

    Their ratio is the contrast's mean. (None, None) if there is no such block.
    """
    samples = tuple(samples)
    lefts, rights = valid_by_block(samples, left), valid_by_block(samples, right)
    pairs = [
        (one, other)
        for block in sorted(lefts.keys() & rights.keys())
        if (one := _log(lefts[block], metric)) is not None
        and (other := _log(rights[block], metric)) is not None
    ]
    if not pairs:
        return None, None
    return (
        math.exp(math.fsum(one for one, _ in pairs) / len(pairs)),
        math.exp(math.fsum(other for _, other in pairs) / len(pairs)),
    )


def count(samples: Iterable[Sample], cell_key: str, name: str) -> CountRange:
    """A count of one cell over the valid trials that know it."""
    return count_range(
        trial.counts[name]
        for trial in valid_by_block(samples, cell_key).values()
        if name in trial.counts
    )


def count_range(values: Iterable[int]) -> CountRange:
    """The range and the sum of one count per block."""
    known = list(values)
    if not known:
        return CountRange(0, None, None, None)
    return CountRange(len(known), min(known), max(known), sum(known))


def summarise(
    samples: Iterable[Sample], cell_keys: Sequence[str], confidence: float = CONFIDENCE
) -> tuple[CellSummary, ...]:
    """One summary per cell, in the order of `cell_keys`, every metric and count in it.

    These intervals stand each for itself; those of claims are simultaneous, and wider.
    """
    by_cell: dict[str, list[Sample]] = {key: [] for key in cell_keys}
    for sample in samples:
        if sample.cell_key in by_cell:
            by_cell[sample.cell_key].append(sample)
    return tuple(_summary(key, own, 1.0 - confidence) for key, own in by_cell.items())


def most_frequent_reason(samples: Iterable[Sample]) -> str | None:
    """Why trials were invalid: the commonest reason, the first by name among equals."""
    reasons = Counter(trial.reason or "no reason given" for trial in samples if not trial.valid)
    if not reasons:
        return None
    return min(reasons, key=lambda reason: (-reasons[reason], reason))


def valid_by_block(samples: Iterable[Sample], cell_key: str) -> dict[int, Sample]:
    """The valid trials of one cell by block, in the order of blocks.

    Raises ValueError if a block has two: then someone counted an attempt twice.
    """
    found: dict[int, Sample] = {}
    for sample in samples:
        if sample.cell_key == cell_key and sample.valid:
            if sample.block in found:
                raise ValueError(f"cell {cell_key} has two samples in block {sample.block}")
            found[sample.block] = sample
    return dict(sorted(found.items()))


def too_few_requests(trials: Iterable[Sample], metric: str) -> str | None:
    """Why a percentile may not be shown for these trials, or None if it may.

    One trial that is too short withholds it for all: to leave out just the trials with few replies
    would be to leave out the slow ones.
    """
    least = METRICS[metric].least_requests
    if all(trial.counts.get("window_ok", 0) >= least for trial in trials):
        return None
    return f"{metric} needs {least} replies in every trial"


def _summary(key: str, samples: Sequence[Sample], alpha: float) -> CellSummary:
    valid = sum(trial.valid for trial in samples)
    names = sorted({name for trial in samples for name in trial.counts})
    return CellSummary(
        cell_key=key,
        valid=valid,
        invalid=len(samples) - valid,
        reason=most_frequent_reason(samples),
        estimates={
            metric.name: value(samples, key, metric.name, alpha)
            for metric in METRICS.values()
            if not metric.is_count
        },
        counts={name: count(samples, key, name) for name in names},
    )


def _log(trial: Sample, metric: str) -> float | None:
    """The logarithm of a metric; None if it is absent, not finite, zero or negative."""
    figure = trial.metrics.get(metric)
    if figure is None or not math.isfinite(figure) or figure <= 0.0:
        return None
    return math.log(figure)


def _absent(reason: str, alpha: float) -> Estimate:
    return Estimate(0, None, None, None, None, alpha, reason)


def _from_logs(logs: Sequence[float], alpha: float, if_none: str) -> Estimate:
    if not logs:
        return _absent(if_none, alpha)
    blocks = len(logs)
    mean = math.fsum(logs) / blocks
    if blocks == 1:
        return Estimate(1, _exp(mean), None, None, None, alpha)
    sd_log = math.sqrt(math.fsum((log - mean) ** 2 for log in logs) / (blocks - 1))
    half = half_width(blocks, sd_log, alpha)
    return Estimate(blocks, _exp(mean), _exp(mean - half), _exp(mean + half), sd_log, alpha)


def _exp(log: float) -> float:
    """exp, but infinite where it overflows: two wild blocks have an interval that wide."""
    try:
        return math.exp(log)
    except OverflowError:
        return math.inf
