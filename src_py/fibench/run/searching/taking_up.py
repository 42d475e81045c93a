# SPDX-License-Identifier: BSD-3-Clause
"""How far a run that is gone on with has come in finding its rates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fibench.experiment import Experiment
from fibench.plan.searching.found import open_searches, with_rates
from fibench.store import JOURNAL, StoredError, journal
from fibench.store.files import read_json
from fibench.store.names import PLAN
from fibench.store.record import sound_records
from fibench.store.searching.follow import follow
from fibench.store.searching.planned import found_in

AT_ODDS = "the rates that it has measured are not those that its search gives now"


@dataclass(frozen=True)
class TakenUp:
    """An experiment as a run has it."""

    experiment: Experiment
    """With the rates that were found, or with what was measured so far to find them."""
    at_odds: str | None = None
    """Why the run cannot be gone on with, as a clause."""


def taken_up(experiment: Experiment, folder: Path) -> TakenUp:
    """What a run's folder knows of the rates that an experiment searches; it may be anything.

    A run that has begun to measure keeps its rates only where they are those that its search gives:
    its trials are there, and what they were made for is what the file says now. Rates that claims
    name are measured too; where they name others now, it goes on with those that it has.
    """
    if not open_searches(experiment):
        return TakenUp(experiment)
    try:
        kept = tuple(found_in(read_json(folder, PLAN)))
        records = sound_records(journal.read(folder / JOURNAL))
    except (StoredError, OSError, ValueError):
        return TakenUp(experiment, AT_ODDS)
    followed = follow(experiment, records)
    with_probes = replace(experiment, probes=followed.probes)
    if not kept:
        return TakenUp(with_probes)
    if not followed.gives(kept):
        return TakenUp(experiment, AT_ODDS)
    return TakenUp(with_rates(with_probes, kept))
