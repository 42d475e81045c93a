# SPDX-License-Identifier: BSD-3-Clause
"""What a run that was handed in is worth. Noise is no fail: where a run cannot say whether a claim
holds, its points are open, neither won nor lost, until it is run again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fibench.experiment import claims_digest
from fibench.export.graders.lab import Lab
from fibench.export.graders.plain import ToldClaim, lines_of_verdict
from fibench.report.words import NOT_DECIDED
from fibench.store import StoredRun
from fibench.store.planned import claims_for
from fibench.verdict import review
from fibench.wording import prose, shown

if TYPE_CHECKING:
    from fibench.experiment import DroppedClaim
    from fibench.verdict import Review

NOT_MEASURED = "NOT MEASURED"
"""Of a claim about cells that the run does not have: that is no noise."""


@dataclass(frozen=True)
class ClaimGrade:
    """What a claim of the teacher's file has brought."""

    claim: ToldClaim
    worth: int
    earned: int | None
    """None: its points are open."""


@dataclass(frozen=True)
class RunGrade:
    """What a run is worth."""

    place: str
    """Where it was found, as the person has named it."""
    run: str
    """What it is called; empty of one that cannot be read."""
    claims: Sequence[ClaimGrade]
    """Those with points, in the order of the file; none of one that cannot be read."""
    marks: Sequence[str] = ()
    """What its files say against it."""
    damaged: str = ""
    """Why it cannot be read."""

    @property
    def earned(self) -> int:
        """Its points."""
        return sum(one.earned or 0 for one in self.claims)

    @property
    def open(self) -> int:
        """The points that it may still get when it is run again."""
        return sum(one.worth for one in self.claims if one.earned is None)

    @property
    def decided(self) -> int:
        """The points that it has won or lost."""
        return sum(one.worth for one in self.claims if one.earned is not None)


def graded(lab: Lab, run: StoredRun, place: str, more_marks: Collection[str] = ()) -> RunGrade:
    """Judge a run by the claims of a lab. Raises ExperimentError for a fault of the lab's file."""
    claims, dropped = claims_for(
        lab.data,
        lab.name,
        lab.asked_for(run.planned_cells),
        tolerates=lab.tolerates,
        changed=True,
    )
    judged = review(run, claims)
    found = {one.claim.id: one for one in _judged(lab, judged)}
    found |= {one.id: _not_measured(lab, run, one) for one in dropped if one.id in lab.worths}
    marks = [*judged.marks, *more_marks]
    own = run.experiment
    if claims_digest(claims, len(dropped)) != claims_digest(own.claims, len(own.dropped_claims)):
        marks.append(f"its own claims are others than those of {lab.name}, which count")
    return RunGrade(
        place,
        run.name,
        [found[name] for name in lab.worths if name in found],
        [shown(mark) for mark in marks],
    )


def _judged(lab: Lab, judged: Review) -> list[ClaimGrade]:
    outcomes = {"CONFIRMED": 1, "REFUTED": 0}
    found = []
    for verdict in judged.verdicts:
        worth = lab.worths.get(verdict.claim.id)
        if worth is not None:
            share = outcomes.get(verdict.outcome)
            told = _told(lab, verdict.claim.id, verdict.outcome, lines_of_verdict(verdict))
            found.append(ClaimGrade(told, worth, None if share is None else share * worth))
    for claim in judged.findings.undecided:
        worth = lab.worths.get(claim.id)
        if worth is not None:
            why = ["the run was interrupted before it was decided"]
            found.append(ClaimGrade(_told(lab, claim.id, NOT_DECIDED, why), worth, None))
    return found


def _not_measured(lab: Lab, run: StoredRun, dropped: DroppedClaim) -> ClaimGrade:
    why = lab.why_not(dropped.id, run.planned_cells) or dropped.reason
    told = _told(lab, dropped.id, NOT_MEASURED, [shown(why)])
    return ClaimGrade(told, lab.worths[dropped.id], 0)


def _told(lab: Lab, name: str, outcome: str, lines: Sequence[str]) -> ToldClaim:
    return ToldClaim(name, prose(lab.says[name]), outcome, lines)
