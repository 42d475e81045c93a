# SPDX-License-Identifier: BSD-3-Clause
"""Which of two backends is faster, in a sentence, and what it would take to say so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fibench.experiment import Claim
from fibench.metrics import number
from fibench.parameters import FEWEST_BLOCKS
from fibench.report.claims.names import side_names
from fibench.report.numbers import percent
from fibench.verdict import CONFIDENCE, Sample, Verdict, judge

if TYPE_CHECKING:
    from fibench.experiment import Cell


@dataclass(frozen=True)
class Said:
    """The sentences, one a line, and whether they answer."""

    lines: Sequence[str]
    is_clear: bool


def faster_lines(cells: Sequence[Cell], samples: Iterable[Sample], spent_s: float) -> Said:
    """For each pair of cells that differ in the backend alone, which answers more requests a
    second; `spent_s` is how long that was measured, for what more would take.

    It is judged as a claim that the first is faster would be, so that nothing is said of trials on
    which no claim could rest: failed or disturbed ones, or those that the load generator limited.
    """
    pairs = _pairs(cells)
    lines, is_clear = [], bool(pairs)
    for verdict in judge([_claim(*pair) for pair in pairs], samples, None):
        line = _answer(verdict)
        lines.append(line or _no_answer(verdict, spent_s))
        is_clear = is_clear and line is not None
    if pairs:
        share = percent(CONFIDENCE)
        each = "the interval holds" if len(pairs) == 1 else "all intervals hold at once"
        lines.append(f"by throughput; {each} at {share}")
    return Said(lines, is_clear)


def _claim(left: Cell, right: Cell) -> Claim:
    """That the first is faster: REFUTED, the second is."""
    return Claim(
        id=f"{left.key} {right.key}",
        says=f"{left.label} is faster than {right.label}",
        because=None,
        kind="ratio",
        metric="throughput",
        left=left,
        right=right,
        low=1.0,
        high=None,
        needs_cpus=1,
    )


def _pairs(cells: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    """The cells of the first backend, each with that of the second that has the same load."""
    first = [cell for cell in cells if cell.backend == cells[0].backend]
    others = [cell for cell in cells if cell.backend != cells[0].backend]
    alike = [
        (one, replace(one.parameters, backend=other.backend), other)
        for one in first
        for other in others
    ]
    return [(one, other) for one, as_other, other in alike if as_other == other.parameters]


def _names(claim: Claim) -> tuple[str, str, str]:
    assert claim.right is not None, "a ratio has two sides"
    return side_names(claim.left, claim.right)


def _answer(verdict: Verdict) -> str | None:
    """`py-mp is 1.8 times [1.7, 1.9] as fast as py-mt`; None: it is not clear."""
    found = verdict.estimate
    if verdict.outcome not in ("CONFIRMED", "REFUTED") or found is None:
        return None
    if found.blocks < FEWEST_BLOCKS or found.mean is None:
        return None
    assert found.low is not None, "what is decided has an interval"
    assert found.high is not None, "what is decided has an interval"
    left, right, shared = _names(verdict.claim)
    mean, low, high = found.mean, found.low, found.high
    if verdict.outcome == "REFUTED":
        left, right = right, left
        mean, low, high = 1.0 / mean, 1.0 / high, 1.0 / low if low > 0.0 else math.inf
    interval = f"{number(mean)} times [{number(low)}, {number(high)}]"
    unknown = "" if verdict.foreign_unknown is None else f"; {verdict.foreign_unknown}"
    return f"{left} is {interval} as fast as {right}{_at(shared)}{unknown}"


def _no_answer(verdict: Verdict, spent_s: float) -> str:
    """Why it is not clear, and how long it would take to be."""
    left, right, shared = _names(verdict.claim)
    found, why = verdict.estimate, verdict.reason
    unknown = f"which of {left} and {right} is faster is not known{_at(shared)}"
    if verdict.outcome == "INVALID" or found is None or found.mean is None:
        return f"{unknown}: {why}"
    if found.low is None or found.high is None:
        return f"{unknown}: one block alone has no interval"
    between = f"{left} is between {number(found.low)} and {number(found.high)} times as fast"
    short = f"too short to say: {between} as {right}{_at(shared)}"
    if found.blocks < FEWEST_BLOCKS:
        longer_s = FEWEST_BLOCKS * spent_s / found.blocks
        blocks = f"{found.blocks} block{'' if found.blocks == 1 else 's'}"
        return f"{short}, by {blocks}; --seconds {_rounded_up(longer_s)} has {FEWEST_BLOCKS}"
    if why is not None:
        return f"{unknown}: {why}"
    needed = verdict.blocks_needed
    if needed is None:
        return f"{short}; if they differ, then by so little that hours would not show it"
    longer_s = needed * spent_s / found.blocks
    return (
        f"{short}; if it stays at {number(found.mean)}, --seconds {_rounded_up(longer_s)} would say"
    )


def _at(shared: str) -> str:
    return f" at {shared}" if shared else ""


def _rounded_up(seconds: float) -> int:
    """To tens, with a tenth more than is thought to be needed."""
    return 10 * math.ceil(1.1 * seconds / 10.0)
