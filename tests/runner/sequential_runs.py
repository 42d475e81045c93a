# SPDX-License-Identifier: BSD-3-Clause
"""Runs that end when their claims are clear, gone through by the code that measures real ones, with
figures that are made up."""

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.runner.experiments import KNOWN
from tests.runner.stored_runs import MACHINE, RATES

from fibench.commands.following import Following
from fibench.experiment import Experiment, parse_experiment
from fibench.plan import Trial, plan, plan_json
from fibench.record import Record
from fibench.run._resume import Attempt
from fibench.run.blocks import Walk
from fibench.store import journal
from fibench.store.record import read_record
from fibench.verdict import claims_json, find, questions_of

SEQUENTIAL = """\
title = "Threads and processes"
[[matrix]]
backend = ["py-mp", "py-mt", "py-sync"]
n = 27
[load]
clients = 8
duration = "2s"
warmup = "200ms"
[plan]
timelines = false
blocks = { least = 6, most = 12 }
seed = 7
[[claim]]
says = "Processes beat threads"
id = "clear"
ratio = [{ backend = "py-mp" }, { backend = "py-mt" }]
metric = "throughput"
above = 1.3
[[claim]]
says = "Threads beat one at a time"
id = "near"
ratio = [{ backend = "py-mt" }, { backend = "py-sync" }]
metric = "throughput"
above = 1.0
"""
"""The first claim is clear at once, the second about one whose truth is its bound."""
CORES = 2


def made_record(attempt: Attempt, seed: int = 1) -> Record:
    """What a trial gives, the same whenever it is measured as the same attempt."""
    trial = attempt.trial
    chance = random.Random(f"{seed}/{trial.key}/{attempt.number}")
    rate = {**RATES, "py-sync": RATES["py-mt"]}.get(trial.cell.backend, 9000.0)
    return record_of(trial, rate * math.exp(chance.gauss(0.0, 0.03)), attempt.number)


def record_of(trial: Trial, rate: float, attempt: int = 1) -> Record:
    """The record of a trial with that throughput."""
    document: dict[str, Any] = {
        "schema": 2, "trial": trial.key, "role": trial.role, "index": trial.index,
        "block": trial.block, "cell": trial.cell.key, "label": trial.cell.label,
        "attempt": attempt, "valid": True, "reason": None,
        "started_at": f"2026-11-24T22:{trial.index % 60:02d}:00.{attempt:03d}+00:00",
        "parameters": trial.cell.parameters.as_json(),
        "metrics": {"throughput_per_s": rate, "syscalls_per_request": rate},
        "counts": {"started": 900, "ok": 900, "window_ok": 900, "errors": 0},
        "machine": {"used_cores": 1.0, "accounted_cores": 1.0},
        "times": {"wall_s": 2.4, "measured_s": 2.2},
    }  # fmt: skip
    return read_record(document)


def experiment_of(text: str) -> Experiment:
    return parse_experiment(text, "made.toml", KNOWN)


def go(
    experiment: Experiment,
    records: list[Record],
    measure: Callable[[Attempt], Record] = made_record,
    trials: int | None = None,
) -> Following:
    """Go on with a run that has these records, to which what is measured is added; for at most so
    many trials."""
    following = Following(questions_of(experiment, CORES))
    for block in Walk(plan(experiment), records, following, lambda *of: None).blocks():
        for attempt in block.todo:
            if trials == 0:
                return following
            records.append(measure(attempt))
            trials = None if trials is None else trials - 1
    return following


def make_sequential(
    folder: Path, text: str = SEQUENTIAL, trials: int | None = None, seed: int = 1
) -> Path:
    """The folder of such a run; of one that was interrupted after so many `trials`."""
    make_run(folder, text, lambda attempt: made_record(attempt, seed), trials)
    return folder


def make_run(
    folder: Path, text: str, measured: Callable[[Attempt], Record], trials: int | None
) -> None:
    """Put there what a run leaves behind: with its verdicts, if it was not interrupted."""
    experiment = experiment_of(text)
    records: list[Record] = []
    go(experiment, records, measured, trials)
    keep(folder, text, records)
    if trials is None:
        found = find(experiment, records, CORES, complete=True)
        (folder / "claims.json").write_text(json.dumps(claims_json(found.verdicts)))


def make_timed(folder: Path, text: str, blocks: int) -> Path:
    """The folder of a run that was ended after so many blocks, whatever they gave."""
    trials = [trial for trial in plan(experiment_of(text)) if trial.block < blocks]
    keep(folder, text, [made_record(Attempt(trial)) for trial in trials])
    return folder


def keep(folder: Path, text: str, records: list[Record]) -> None:
    """Write what a run keeps, but its verdicts."""
    experiment = experiment_of(text)
    (folder / "trials").mkdir(parents=True)
    (folder / "experiment.toml").write_text(text)
    document = plan_json(experiment) | {"source": "made.toml", "overrides": {}}
    (folder / "plan.json").write_text(json.dumps(document))
    (folder / "environment.json").write_text(json.dumps(MACHINE))
    for record in records:
        journal.append(folder / "trials.jsonl", record.as_document())
