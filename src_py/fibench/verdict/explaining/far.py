# SPDX-License-Identifier: BSD-3-Clause
"""Which blocks keep a claim from being decided, if it is a few that are far from all others. Pure.

The rule is fixed, and looks at every claim that is INCONCLUSIVE. Of a ratio (or a value) each block
has one logarithm, of a crossover the mean of those at its points, of `sustains` of one cell that of
the latencies at the rates that have one in every block. Blocks are named that

- lie further than FAR robust spreads from the median of all blocks; a robust spread is 1.4826 times
  the median distance from the median, which for normal noise is the standard deviation, and no less
  than what counting whole replies and three digits leave unknown;
- are at most a quarter of all: of more it cannot be said that they are the odd ones; and
- without which the claim, judged by the same code with the same confidence, would be decided.

That says why, and nothing else. The verdict stands: who leaves out what is inconvenient can have
any verdict. Where a block is named, so are the trials in it that are far from the others of their
cells, with whatever was measured beside them that differs from those others (see evidence.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from fibench.experiment import cells_of
from fibench.metrics import METRICS, in_group
from fibench.record import Record
from fibench.verdict.estimate import CONFIDENCE
from fibench.verdict.explaining.evidence import evidence
from fibench.verdict.judging import judge
from fibench.verdict.sample import Index
from fibench.verdict.verdict import FarBlock, FarBlocks, Verdict

if TYPE_CHECKING:
    from fibench.experiment import Claim

FAR = 6.0
"""So many robust spreads from the median a block is far from the others."""
MOST_SHARE = 4
"""At most one in so many blocks can be the odd ones."""
_NORMAL = 1.4826
"""From the median distance from the median of normal figures to their standard deviation."""
_DIGITS = 0.001
"""Differences below this, relatively, mean nothing: a histogram holds three digits."""

Trials = Mapping[tuple[str, int], Record]
"""The records of a run by cell and block."""


def far_blocks(verdict: Verdict, samples: Index, trials: Trials) -> FarBlocks | None:
    """The blocks by which a claim is INCONCLUSIVE; None where it is something else."""
    claim, found = verdict.claim, verdict.estimate
    if verdict.outcome != "INCONCLUSIVE" or found is None or found.mean is None:
        return None
    metric = in_group(claim.group, claim.metric)
    logs = _figures(claim, samples, metric)
    keys = [cell.key for cell in cells_of(claim)]
    grain = math.hypot(*(samples.grain(key, metric) for key in keys))
    distances = _distances(logs, grain)
    odd = sorted(block for block, distance in distances.items() if distance > FAR)
    if not odd or len(odd) * MOST_SHARE > len(logs) or not _decides(verdict, samples, odd):
        return None
    others = [math.exp(log) for block, log in logs.items() if block not in odd]
    blocks = tuple(
        _far_block(block, math.exp(logs[block]), keys, samples, metric, trials) for block in odd
    )
    return FarBlocks(blocks, min(others), max(others))


def _figures(claim: Claim, samples: Index, metric: str) -> dict[int, float]:
    """The logarithm that each block has of a claim, where it has all that it needs."""
    if METRICS[claim.metric].is_count or len(claim.rows) > 1:
        return {}
    sides = [(claim.left.key, claim.right.key if claim.right else None)]
    if claim.rows:  # where the rate is interpolated, those below it are known in every block
        sides = [(step.cell.key, None) for step in claim.rows[0]]
        sides = [side for side in sides if not samples.flaws(side[0], metric)]
    if claim.kind == "crossover":
        sides = [(point.left.key, point.right.key) for point in claim.points]
    found: list[dict[int, float]] = []
    for left, right in sides:
        above = samples.logs(left, metric)
        below = dict.fromkeys(above, 0.0) if right is None else samples.logs(right, metric)
        found.append({block: log - below[block] for block, log in above.items() if block in below})
    whole = [block for block in found[0] if all(block in own for own in found)]
    return {block: math.fsum(own[block] for own in found) / len(found) for block in whole}


def _distances(logs: Mapping[int, float], grain: float) -> dict[int, float]:
    """How far each block is from the median of all, in robust spreads."""
    if not logs:
        return {}
    middle = median(logs.values())
    spread = _NORMAL * median(abs(log - middle) for log in logs.values())
    least = max(spread, grain, _DIGITS)
    return {block: abs(log - middle) / least for block, log in logs.items()}


def _decides(verdict: Verdict, samples: Index, odd: Sequence[int]) -> bool:
    """Whether a claim would be decided without these blocks."""
    claim = verdict.claim
    part = [
        trial
        for key in dict.fromkeys(cell.key for cell in cells_of(claim))
        for trial in samples.all(key)
        if trial.block not in odd
    ]
    looks = verdict.estimate.looks if verdict.estimate else None
    claims = round((1.0 - CONFIDENCE) / verdict.alpha)
    (without,) = judge([claim], part, claim.needs_cpus, total_claims=claims, looks=looks)
    return without.outcome in ("CONFIRMED", "REFUTED")


def _far_block(
    block: int, figure: float, keys: Sequence[str], samples: Index, metric: str, trials: Trials
) -> FarBlock:
    """A block with the trials in it that are far from the others of their cells: at least one."""
    distances = {
        key: _distances(samples.logs(key, metric), samples.grain(key, metric)).get(block, 0.0)
        for key in keys
    }
    far = [key for key, distance in distances.items() if distance > FAR]
    far = far or [max(distances, key=lambda key: distances[key])]
    named = [(key, trials[key, block]) for key in far if (key, block) in trials]
    beside: list[str] = []
    for key, record in named:
        others = [one for (own, at), one in trials.items() if own == key and at != block]
        beside += evidence(record, others)
    return FarBlock(
        block + 1,
        figure,
        tuple(record.index for _, record in named),
        tuple(dict.fromkeys(beside)),
    )
