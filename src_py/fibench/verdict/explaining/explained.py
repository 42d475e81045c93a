# SPDX-License-Identifier: BSD-3-Clause
"""Verdicts with why they are not clear, and how long it would take until they were. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from fibench.record import Record
from fibench.verdict.explaining.far import far_blocks
from fibench.verdict.sample import Index
from fibench.verdict.verdict import Verdict


def with_reasons(
    verdicts: Iterable[Verdict], samples: Index, records: Sequence[Record]
) -> tuple[Verdict, ...]:
    """The same verdicts, with what `records`, the last attempt of each trial, tell beside."""
    trials = {
        (record.cell, record.block): record
        for record in records
        if record.role in ("measure", "twin") and record.valid
    }
    took_s = block_s(records)
    return tuple(
        replace(
            verdict,
            far=far_blocks(verdict, samples, trials),
            needed_s=None if verdict.blocks_needed is None else took_s * verdict.blocks_needed,
        )
        for verdict in verdicts
    )


def block_s(records: Iterable[Record]) -> float:
    """How long a whole block takes as this run's trials did, starts and ends included, in s."""
    walls: dict[tuple[str, str | None], list[float]] = {}
    for record in records:
        if record.block >= 0:
            walls.setdefault((record.cell, record.role), []).append(record.times.wall_s)
    return math.fsum(math.fsum(own) / len(own) for own in walls.values())
