# SPDX-License-Identifier: BSD-3-Clause
"""Which claims are decided after each whole block, and which cells need not be measured on. Pure.

A run is followed block by block through what it has measured. At each look every claim that is
still open is judged on the blocks up to there; one that is CONFIRMED or REFUTED keeps that verdict,
with the interval of that look, whatever is measured later. Nothing is remembered: the same samples
give the same decisions, so that a run that is gone on with, or judged again years later, decides as
it did when it was measured. A fixed number of blocks is one look, and goes the same way.

What holds a cell in the run is a claim about it that further blocks may decide. None of these does:

- a claim that is decided, or cannot be tested here;
- one that is INVALID, or whose figure is withheld: what spoilt it stays in the run;
- no claim at all. Such a cell is measured for the table, as often as every run measures all cells:
  `least` times. It has its own number of blocks then, whatever becomes of other cells, so that its
  intervals are Student's own; and how long a run takes depends on its claims alone.

A count is refuted by the first look that knows of a miss. Until the last block it is never
confirmed, since each block to come may miss.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fibench.experiment import Absent, cells_of
from fibench.experiment.absent import NOTHING
from fibench.metrics import METRICS
from fibench.verdict.judging import judge
from fibench.verdict.looks import Looks
from fibench.verdict.sample import Index, Sample
from fibench.verdict.twin import TWIN
from fibench.verdict.verdict import Verdict

if TYPE_CHECKING:
    from fibench.experiment.experiment import Claim


@dataclass(frozen=True)
class Questions:
    """What a run is to decide, and by what.

    `cells` are the keys of what the first block measures, in the order of the file, a twin's own
    among them. `cpus`, `total_claims` and `absent` are those of `judge`.
    """

    claims: Sequence[Claim]
    cells: Sequence[str]
    looks: Looks
    cpus: int | None
    total_claims: int | None = None
    absent: Absent = NOTHING

    def repeated(self) -> dict[str, Looks]:
        """The cells whose number of blocks hangs on what is measured: those with a claim."""
        if self.looks.fixed:
            return {}
        claimed = {cell.key for claim in self.claims for cell in cells_of(claim)}
        return {key: self.looks for key in self.cells if key.removesuffix(TWIN) in claimed}


@dataclass(frozen=True)
class Standing:
    """How a claim stands: the verdict by which it is decided, or that of the last look.

    None before the first look. It `holds` its cells if further blocks may decide it.
    """

    verdict: Verdict | None = None
    holds: bool = True

    @property
    def decided(self) -> bool:
        """Whether nothing can change it any more."""
        return self.verdict is not None and self.verdict.decided is not None


@dataclass(frozen=True)
class Decisions:
    """What is decided after so many whole `blocks`.

    `standings` has each claim, in order; `left` each cell that is no longer measured, with the
    number of blocks after which it left; `staying` those that the next block measures, in order.
    """

    blocks: int
    standings: Sequence[Standing]
    left: Mapping[str, int]
    staying: Sequence[str]
    ended: bool = False
    """It is known that nothing more will be measured."""

    @property
    def over(self) -> bool:
        """Whether nothing is left to be measured."""
        return not self.staying

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdict on each claim, in order; before the run is over, of those decided alone."""
        return tuple(
            standing.verdict
            for standing in self.standings
            if standing.verdict is not None and (self.over or self.ended or standing.decided)
        )


def decide(questions: Questions, samples: Iterable[Sample], *, ended: bool = False) -> Decisions:
    """Follow a run through its samples, to the last block that has every cell it should have.

    A cell of which a trial failed has a sample, too. `ended`: no more will be measured, so that
    what is open is judged by all that there is; it matters where the claims are not those by which
    the run was ended.
    """
    known = list(samples)
    keys: dict[int, set[str]] = {}
    for sample in known:
        keys.setdefault(sample.block, set()).add(sample.cell_key)
    looks, blocks = questions.looks, 0
    standings: Sequence[Standing] = [Standing() for _ in questions.claims]
    left: dict[str, int] = {}
    staying = list(questions.cells)
    while staying and keys.get(blocks, set()).issuperset(staying):
        blocks += 1
        if blocks < looks.least:
            continue
        part = [sample for sample in known if sample.block < blocks]
        standings = _look(questions, standings, part, blocks)
        held = _held(questions.claims, standings) if blocks < looks.most else ()
        left |= {key: blocks for key in staying if key.removesuffix(TWIN) not in held}
        staying = [key for key in staying if key not in left]
    if ended and staying:
        standings = _look(questions, standings, known, looks.most)
    return Decisions(blocks, tuple(standings), left, tuple(staying), ended)


def _look(
    questions: Questions, standings: Sequence[Standing], samples: Iterable[Sample], blocks: int
) -> list[Standing]:
    """How every claim stands after so many blocks."""
    claims = [
        claim
        for claim, standing in zip(questions.claims, standings, strict=True)
        if not standing.decided
    ]
    verdicts = judge(
        claims,
        Index(samples),
        questions.cpus,
        total_claims=max(questions.total_claims or 0, len(questions.claims)),
        absent=questions.absent,
        looks=None if questions.looks.fixed else questions.looks,
    )
    judged = iter(verdicts)
    return [
        standing if standing.decided else _stand(next(judged), blocks, questions.looks)
        for standing in standings
    ]


def _stand(verdict: Verdict, blocks: int, looks: Looks) -> Standing:
    """How a claim stands that was open before this look."""
    last = blocks >= looks.most
    if verdict.outcome in ("NOT HERE", "INVALID"):
        return Standing(verdict, holds=False)
    if verdict.outcome == "CONFIRMED" and METRICS[verdict.claim.metric].is_count and not last:
        met = "met in every block so far, and not decided before the last"
        return Standing(replace(verdict, outcome="INCONCLUSIVE", reason=met))
    if verdict.outcome in ("CONFIRMED", "REFUTED"):
        return Standing(replace(verdict, decided=blocks), holds=False)
    withheld = verdict.estimate is not None and verdict.estimate.absent is not None
    return Standing(verdict, holds=not withheld)


def _held(claims: Sequence[Claim], standings: Sequence[Standing]) -> Collection[str]:
    """The cells that a claim holds in the run."""
    return {
        cell.key
        for claim, standing in zip(claims, standings, strict=True)
        if standing.holds
        for cell in cells_of(claim)
    }
