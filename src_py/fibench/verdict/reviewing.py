# SPDX-License-Identifier: BSD-3-Clause
"""A stored run judged again: what the reports and the exports of it are made from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fibench.experiment import Claim
from fibench.store import StoredRun
from fibench.verdict.audit import has_other_claims, marks_of
from fibench.verdict.estimate import CellSummary
from fibench.verdict.findings import Failure, Findings, find
from fibench.verdict.judging import Verdict

ADDED_AFTERWARDS = "claims added afterwards"
"""Said wherever verdicts stand that rest on other claims than the experiment was made for."""


@dataclass(frozen=True)
class Review:
    """A run with its estimates and verdicts."""

    run: StoredRun
    findings: Findings
    summaries: Sequence[CellSummary]
    verdicts: Sequence[Verdict]
    """Of an interrupted run those of what it had decided."""
    failures: Sequence[Failure]
    notes: Sequence[str] = ()
    """What was seen during the run that a reader of its figures must know."""
    added_afterwards: bool = False
    """The verdicts are of other claims than the experiment's own."""
    marks: Sequence[str] = ()
    """What is wrong with the stored run, each in one line: see `audit.marks_of`."""

    @property
    def interrupted(self) -> bool:
        """Whether it was broken off: what was open has no verdict. Of a run that ended since the
        machine was not quiet it has one."""
        stopped = self.run.stopped
        return not self.run.complete and not (stopped is not None and stopped.not_quiet)

    @property
    def claims_mark(self) -> str:
        """What stands beside the verdicts; empty for the experiment's own claims."""
        return ADDED_AFTERWARDS if self.added_afterwards else ""


def review(run: StoredRun, claims: Sequence[Claim] | None = None) -> Review:
    """Judge a run by its own claims, or by others, all of which are then simultaneous."""
    own = _review(run)
    marks = marks_of(run, own.verdicts, own.findings.decisions)
    if claims is None:
        return replace(own, marks=marks, added_afterwards=has_other_claims(run))
    other = _review(run, claims)
    experiment = replace(run.experiment, claims=tuple(claims), dropped_claims=())
    asked = replace(run, experiment=experiment)
    return replace(other, run=asked, marks=marks, added_afterwards=True)


def _review(run: StoredRun, claims: Sequence[Claim] | None = None) -> Review:
    found = find(
        run.experiment,
        run.attempts,
        run.cores,
        complete=run.complete,
        claims=claims,
        server_words=run.server_words,
        sessions=run.sessions,
        begun=run.begun,
        not_quiet=run.stopped.reason if run.stopped and run.stopped.not_quiet else None,
    )
    return Review(
        run=run,
        findings=found,
        summaries=found.summaries,
        verdicts=found.verdicts,
        failures=found.failures,
        notes=found.notes,
    )
