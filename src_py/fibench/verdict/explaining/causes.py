# SPDX-License-Identifier: BSD-3-Clause
"""Whether the causes that claims state were seen. Pure.

A cause is judged as a claim about the value of one cell is, at the confidence of its claim, by the
same code. It changes no verdict, holds no cell in the run, and is none of the claims by whose
number alpha is divided. Several causes of a claim must all be seen. That they were, is only said
wrongly if it is said wrongly of each that is not there, so that alpha is not divided by their
number either (an intersection-union test: R. L. Berger, Technometrics 24 (1982), 295-300).
docs/statistics.md says what that promises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fibench.experiment import Claim
from fibench.metrics import METRICS
from fibench.verdict.causes.seen import SeenCause, WasSeen
from fibench.verdict.deciding.decisions import Questions
from fibench.verdict.judging import judge, too_few_blocks
from fibench.verdict.looks import Looks
from fibench.verdict.sample import Index
from fibench.verdict.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from fibench.experiment import Cause, Cell

_SEEN: Mapping[Outcome, WasSeen] = {"CONFIRMED": "seen", "REFUTED": "not seen"}
_CUT_SHORT = "the run was interrupted before this cell was measured to the end"


@dataclass(frozen=True)
class Causes:
    """What the causes of a run's claims are judged by."""

    questions: Questions
    samples: Index
    ended: bool
    """The run is complete: so a cell that no claim looked at has all of its blocks."""

    def judged(self, verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
        """The same verdicts, with whether the causes of their claims were seen."""
        looks = self.questions.repeated()
        return tuple(
            verdict
            if verdict.outcome == "NOT HERE"
            else replace(verdict, causes=tuple(self._of(verdict.claim, looks)))
            for verdict in verdicts
        )

    def _of(self, claim: Claim, looks: Mapping[str, Looks]) -> Iterator[SeenCause]:
        for cause in claim.causes:
            if cause.cell is None:
                yield SeenCause(cause, "not known", cause.lost)
            else:
                yield self._seen(cause, cause.cell, claim, looks.get(cause.cell.key))

    def _seen(self, cause: Cause, cell: Cell, claim: Claim, looks: Looks | None) -> SeenCause:
        """By the trials of a cell, at which the run was looked after blocks as the `looks` say."""
        is_of_blocks = METRICS[cause.metric].of_role != "timeline"
        if is_of_blocks and looks is None and not self.ended:
            return SeenCause(cause, "not known", _CUT_SHORT)
        asked, questions = _as_claim(cause, cell, claim), self.questions
        (found,) = judge(
            [asked],
            self.samples,
            None,
            total_claims=max(questions.total_claims or 0, len(questions.claims)),
            absent=questions.absent,
            looks=looks,
        )
        if found.outcome in _SEEN and is_of_blocks and found.blocks < questions.fewest:
            few = too_few_blocks(found.blocks, asked, self.samples, questions.fewest)
            found = replace(found, outcome="INCONCLUSIVE", reason=few)
        was = _SEEN.get(found.outcome, "not known")
        reason = found.reason if was == "not known" else None
        return SeenCause(cause, was, reason, found.estimate, found.count)


def _as_claim(cause: Cause, cell: Cell, claim: Claim) -> Claim:
    """A claim about the value of the cell, as the judge takes it."""
    return Claim(
        id=claim.id,
        says=claim.says,
        because=None,
        kind="value",
        metric=cause.metric,
        left=cell,
        right=None,
        low=cause.low,
        high=cause.high,
        needs_cpus=1,
        tolerates=claim.tolerates,
    )
