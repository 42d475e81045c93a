# SPDX-License-Identifier: BSD-3-Clause
"""Folders of runs as `run` leaves them behind, made without measuring anything."""

import json
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.runner.experiments import KNOWN
from tests.runner.histograms import index_of

from fibench.experiment.experiment import Experiment, parse_experiment
from fibench.export import histogram
from fibench.folders import Places, find_places
from fibench.plan.trials import Trial
from fibench.store import journal
from fibench.store.record import read_record
from fibench.verdict.judging import claims_json, judge
from fibench.verdict.sampling.sampled import samples

NAME = "2026-11-24T2255-63e1"
"""What a run is called whose name tells nothing."""
EXPERIMENT = """\
title = "Threads and processes"
[[matrix]]
backend = ["py-mp", "py-mt"]
n = 27
[load]
clients = 8
duration = "2s"
warmup = "200ms"
[plan]
timelines = false
blocks = 5
seed = 7
[[claim]]
says = "Multiprocess beats threads"
because = "The GIL"
ratio = [{ backend = "py-mp" }, { backend = "py-mt" }]
metric = "throughput"
above = 1.3
[[claim]]
says = "Nothing is refused"
id = "refusals"
value = { backend = "py-mt" }
metric = "refused"
below = 1
"""

WITH_GROUPS = """\
title = "Groups"
[matrix]
backend = ["py-mt", "py-mp"]
[load]
duration = "2s"
[[load.group]]
name = "small"
clients = 8
n = 1
rate = "200/s"
[[load.group]]
name = "idle"
clients = 4
idle = true
[plan]
timelines = false
blocks = 3
[[claim]]
says = "Small ones are fast"
value = { backend = "py-mt" }
group = "small"
metric = "p50"
below = "1s"
[[claim]]
says = "Threads win"
ratio = [{ backend = "py-mt" }, { backend = "py-mp" }]
metric = "throughput"
above = 1.1
"""

CLAIMS = """\
[[claim]]
says = "Threads beat processes"
id = "reversed"
ratio = [{ backend = "py-mt" }, { backend = "py-mp" }]
metric = "throughput"
above = 1.1
"""

MACHINE: dict[str, Any] = {
    "schema": 1,
    "processor": "Model(R) 7 CPU @ 3.00GHz",
    "architecture": "x86_64",
    "cpus": 4,
    "usable_cores": 2,
    "kernel": "6.1.0",
    "boot_id": "83526c41-6b98-4dfe-a568-2e8b773e8eae",
    "python": {"version": "3.12.1", "implementation": "CPython", "gil": True},
    "git": {"revision": "9cf2cc3cce416e02cfaca7c0fe1a125256336290", "changed": False},
}

RATES = {"py-mp": 710.0, "py-mt": 390.0}


def make_run(  # noqa: PLR0913 - each is something that a test may vary
    folder: Path,
    *,
    text: str = EXPERIMENT,
    overrides: Mapping[str, str] | None = None,
    environment: Mapping[str, Any] = MACHINE,
    seed: int = 1,
    factor: float = 1.0,
    complete: bool = True,
    schema: int = 1,
    second_by_second: bool = False,
) -> Path:
    """A run's folder with journal, loads and verdicts; `factor` scales every throughput."""
    experiment = parse_experiment(text, "made.toml", KNOWN, overrides, folder=folder)
    chance = random.Random(seed)
    (folder / "trials").mkdir(parents=True)
    (folder / "experiment.toml").write_text(text)
    trials = _trials(experiment)
    document = _plan(experiment, trials)
    if schema > 1:
        document |= {"schema": schema, "overrides": dict(overrides or {}), "source": "made.toml"}
    (folder / "plan.json").write_text(json.dumps(document))
    (folder / "environment.json").write_text(json.dumps(environment))
    records = []
    for trial in trials:
        if not complete and trial.block > 2:
            break
        rate = RATES[trial.cell.backend] * factor * math.exp(chance.gauss(0.0, 0.03))
        latencies = [round(1e9 * 8 / rate * math.exp(chance.gauss(0.0, 0.2))) for _ in range(50)]
        at = f"2026-11-24T22:{trial.index // 60:02d}:{trial.index % 60:02d}.500+00:00"
        records.append(_record(trial, rate, at))
        own = folder / "trials" / f"{trial.index:03d}"
        own.mkdir()
        (own / "load.json").write_text(json.dumps(_load(latencies, second_by_second)))
    for record in records:
        journal.append(folder / "trials.jsonl", record)
    if complete:
        verdicts = judge(experiment.claims, samples(map(read_record, records)), 2)
        (folder / "claims.json").write_text(json.dumps(claims_json(verdicts)))
    return folder


def _trials(experiment: Experiment) -> list[Trial]:
    """Every cell once in each block, and nothing else that a plan may have."""
    return [
        Trial(place + block * len(experiment.cells), block, cell, f"b{block:03d}-{cell.key}")
        for block in range(experiment.plan.blocks.most)
        for place, cell in enumerate(experiment.cells)
    ]


def _plan(experiment: Experiment, trials: Sequence[Trial]) -> dict[str, Any]:
    return {
        "schema": 1,
        "title": experiment.title,
        "blocks": experiment.plan.blocks.most,
        "seed": experiment.plan.seed,
        "cells": [
            {"key": cell.key, "label": cell.label, "parameters": cell.parameters.as_json()}
            for cell in experiment.cells
        ],
        "trials": [{"index": trial.index, "key": trial.key} for trial in trials],
    }


def _record(trial: Trial, rate: float, at: str) -> dict[str, Any]:
    ok = int(2 * rate)
    return {
        "schema": 1,
        "trial": trial.key,
        "index": trial.index,
        "block": trial.block,
        "cell": trial.cell.key,
        "label": trial.cell.label,
        "attempt": 1,
        "started_at": at,
        "valid": True,
        "reason": None,
        "hint": None,
        "failure": None,
        "parameters": trial.cell.parameters.as_json(),
        "port": 3000,
        "metrics": {
            "throughput_per_s": rate,
            "wall_s": 2.0,
            "p50_s": 8 / rate,
            "p90_s": 9 / rate,
            "p99_s": 12 / rate,
            "max_s": 20 / rate,
            "cores": 0.998,
            "cpu_per_request_s": 1 / rate,
            "memory_bytes": 9_500_000,
        },
        "counts": {
            "started": ok + 8,
            "ok": ok,
            "unfinished": 8,
            "window_ok": ok,
            "refused_by_cap": 0,
            "errors": 0,
            "clients_answered": 8,
        },
        "server": {},
        "generator": {},
        "machine": {"used_cores": 1.0, "accounted_cores": 1.0},
        "times": {"wall_s": 2.4, "measured_s": 2.2},
    }


def sparse(latencies_ns: Sequence[int]) -> list[list[int]]:
    counts = histogram.empty()
    for value in latencies_ns:
        counts[index_of(value)] += 1
    return histogram.to_sparse(counts)


def _load(latencies: Sequence[int], second_by_second: bool) -> dict[str, Any]:
    latency = {"histogram": {"counts": sparse(latencies)}}
    document: dict[str, Any] = {
        "schema": 2 if second_by_second else 1,
        "window": {"duration_ns": 2_000_000_000},
        "latency": latency,
    }
    if second_by_second:
        halves = (latencies[:20], latencies[20:])
        seconds = [{"second": k, "ok": len(h), "counts": sparse(h)} for k, h in enumerate(halves)]
        document["groups"] = [
            {"name": "small", "idle": False, "latency": latency, "seconds": seconds},
            {"name": "idle", "idle": True, "seconds": []},
        ]
    return document


def leave_out(folder: Path, backend: str, reason: str) -> None:
    """Make a run one in which a backend could not run: of its cells nothing was measured."""
    path = folder / "plan.json"
    plan = json.loads(path.read_text())
    gone = [cell for cell in plan["cells"] if cell["parameters"]["backend"] == backend]
    plan["cells"] = [cell for cell in plan["cells"] if cell not in gone]
    plan["left_out"] = [{**cell, "reason": reason} for cell in gone]
    path.write_text(json.dumps(plan))
    records = journal.read(folder / "trials.jsonl").records
    (folder / "trials.jsonl").unlink()
    for record in records:
        parameters = record["parameters"]
        assert isinstance(parameters, dict)
        if parameters["backend"] != backend:
            journal.append(folder / "trials.jsonl", record)


def places_with(results: Path) -> Places:
    """Where things are, with another results folder."""
    here = find_places()
    return Places(here.checkout, here.programs, here.catalogue, here.experiments, results)


def rewrite_journal(folder: Path, change: Any) -> None:
    """Change every record of a journal, its digests made right again."""
    path = folder / "trials.jsonl"
    records = journal.read(path).records
    path.unlink()
    for record in records:
        change(record)
        journal.append(path, record)
