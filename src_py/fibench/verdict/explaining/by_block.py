# SPDX-License-Identifier: BSD-3-Clause
"""A claim block by block: what its verdict rests on, and what it leaves out. Pure.

Nothing is decided here. Which trials are left out is the rule that the verdict itself went by
(attempts/bearing.py); of a claim that was decided before the run ended the later blocks are told,
and not counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fibench.experiment import cells_of
from fibench.metrics import METRICS, in_group
from fibench.parameters import FEWEST_BLOCKS
from fibench.verdict.attempts.bearing import left_out_of
from fibench.verdict.attempts.counting import counted_by_block
from fibench.verdict.sample import Index, Sample
from fibench.verdict.sustaining.sustained import Reach
from fibench.verdict.verdict import Verdict

if TYPE_CHECKING:
    from fibench.experiment import Claim

AFTERWARDS = "measured after the claim was decided"


@dataclass(frozen=True)
class BlockFigure:
    """What one block says of a claim, in base units."""

    block: int
    """From 1."""
    figure: float | None
    """None where no more than bounds are known of it."""
    at_least: float | None = None
    at_most: float | None = None
    left: float | None = None
    right: float | None = None
    """The sides' own figures, where it has two."""
    left_out: str = ""
    """Why the verdict does not rest on it; empty: it does."""
    is_met: bool = True
    """Of a count: whether it met its bound."""


def seen_samples(verdict: Verdict, samples: Sequence[Sample]) -> list[Sample]:
    """The samples as the verdict saw them: those of the blocks up to its own look."""
    if verdict.looks is None:
        return [replace(one, since=0) for one in samples]
    if verdict.decided is None:
        return list(samples)
    decided = verdict.decided
    return [one.as_of(decided) for one in samples if one.block < decided]


def figures_by_block(verdict: Verdict, samples: Sequence[Sample]) -> tuple[BlockFigure, ...]:
    """Of a ratio, a value, a count or a rate that is sustained, in the order of blocks; none of a
    crossover, whose blocks the verdict has, nor of what was not measured."""
    claim = verdict.claim
    if claim.kind == "crossover" or verdict.outcome == "NOT HERE":
        return ()
    seen = Index(seen_samples(verdict, samples))
    if claim.kind == "sustains":
        return tuple(_rates(verdict))
    if METRICS[claim.metric].is_count:
        return tuple(_counts(claim, seen))
    fewest = FEWEST_BLOCKS if verdict.looks is None else verdict.looks.fewest
    found = list(_figures(claim, seen, fewest))
    known = {one.block for one in found}
    later = [
        replace(one, left_out=AFTERWARDS)
        for one in _later(claim, verdict, samples, fewest)
        if one.block not in known and one.block > (verdict.decided or 0)
    ]
    return (*found, *later)


def _counts(claim: Claim, samples: Index) -> Iterator[BlockFigure]:
    for block, one in counted_by_block(claim, samples).items():
        yield BlockFigure(block + 1, float(one.figure), is_met=one.is_met)


def _later(
    claim: Claim, verdict: Verdict, samples: Sequence[Sample], fewest: int
) -> Iterator[BlockFigure]:
    """With the blocks that came after the claim was decided; none if it was not."""
    if verdict.decided is not None:
        yield from _figures(claim, Index(samples), fewest)


def _figures(claim: Claim, samples: Index, fewest: int) -> Iterator[BlockFigure]:
    """Those of a ratio or a value, also of blocks that are left out; a verdict needs `fewest`."""
    spoilt = left_out_of(claim, samples, fewest).trials
    metric = in_group(claim.group, claim.metric)
    cells = cells_of(claim)
    blocks = set.intersection(*(set(samples.valid(cell.key)) for cell in cells))
    for block in sorted(blocks):
        why = [
            _why(samples.valid(cell.key)[block]) for cell in cells if (cell.key, block) in spoilt
        ]
        ends = [_ends(samples.valid(cell.key)[block], metric) for cell in cells]
        if any(low is None and high is None for low, high in ends):
            continue
        found = _of_sides(block + 1, ends)
        yield replace(found, left_out="; ".join(dict.fromkeys(why)))


def _why(trial: Sample) -> str:
    """What happened beside a trial that is left out."""
    said = trial.disturbed.says if trial.disturbed is not None else None
    return said or trial.crowded or trial.not_full or "it was disturbed"


def _ends(trial: Sample, metric: str) -> tuple[float | None, float | None]:
    """Between what a figure lies: twice itself where it is known."""
    figure = trial.metrics.get(metric)
    if figure is not None and figure > 0.0 and math.isfinite(figure):
        return figure, figure
    bounds = trial.bounds.get(metric)
    return (None, None) if bounds is None else (bounds.at_least, bounds.at_most)


def _of_sides(block: int, ends: Sequence[tuple[float | None, float | None]]) -> BlockFigure:
    """A value, or the ratio of two."""
    known = [low if low == high else None for low, high in ends]
    if len(ends) == 1:
        low, high = ends[0]
        return BlockFigure(block, known[0], low, high, left=known[0])
    (low, high), (least, most) = ends
    at_least = low / most if low is not None and most else None
    at_most = high / least if high is not None and least else None
    figure = at_least if at_least == at_most else None
    return BlockFigure(block, figure, at_least, at_most, known[0], known[1])


def _rates(verdict: Verdict) -> Iterator[BlockFigure]:
    """How far each block holds a limit by itself: a rate, or the ratio of two."""
    sides = verdict.sustained
    if not sides:
        return
    for block in sorted(set.intersection(*(set(side.blocks) for side in sides))):
        ends = [_reach(side.blocks[block]) for side in sides]
        if all(end is not None for pair in ends for end in pair) or len(ends) == 1:
            yield _of_sides(block + 1, ends)


def _reach(reach: Reach) -> tuple[float | None, float | None]:
    return (reach.least, reach.most) if reach.at is None else (reach.at, reach.at)
