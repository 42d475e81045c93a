# SPDX-License-Identifier: BSD-3-Clause
"""Shares of thread-time with intervals, from the ten slices of one trial: batch means. Pure.

The share is that of the whole window; how far it is from what a longer one would have had, its
slices tell: Student's t over their shares, with 9 degrees of freedom. The interval is of that one
server, which was watched, in that state: not of further starts of it, which vary more than slices
do, nor of the server under the timed load, which nobody samples. Slices that are shorter than what
goes on in them are not independent of each other: then it is too narrow.

Source: B. Schmeiser, Batch Size Effects in the Analysis of Simulation Output, Operations Research
30 (1982), 556-568: ten to thirty batches do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from fibench.metrics import metric_of
from fibench.record import WAITS
from fibench.verdict.looks import t_quantile

if TYPE_CHECKING:
    from fibench.timeline import ThreadTime

_FEWEST_SLICES = 2


class Batches(NamedTuple):
    """A share, or the ratio of two, with its interval, and of how many slices that is."""

    mean: float
    low: float
    high: float
    slices: int


class _Share(NamedTuple):
    """A share of one trial."""

    mean: float
    error: float
    """Its standard error."""
    slices: int


def of_slices(key: str) -> bool:
    """Whether a metric is known of one trial that was not timed, by its slices."""
    return metric_of(key).of_role == "timeline"


def share_seen(seen: ThreadTime | None, metric: str, alpha: float) -> Batches | str:
    """A share at confidence 1 - alpha, or why there is none. It is never above 1, nor below the
    least that counts, as shares of blocks are not: who compares figures does so by ratios."""
    found = _share(seen, metric)
    if isinstance(found, str):
        return found
    half = t_quantile(1.0 - alpha / 2.0, found.slices - 1) * found.error
    least = metric_of(metric).least
    low, high = max(least, found.mean - half), max(least, min(1.0, found.mean + half))
    return Batches(max(least, found.mean), low, high, found.slices)


def ratio(
    left: ThreadTime | None, right: ThreadTime | None, metric: str, alpha: float
) -> Batches | str:
    """left ÷ right of a share at confidence 1 - alpha, or why there is none.

    The two were watched one after the other: Welch's t on their logarithms, whose errors are those
    of the shares relative to them (the delta method).
    """
    above, below = _share(left, metric), _share(right, metric)
    if isinstance(above, str):
        return above
    if isinstance(below, str):
        return below
    if not above.mean or not below.mean:
        return f"{metric} is 0 on one side: it has no ratio; a claim can be about each by itself"
    mean, slices = above.mean / below.mean, min(above.slices, below.slices)
    squares = [(one.error / one.mean) ** 2 for one in (above, below)]
    error = math.sqrt(math.fsum(squares))
    parts = zip(squares, (above, below), strict=True)
    rest = math.fsum(square**2 / (one.slices - 1) for square, one in parts)
    half = t_quantile(1.0 - alpha / 2.0, error**4 / rest) * error if rest else 0.0
    return Batches(mean, mean * math.exp(-half), mean * math.exp(half), slices)


def _share(seen: ThreadTime | None, metric: str) -> _Share | str:
    """A share of what was seen of a server, or why it is not known."""
    state = WAITS[metric]
    if seen is None:
        return f"{metric} was not measured: its server was not watched"
    if seen.absent is not None:
        return f"{metric} was not measured: {seen.absent}"
    if state not in seen.shares:
        return "; ".join([f"{metric} was not measured", *seen.unknown])
    known = [one[state] for one in seen.slices if state in one]
    if len(known) < _FEWEST_SLICES:
        return f"{metric} was not measured: threads were there in {len(known)} of ten slices"
    spread = max(_deviation(known), _grain(seen))
    return _Share(seen.shares[state], spread / math.sqrt(len(known)), len(known))


def _deviation(figures: Sequence[float]) -> float:
    """The standard deviation of at least two figures."""
    mean = math.fsum(figures) / len(figures)
    return math.sqrt(math.fsum((figure - mean) ** 2 for figure in figures) / (len(figures) - 1))


def _grain(seen: ThreadTime) -> float:
    """What one sample more is of a slice's share: what was never seen may have been as rare."""
    if seen.source != "samples" or not seen.rate_hz or not seen.wall_s or not seen.slices:
        return 0.0
    return len(seen.slices) / max(1.0, seen.rate_hz * seen.wall_s * seen.threads)
