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

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fibench.experiment import cells_of
from fibench.metrics import METRICS
from fibench.plan import TWIN
from fibench.verdict.bounds import may_decide
from fibench.verdict.deciding.decisions import Decisions, Questions, Standing
from fibench.verdict.judging import judge
from fibench.verdict.sample import Index, Sample
from fibench.verdict.sustaining.ruling import more_blocks_help
from fibench.verdict.verdict import Verdict
from fibench.wording import counted

if TYPE_CHECKING:
    from fibench.experiment.claims import Claim


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
    if ended and (staying or not blocks):  # without a cell nothing was looked at
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
        standing if standing.decided else _stand(next(judged), blocks, questions)
        for standing in standings
    ]


def _stand(verdict: Verdict, blocks: int, questions: Questions) -> Standing:
    """How a claim stands that was open before this look."""
    last = blocks >= questions.looks.most
    if verdict.outcome in ("NOT HERE", "INVALID"):
        return Standing(verdict, holds=False)
    if questions.looks.most < questions.fewest and verdict.outcome in ("CONFIRMED", "REFUTED"):
        asked = counted(questions.looks.most, "block")
        few = f"{asked} would not be enough to rely on: a verdict needs {questions.fewest}"
        return Standing(replace(verdict, outcome="INCONCLUSIVE", reason=few))
    if verdict.outcome == "CONFIRMED" and METRICS[verdict.claim.metric].is_count and not last:
        met = "met in every block so far, and not decided before the last"
        return Standing(replace(verdict, outcome="INCONCLUSIVE", reason=met))
    if verdict.outcome in ("CONFIRMED", "REFUTED"):
        return Standing(replace(verdict, decided=blocks), holds=False)
    withheld = verdict.estimate is not None and verdict.estimate.absent is not None
    return Standing(verdict, holds=not withheld and _helps(verdict))


def _helps(verdict: Verdict) -> bool:
    """Whether more blocks may decide a claim, where no more than bounds are known of its figure."""
    found, claim = verdict.estimate, verdict.claim
    if verdict.sustained:
        return more_blocks_help(verdict.sustained)
    if found is None or not found.is_bound:
        return True
    return may_decide((claim.low, claim.high), found.at_least, found.at_most)


def _held(claims: Sequence[Claim], standings: Sequence[Standing]) -> Collection[str]:
    """The cells that a claim holds in the run."""
    return {
        cell.key
        for claim, standing in zip(claims, standings, strict=True)
        if standing.holds
        for cell in cells_of(claim)
    }
