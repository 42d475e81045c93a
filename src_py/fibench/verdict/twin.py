# SPDX-License-Identifier: BSD-3-Clause
"""What a run says of itself: is a cell the same as its twin, and are the windows steady? Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fibench.parameters import Parameters
from fibench.plan import TWIN
from fibench.verdict.estimate import Estimate, contrast, from_logs
from fibench.verdict.looks import FEWEST
from fibench.verdict.sample import Index

ALPHA = 0.01
"""These checks are made in every run, and must not cry wolf in one of twenty."""
LEAST_DRIFT = 0.02
"""A smaller difference between the halves of a window is not worth a word, however sure it is."""


@dataclass(frozen=True)
class TwinCheck:
    """One cell measured twice in each block, under two names (A/A): the ratio must be 1."""

    cell_key: str
    label: str
    metric: str
    estimate: Estimate
    """The second ÷ the first, with its 99 % interval."""

    @property
    def differs(self) -> bool:
        """Whether the interval excludes 1: then order or time decided, not the server."""
        low, high = self.estimate.low, self.estimate.high
        return low is not None and high is not None and not low <= 1.0 <= high


def check_twin(
    samples: Index, cell_key: str, label: str, parameters: Parameters
) -> TwinCheck | None:
    """Compare a cell with its twin; None if it has none, or too few blocks have both.

    An open loop gets the throughput that it offers, whatever the server: there the median latency
    is compared, where it is known.
    """
    metric = "p50" if parameters.is_open else "throughput"
    estimate = contrast(samples, cell_key + TWIN, cell_key, metric, ALPHA)
    if estimate.is_bound or estimate.bounded:  # of a saturated server, whose rate is its own
        metric = "throughput"
        estimate = contrast(samples, cell_key + TWIN, cell_key, metric, ALPHA)
    if estimate.blocks < FEWEST:
        return None
    return TwinCheck(cell_key, label, metric, estimate)


def drift(samples: Index, cell_key: str, parameters: Parameters, cells: int = 1) -> Estimate | None:
    """Replies in the second half of the window ÷ those in the first, where that is not steady.

    None if 1 is inside the interval over blocks, which is at 99 % for all `cells` that are looked
    at together, or if the difference is below LEAST_DRIFT. It must also exceed what bursts and
    schedules make uneven. In a closed loop, clients that wait in step are answered in bursts, one
    of which may fall into either half: of windows with fewer replies than some bursts nothing can
    be told. In an open loop the halves of a schedule differ by chance.
    """
    halves = [t.halves for t in samples.valid(cell_key).values() if t.halves and all(t.halves)]
    if len(halves) < FEWEST:
        return None
    estimate = from_logs([math.log(second / first) for first, second in halves], ALPHA / cells)
    assert estimate.mean is not None
    assert estimate.low is not None
    assert estimate.high is not None
    if estimate.low <= 1.0 <= estimate.high or abs(estimate.mean - 1.0) < LEAST_DRIFT:
        return None
    apart = abs(sum(second - first for first, second in halves)) / len(halves)
    if parameters.is_open:
        uneven = 2.58 * math.sqrt(max(first + second for first, second in halves))
    else:
        uneven = 2.0 * (parameters.clients or 1) * (parameters.pipeline or 1)
    return estimate if apart > uneven else None
