# SPDX-License-Identifier: BSD-3-Clause
"""Which of two backends is faster, in a sentence, and what it would take to say so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fibench.metrics import number
from fibench.report.numbers import percent
from fibench.report.words import side_names
from fibench.verdict import CONFIDENCE, Estimate, Index, Sample
from fibench.verdict.estimate import blocks_needed, contrast

if TYPE_CHECKING:
    from fibench.experiment import Cell

FEWEST_BLOCKS = 5
"""With fewer, an interval is hardly more than a guess."""


@dataclass(frozen=True)
class Said:
    """The sentences, one a line, and whether they answer."""

    lines: Sequence[str]
    is_clear: bool


def faster_lines(cells: Sequence[Cell], samples: Iterable[Sample], spent_s: float) -> Said:
    """For each pair of cells that differ in the backend alone, which answers more requests a
    second; `spent_s` is how long that was measured, for what more would take."""
    pairs = _pairs(cells)
    index, alpha = Index(samples), (1.0 - CONFIDENCE) / max(1, len(pairs))
    lines, is_clear = [], bool(pairs)
    for left, right in pairs:
        found = contrast(index, left.key, right.key, "throughput", alpha)
        names = side_names(left, right)
        line = _answer(names, found)
        lines.append(line or _no_answer(names, found, spent_s))
        is_clear = is_clear and line is not None
    if pairs:
        share = percent(CONFIDENCE)
        each = "the interval holds" if len(pairs) == 1 else "all intervals hold at once"
        lines.append(f"by throughput; {each} at {share}")
    return Said(lines, is_clear)


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


def _answer(names: tuple[str, str, str], found: Estimate) -> str | None:
    """`py-mp is 1.8 times [1.7, 1.9] as fast as py-mt`; None: it is not clear."""
    if found.mean is None or found.low is None or found.high is None:
        return None
    if found.blocks < FEWEST_BLOCKS or found.low <= 1.0 <= found.high:
        return None
    left, right, shared = names
    mean, low, high = found.mean, found.low, found.high
    if mean < 1.0:
        left, right, mean, low, high = right, left, 1.0 / mean, 1.0 / high, 1.0 / low
    interval = f"{number(mean)} times [{number(low)}, {number(high)}]"
    return f"{left} is {interval} as fast as {right}{_at(shared)}"


def _no_answer(names: tuple[str, str, str], found: Estimate, spent_s: float) -> str:
    """Why it is not clear, and how long it would take to be."""
    left, right, shared = names
    if found.mean is None or found.low is None or found.high is None:
        why = found.absent or "one block alone has no interval"
        return f"which of {left} and {right} is faster is not known{_at(shared)}: {why}"
    between = f"{left} is between {number(found.low)} and {number(found.high)} times as fast"
    short = f"too short to say: {between} as {right}{_at(shared)}"
    if found.blocks < FEWEST_BLOCKS:
        longer_s = FEWEST_BLOCKS * spent_s / found.blocks
        blocks = f"{found.blocks} block{'' if found.blocks == 1 else 's'}"
        return f"{short}, by {blocks}; --seconds {_rounded_up(longer_s)} has {FEWEST_BLOCKS}"
    distance = abs(math.log(found.mean))
    needed = blocks_needed(distance, found.sd_log or 0.0, found.alpha)
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
