# SPDX-License-Identifier: BSD-3-Clause
"""What has become worse from the first side of a comparison to the second, for who must not let
that pass. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fibench.metrics import METRICS
from fibench.verdict.comparing.ratios import RatioRow


@dataclass(frozen=True)
class Worse:
    """The rows that are worse by more than a share."""

    surely: tuple[RatioRow, ...]
    """All of their intervals lie beyond it."""
    perhaps: tuple[RatioRow, ...]
    """A part of their intervals does, or they have none."""
    known: int
    """How many rows have a ratio at all."""


def worse_by(rows: Sequence[RatioRow], share: float) -> Worse:
    """Hold every ratio, second ÷ first, against a share, above 0: of throughput less is worse, of
    all else more, but for what only explains other figures."""
    surely, perhaps, known = [], [], 0
    for row in rows:
        if row.ratio is None or METRICS[row.metric].explains:
            continue
        known += 1
        low, high = row.ratio.low, row.ratio.high
        if METRICS[row.metric].more_is_better:
            bound = 1.0 - share
            is_sure, may_be = high is not None and high < bound, low is None or low < bound
        else:
            bound = 1.0 + share
            is_sure, may_be = low is not None and low > bound, high is None or high > bound
        if is_sure:
            surely.append(row)
        elif may_be:
            perhaps.append(row)
    return Worse(tuple(surely), tuple(perhaps), known)
