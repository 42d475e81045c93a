# SPDX-License-Identifier: BSD-3-Clause
"""Runs that may end early, made up block by block, and what is asked of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.runner.verdict.claims import A, B, make_cell, make_claim

from fibench.experiment import Cell, Claim
from fibench.verdict.deciding.decisions import Decisions, Questions
from fibench.verdict.estimate import Sample
from fibench.verdict.looks import Looks

C, D = make_cell("c"), make_cell("d")
TWIN = replace(A, key="a~aa", label="a (again)")
AUTO = Looks(6, 20)
WOBBLE = [0.0, 0.02, -0.02, 0.01, -0.01]
"""What trials differ by; it repeats, so that every five blocks have a mean of 0."""


def figures(cell: Cell, level: float, blocks: int, first: int = 0, by: float = 1.0) -> list[Sample]:
    """Trials of a cell in blocks from `first` on, around that level."""
    return [
        Sample(
            cell.key,
            block,
            True,
            None,
            {"throughput": level * (1.0 + by * WOBBLE[block % 5])},
            {"window_ok": 10**9},
        )
        for block in range(first, blocks)
    ]


def ask(
    claims: Sequence[Claim], cells: Sequence[Cell] = (A, B), looks: Looks = AUTO, **others: Any
) -> Questions:
    return Questions(claims, [cell.key for cell in cells], looks, 2, **others)


def sharpened(level: float, blocks: int) -> list[Sample]:
    """A against B = 1, at a level that the looks cannot tell from 1 but slowly."""
    return figures(A, level, blocks) + figures(B, 1.0, blocks, by=0.0)


ABOVE_ONE = make_claim(low=1.0)
"""a ÷ b is above 1."""


def look_of(decisions: Decisions) -> list[int | None]:
    return [s.verdict.decided if s.verdict else None for s in decisions.standings]


NO_ERRORS = make_claim("errors", high=1, right=None)
