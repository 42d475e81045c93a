# SPDX-License-Identifier: BSD-3-Clause
"""Begins runs of one experiment, and keeps records in place of measuring."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from tests.runner.experiments import KNOWN

from fibench.backends.catalogue import read_catalogue
from fibench.experiment.experiment import parse_experiment
from fibench.folders import find_places
from fibench.plan.trials import Trial, plan
from fibench.record import SCHEMA
from fibench.run._resume import Attempt
from fibench.run.begin import Beginning, begin
from fibench.run.request import Request, context_of
from fibench.store import journal

LEFT_BEHIND = "a killed run had left behind"
TEXT = """
title = "t"
[matrix]
backend = ["c-sync", "c-mt"]
[load]
duration = "0.1s"
[plan]
timelines = false
blocks = 2
seed = 7
"""


@dataclass
class Beginner:
    """Begins runs of one experiment, and keeps records in place of measuring."""

    folder: Path
    overrides: dict[str, str] | None = None
    text: str = TEXT

    @cached_property
    def request(self) -> Request:
        """What is asked for, the same each time."""
        source = self.folder / "small.toml"
        source.write_text(self.text)
        experiment = parse_experiment(self.text, "small.toml", KNOWN, self.overrides, self.folder)
        places = replace(find_places(), results=self.folder / "results")
        backends = read_catalogue(places.catalogue)
        return Request(experiment, source, backends, places, self.overrides or {})

    @cached_property
    def trials(self) -> Sequence[Trial]:
        """The whole plan."""
        return plan(self.request.experiment)

    def begin(self, **changes: Any) -> Beginning:
        """Without a look at what other tests, which kill runs, have left behind just now."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("fibench.run.begin.end_leftovers", lambda: None)
            return self.begin_with_all_notices(**changes)

    def begin_with_all_notices(self, **changes: Any) -> Beginning:
        """As a run begins: every process of the machine is looked at, which takes longest."""
        request = replace(self.request, **changes)
        return begin(request, context_of(request))

    def keep(self, run: Path, attempts: Sequence[Attempt], *, valid: bool = True) -> None:
        """Keep records; what is not `valid` could not start."""
        for attempt in attempts:
            trial = attempt.trial
            (run / "trials" / journal.folder_name(trial.index, attempt.number)).mkdir()
            record = {
                "trial": trial.key, "role": trial.role, "index": trial.index, "block": trial.block,
                "cell": trial.cell.key, "label": trial.cell.label, "attempt": attempt.number,
                "started_at": "2026-11-24T22:00:00.000+00:00", "valid": valid,
                "reason": None if valid else "its port was in use", "schema": SCHEMA,
                "failure": None if valid else "address-in-use", "window_opened": valid,
                "parameters": trial.cell.parameters.as_json(), "metrics": {},
                "counts": {}, "times": {"wall_s": 1.0, "measured_s": 0.5},
            }  # fmt: skip
            journal.append(run / "trials.jsonl", record)
