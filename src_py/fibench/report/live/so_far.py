# SPDX-License-Identifier: BSD-3-Clause
"""What is known of the cells and claims of a run that is under way. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from fibench.metrics import METRICS, Scale, in_group, metric_of, quantity, scale_for
from fibench.report.numbers import (
    NO_FIGURE,
    RATIO,
    axis_scale,
    bounds_with_interval,
    lower_bound,
    spread,
    with_interval,
)
from fibench.report.words import needed_in
from fibench.verdict import CONFIDENCE, Index, Sample, Verdict
from fibench.verdict.estimate import value
from fibench.verdict.sampling.sampled import samples
from fibench.verdict.watched.batches import of_slices

if TYPE_CHECKING:
    from fibench.experiment import Cell, Claim, Experiment
    from fibench.record import Record
    from fibench.verdict import Estimate

_WIDE = 30.0
"""An interval whose ends are further apart than by this factor tells only that."""
Lack = Literal["failed", "disturbed", "unknown"]
Way = Literal["holds", "fails", "unsure", "nothing"]


@dataclass(frozen=True)
class CellSoFar:
    """A cell: each of its blocks, and the mean of those."""

    blocks: Mapping[int, float | Lack]
    """The logarithm of the figure of each, or why there is none."""
    figure: str = NO_FIGURE
    spread: str = ""


@dataclass(frozen=True)
class ClaimSoFar:
    """A claim, by the blocks that there are."""

    says: str
    way: Way = "nothing"
    """What would come of it if that were all."""
    figure: str = ""
    interval: str = ""
    needed: str = ""
    decided: bool = False
    """It turns no more."""


def metric_watched(experiment: Experiment) -> str:
    """The metric that the view shows of each cell, as "small/p99" of one group: that of most
    claims that blocks tell of, the first of equals."""
    asked = [
        in_group(claim.group, claim.metric)
        for claim in experiment.claims
        if not METRICS[claim.metric].is_count and not of_slices(claim.metric)
    ]
    if asked:
        return Counter(asked).most_common(1)[0][0]
    is_open = all(cell.parameters.is_open for cell in experiment.cells)
    return "p50" if experiment.cells and is_open else "throughput"


def cell_so_far(cell: Cell, records: Sequence[Record], metric: str) -> CellSoFar:
    """What is known of a cell by these records, which are all its own."""
    known = [one for one in samples(records) if one.cell_key == cell.key]
    if not known:
        return CellSoFar({})
    found = value(Index(known), cell.key, metric, 1.0 - CONFIDENCE)
    blocks = {one.block: _of_block(one, metric) for one in known}
    unit = metric_of(metric).unit
    if found.mean is None:
        return CellSoFar(blocks, lower_bound(found, unit))
    return CellSoFar(blocks, quantity(found.mean, unit), spread(found))


def _of_block(sample: Sample, metric: str) -> float | Lack:
    if not sample.valid:
        return "failed"
    if sample.disturbed is not None and not sample.disturbed.accepted:
        return "disturbed"
    log = sample.log(metric)
    return "unknown" if log is None else log


def claim_before(claim: Claim) -> ClaimSoFar:
    """A claim of which nothing is known yet."""
    return ClaimSoFar(claim.says, needed=needed_in(claim, _scale(claim, None)))


def claim_so_far(verdict: Verdict) -> ClaimSoFar:
    """A claim by the verdict that it would have if no further block came; or that it has."""
    claim, found = verdict.claim, verdict.shown_estimate
    row = replace(claim_before(claim), way="unsure", decided=verdict.decided is not None)
    if verdict.outcome in ("NOT HERE", "INVALID"):
        return replace(row, way="nothing", figure=verdict.outcome.lower())
    ways: Mapping[str, Way] = {"CONFIRMED": "holds", "REFUTED": "fails"}
    row = replace(row, way=ways.get(verdict.outcome, "unsure"))
    count = verdict.count
    if count is not None and count.blocks:
        span = f"{count.least}" if count.least == count.most else f"{count.least} to {count.most}"
        return replace(row, figure=span, interval="in each block")
    if found is None:
        return replace(row, figure=NO_FIGURE)
    bounds = [one for one in (claim.low, claim.high) if one is not None]
    is_ratio = claim.right is not None and claim.kind != "crossover"
    sign, scale = "×" if is_ratio else "", _scale(claim, found.mean)
    if found.mean is not None:
        said = with_interval(found, scale, sign, bounds)
    elif found.is_bound:
        unit = (
            None if is_ratio else "1/s" if claim.kind == "sustains" else METRICS[claim.metric].unit
        )
        said = bounds_with_interval(found, sign, unit)
    else:
        said = NO_FIGURE
    figure, bracket, ends = said.partition(" [")
    return replace(
        row,
        figure=figure,
        interval=_interval(found, f"[{ends}") if bracket else "",
        needed=needed_in(claim, scale),
    )


def _interval(found: Estimate, said: str) -> str:
    """Of two or three blocks it may be of any width, about which no more needs to be said."""
    low, high = found.low, found.high
    is_wide = low is not None and high is not None and 0.0 < _WIDE * low < high < math.inf
    return "very wide" if is_wide else said


def _scale(claim: Claim, figure: float | None) -> Scale:
    """The unit of a claim's figure, about which its bounds tell where there is none yet."""
    at = figure or claim.low or claim.high or 1.0
    if claim.kind == "crossover":
        return axis_scale(claim.over or "", at)
    if claim.right is not None:
        return RATIO
    return scale_for(at, "1/s" if claim.kind == "sustains" else METRICS[claim.metric].unit)
