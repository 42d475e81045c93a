# SPDX-License-Identifier: BSD-3-Clause
"""A stored run judged again: what the reports and the exports of it are made from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fibench.claims import Verdict, judge
from fibench.contrasts import Claim
from fibench.estimate import CellSummary, summarise
from fibench.results import failures, samples
from fibench.stored import StoredRun

ADDED_AFTERWARDS = "claims added afterwards"
"""Said wherever verdicts stand that rest on other claims than the experiment was made for."""


@dataclass(frozen=True)
class Review:
    """A run with its estimates and verdicts."""

    run: StoredRun
    summaries: Sequence[CellSummary]
    verdicts: Sequence[Verdict]
    """Empty of an interrupted run."""
    failures: Sequence[tuple[str, str, str | Path | None]]
    notes: Sequence[str] = ()
    """What was seen during the run that a reader of its figures must know."""
    added_afterwards: bool = False
    """The verdicts are of other claims than the experiment's own."""

    @property
    def claims_mark(self) -> str:
        """What stands beside the verdicts; empty for the experiment's own claims."""
        return ADDED_AFTERWARDS if self.added_afterwards else ""


def review(run: StoredRun, claims: Sequence[Claim] | None = None) -> Review:
    """Judge a run by its own claims, or by others, all of which are then simultaneous."""
    if claims is not None:
        experiment = replace(run.experiment, claims=tuple(claims), dropped_claims=())
        run = replace(run, experiment=experiment)
    experiment = run.experiment
    found = samples(run.records)
    return Review(
        run=run,
        summaries=summarise(found, [cell.key for cell in experiment.cells]),
        verdicts=judge(
            experiment.claims,
            found,
            run.cores,
            complete=run.complete,
            total_claims=len(experiment.claims) + len(experiment.dropped_claims),
        ),
        failures=failures(run.records, run.folder),
        added_afterwards=claims is not None,
    )
