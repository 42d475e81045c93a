# SPDX-License-Identifier: BSD-3-Clause
"""A run in plain words, for formats that wrap and mark nothing: what each claim came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fibench.experiment import cells_of
from fibench.report.words import NOT_DECIDED, verdict_words
from fibench.wording import prose, shown

if TYPE_CHECKING:
    from fibench.verdict import Review, Verdict

NOT_JUDGED = "not judged"
"""Said of a claim whose cells the options of a run have changed."""
_NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class ToldClaim:
    """What is said of a claim."""

    id: str
    says: str
    outcome: str
    """A verdict's, NOT_DECIDED or NOT_JUDGED."""
    lines: Sequence[str]
    """The figures if there are any, then why, and what would settle it."""
    cells: frozenset[str] = frozenset()
    """The keys of those that it rests on."""

    @property
    def first(self) -> str:
        """What matters most: the figures, or else why there are none."""
        return self.lines[0] if self.lines else self.outcome


def lines_of_verdict(verdict: Verdict) -> list[str]:
    """What stands under a claim, its explanation apart."""
    said = verdict_words(verdict)
    return plainly([said.figures, *said.told, said.cause])


def plainly(lines: Iterable[str]) -> list[str]:
    """Those that say something, with spaces at which a line may break."""
    return [shown(line.replace(_NO_BREAK, " ")) for line in lines if line]


def told_claims(review: Review) -> Iterator[ToldClaim]:
    """Every claim of a run: those with a verdict, those without, those that are not judged."""
    for verdict in review.verdicts:
        claim = verdict.claim
        keys = frozenset(cell.key for cell in cells_of(claim))
        lines = lines_of_verdict(verdict)
        yield ToldClaim(claim.id, prose(claim.says), verdict.outcome, lines, keys)
    for claim in review.findings.undecided:
        lines = ["the run was interrupted before it was decided"]
        keys = frozenset(cell.key for cell in cells_of(claim))
        yield ToldClaim(claim.id, prose(claim.says), NOT_DECIDED, lines, keys)
    for dropped in review.run.experiment.dropped_claims:
        yield ToldClaim(dropped.id, prose(dropped.says), NOT_JUDGED, [prose(dropped.reason)])
