# SPDX-License-Identifier: BSD-3-Clause
"""Which claims are decided after each whole block, and which cells need not be measured on. Pure.

A run is followed block by block through what it has measured. At each look every claim that is
still open is judged on the blocks up to there; one that is CONFIRMED or REFUTED keeps that verdict,
with the interval of that look, whatever is measured later. Nothing is remembered: the same samples
give the same decisions, so that a run that is gone on with, or judged again years later, decides as
it did when it was measured. A fixed number of blocks is one look, and goes the same way.

What holds a cell in the run is a claim about it that further blocks may decide. None of these does:

- a claim that is decided, or cannot be tested here;
- one that stays INVALID however the blocks to come turn out (mending.py), or whose figure is
  withheld: what spoilt it stays in the run;
- a server that did not start in the first block: it is not started again (store/attempts.py);
- no claim at all. Such a cell is measured for the table, as often as every run measures all cells:
  `least` times. It has its own number of blocks then, whatever becomes of other cells, so that its
  intervals are Student's own; and how long a run takes depends on its claims alone.

A claim is looked at over the blocks that its own cells have, and not after: claims added afterwards
may be about cells some of which left the run before others. A block that is not the last one there
is, is over: what it lacks, a twin above all, was lost, and stops nobody.

A count is refuted by the first look that knows of a miss. Until the last block it is never
confirmed, since each block to come may miss. The last is the last that may be, or that was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fibench.experiment import cells_of
from fibench.metrics import METRICS
from fibench.plan import TWIN
from fibench.store.attempts import never_started
from fibench.verdict.bounds import may_decide
from fibench.verdict.deciding.decisions import Decisions, Questions, Standing
from fibench.verdict.deciding.mending import may_mend
from fibench.verdict.judging import too_few_blocks
from fibench.verdict.looks import FEWEST
from fibench.verdict.sample import Index, Sample
from fibench.verdict.sustaining.ruling import more_blocks_help
from fibench.verdict.verdict import Verdict
from fibench.wording import counted

if TYPE_CHECKING:
    from fibench.experiment.claims import Claim


def decide(
    questions: Questions,
    samples: Iterable[Sample],
    *,
    ended: bool = False,
    after: Decisions | None = None,
) -> Decisions:
    """Follow a run through its samples, to the last block that has every cell it should have.

    A cell of which a trial failed has a sample, too. `ended`: no more will be measured, so that
    what is open is judged by all that there is; it matters where the claims are not those by which
    the run was ended, and where trials were lost. `after` are the decisions on those of these
    samples that are of its whole blocks, made when nothing else was there: what was looked at then
    is not looked at again, and what comes out is the same. Where a run has ended, all is.
    """
    known = list(samples)
    if questions.looks.fixed:  # one look, at all that there is
        known = [replace(one, since=0) for one in known]
    made = _Made(known, ended)
    before = _at_first(questions) if ended or after is None else after
    looks, whole, complete = questions.looks, before.blocks, True
    standings, left, staying = before.standings, dict(before.left), list(before.staying)
    for blocks in range(before.blocks + 1, made.blocks + 1):
        has_all = made.has(blocks - 1, staying)
        if not ended and not (staying and (has_all or blocks < made.blocks)):
            break
        complete = complete and bool(staying) and has_all
        whole += complete
        if blocks == 1:
            never = never_started_of(known)
            left |= {key: 1 for key in staying if key in never}
            staying = [key for key in staying if key not in never]
        if blocks < looks.least:
            continue
        standings = _look(questions, standings, made, blocks)
        held = _held(questions.claims, standings) if blocks < looks.most else ()
        left |= {key: blocks for key in staying if key.removesuffix(TWIN) not in held}
        staying = [key for key in staying if key not in left]
    if ended and any(standing.verdict is None for standing in standings):
        # There are fewer blocks than a look needs, or no cell at all.
        standings = _look(questions, standings, made, made.blocks)
    return Decisions(whole, tuple(standings), left, tuple(staying), ended)


def never_started_of(samples: Iterable[Sample]) -> frozenset[str]:
    """The cells that are not measured after the first block, since their servers did not start."""
    return never_started((one.cell_key, one.did_not_start) for one in samples if one.block == 0)


def _at_first(questions: Questions) -> Decisions:
    return Decisions(0, [Standing() for _ in questions.claims], {}, questions.cells)


class _Made:
    """What a run has measured, and how far."""

    def __init__(self, samples: Sequence[Sample], ended: bool) -> None:
        self.samples = samples
        self._ended = ended
        self._keys: dict[int, set[str]] = {}
        self._reach: dict[str, int] = {}
        for sample in samples:
            self._keys.setdefault(sample.block, set()).add(sample.cell_key)
            reach = self._reach.get(sample.cell_key, 0)
            self._reach[sample.cell_key] = max(reach, sample.block + 1)
        self.blocks = 1 + max(self._keys, default=-1)
        """Those that there are; of the last one, perhaps a part."""

    def has(self, block: int, cells: Collection[str]) -> bool:
        """Whether a block has all of these cells."""
        return self._keys.get(block, set()).issuperset(cells)

    def reach(self, claim: Claim) -> int:
        """How many blocks there are of each of a claim's cells."""
        return min(self._reach.get(cell.key, 0) for cell in cells_of(claim))

    def is_last_of(self, claim: Claim, blocks: int) -> bool:
        """Whether after so many blocks nothing more is there of a claim, nor will be."""
        return self._ended and blocks >= self.reach(claim)


def _look(
    questions: Questions, standings: Sequence[Standing], made: _Made, blocks: int
) -> list[Standing]:
    """How every claim stands after so many blocks."""

    def is_due(claim: Claim, before: Standing) -> bool:
        is_first = before.verdict is None
        return is_first or (not before.decided and blocks <= made.reach(claim))

    pairs = list(zip(questions.claims, standings, strict=True))
    due = [claim for claim, before in pairs if is_due(claim, before)]
    if not due:
        return list(standings)
    part = Index(sample.as_of(blocks) for sample in made.samples if sample.block < blocks)
    judged = iter(questions.judge(due, part))
    return [
        _stand(next(judged), part, questions, blocks, made) if is_due(claim, before) else before
        for claim, before in pairs
    ]


def _stand(
    verdict: Verdict, samples: Index, questions: Questions, blocks: int, made: _Made
) -> Standing:
    """How a claim stands that was open before this look."""
    claim, asked = verdict.claim, questions.looks.most
    last = blocks >= asked or made.is_last_of(claim, blocks)
    blocks = min(blocks, asked, made.reach(claim) or blocks)
    if verdict.outcome == "NOT HERE":
        return Standing(verdict, holds=False)
    if verdict.outcome == "INVALID":
        return Standing(verdict, not last and may_mend(questions, claim, samples, blocks))
    if asked < questions.fewest and verdict.outcome in ("CONFIRMED", "REFUTED"):
        few = f"{counted(asked, 'block')} would not be enough to rely on: "
        few += f"a verdict needs {questions.fewest}"
        return Standing(replace(verdict, outcome="INCONCLUSIVE", reason=few))
    is_miss = verdict.outcome == "REFUTED" and verdict.count is not None
    is_of_slices = verdict.estimate is not None and verdict.estimate.slices > 0
    if not (is_miss or is_of_slices) and verdict.blocks < questions.fewest:
        are_few = verdict.reason == too_few_blocks(verdict.blocks, claim, samples, FEWEST)
        if are_few or verdict.outcome in ("CONFIRMED", "REFUTED"):
            few = too_few_blocks(verdict.blocks, claim, samples, questions.fewest)
            return Standing(replace(verdict, outcome="INCONCLUSIVE", reason=few))
    if verdict.outcome == "CONFIRMED" and METRICS[claim.metric].is_count and not last:
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
        return more_blocks_help(claim, verdict.sustained)
    if found is not None and found.slices:
        return False
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
