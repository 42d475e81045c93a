# SPDX-License-Identifier: BSD-3-Clause
"""Causes of claims, and servers that were watched, as tests want them."""

from collections.abc import Sequence
from dataclasses import replace

from fibench.experiment import Cause, Claim
from fibench.experiment.cells import Cell
from fibench.timeline import State, ThreadTime
from fibench.verdict.deciding.decisions import Questions
from fibench.verdict.estimate import Sample
from fibench.verdict.explaining.causes import Causes
from fibench.verdict.looks import Looks
from fibench.verdict.sample import Index
from fibench.verdict.verdict import Verdict

FIXED = Looks(6, 6)
UNEVEN = (-0.03, 0.02, 0.01, -0.02, 0.0, 0.03, 0.0, -0.01, 0.02, -0.02)
"""By so much the ten slices of a window differ from the whole."""


def waiting(share: float, state: State = "gil", unevenly: float = 1.0) -> ThreadTime:
    """A server whose threads waited so for a share of their time, and ran for the rest."""
    slices: list[dict[State, float]] = []
    for more in UNEVEN:
        own = min(1.0, max(0.0, share + unevenly * more))
        slices.append({"running": 1.0 - own, state: own})
    shares: dict[State, float] = {"running": 1.0 - share, state: share}
    return ThreadTime(
        None, source="samples", rate_hz=1000.0, wall_s=0.4, threads=9,
        shares=shares, slices=slices, residual=0.0,
    )  # fmt: skip


def watching(samples: Sequence[Sample], cell: Cell, seen: ThreadTime) -> list[Sample]:
    """The samples with what was seen of a cell's server in the first block."""
    return [
        replace(one, watched=seen) if (one.cell_key, one.block) == (cell.key, 0) else one
        for one in samples
    ]


def above(metric: str, cell: Cell | None, bound: float, lost: str = "") -> Cause:
    return Cause(metric, cell, bound, None, lost)


def below(metric: str, cell: Cell | None, bound: float) -> Cause:
    return Cause(metric, cell, None, bound)


def judged_with(
    claim: Claim,
    *causes: Cause,
    samples: Sequence[Sample],
    looks: Looks = FIXED,
    ended: bool = True,
    claims: int = 1,
) -> Verdict:
    """The verdict on a claim that states causes, one of so many claims."""
    stated = replace(claim, causes=causes)
    questions = Questions([stated], [one.cell_key for one in samples], looks, 2, claims)
    index = Index(samples)
    (verdict,) = Causes(questions, index, ended).judged(questions.judge([stated], index))
    return verdict
