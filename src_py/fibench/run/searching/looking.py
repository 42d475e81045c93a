# SPDX-License-Identifier: BSD-3-Clause
"""The search for rates, made: trial by trial, each by what those before it have shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from fibench.experiment import Experiment, claims_digest
from fibench.json_values import Object
from fibench.machine import cores as machine
from fibench.plan import Trial, plan_json
from fibench.plan.searching.found import with_rates
from fibench.plan.trials import SEARCH_BLOCK, search_key
from fibench.record import Record
from fibench.run._resume import Attempt, next_attempt
from fibench.run.events import Listener, TrialFinished, TrialStarted
from fibench.store.files import read_json
from fibench.store.folder import as_json, keep_file
from fibench.store.names import PLAN
from fibench.store.searching.follow import follow
from fibench.tried import could_not_start


class NotStartedError(Exception):
    """A trial of a search could not start, for reasons that are not the server's; the text is why,
    a clause."""

    def __init__(self, label: str, record: Record) -> None:
        super().__init__(f"{label} could not start: {record.reason or 'no reason given'}")
        self.hint = record.hint
        """What to do about it, if that is known."""


class Measure(Protocol):
    """Measures a trial, and again where that is due."""

    def __call__(self, first: Attempt, *, before_another: Callable[[Record], None]) -> Record:
        """Return the last attempt; `before_another` is told of the others, and may raise."""


def look(
    experiment: Experiment,
    records: Sequence[Record],
    measure: Measure,
    tell: Listener,
    tell_again: Callable[[Trial, Record], None],
    check_stop: Callable[[], None],
) -> None:
    """Measure until every rate is found; `records` grow by what `measure` makes.

    `check_stop` and `tell_again` raise what ends the run. So does a trial that could not start
    however often it was tried: without it the rates would be a guess. Raises NotStartedError.
    """
    while (cell := (followed := follow(experiment, records)).following) is not None:
        trial = Trial(followed.place, SEARCH_BLOCK, cell, search_key(cell), "search")
        check_stop()
        tell(TrialStarted(trial))
        first = Attempt(trial, next_attempt(records, trial.key))
        record = measure(first, before_another=partial(tell_again, trial))
        tell(TrialFinished(trial, record))
        if could_not_start(record):
            raise NotStartedError(cell.label, record)


def so_far(experiment: Experiment, records: Sequence[Record]) -> Experiment:
    """The experiment with what was measured to find its rates, and with these if all are found."""
    followed = follow(experiment, records)
    known = replace(experiment, probes=followed.probes)
    return known if followed.following is not None else with_rates(known, followed.found)


def keep_rates(folder: Path, experiment: Experiment, *, other_claims: bool) -> None:
    """The plan in a run's folder says what is measured now, and how its rates were found.

    With `other_claims` the run goes on under others than it was begun with, which stays to be seen.
    Raises RunError, StoredError.
    """
    before = read_json(folder, PLAN)
    made = plan_json(experiment, cpus=machine.usable_cores())
    del made["warnings"]
    if not other_claims:
        made["claims"] = claims_digest(experiment.claims, len(experiment.dropped_claims))
    document: Object = json.loads(as_json({**before, **made}))
    keep_file(folder / PLAN, as_json(document))
