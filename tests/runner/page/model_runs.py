# SPDX-License-Identifier: BSD-3-Clause
"""Folders of runs of any experiment, with figures of a model: everything that a page may show."""

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.here import CHECKOUT
from tests.here import known_backends as catalogue
from tests.runner.sequential_runs import CORES
from tests.runner.stored_runs import MACHINE, sparse

from fibench.backends import known_backends
from fibench.experiment import Experiment
from fibench.experiment.experiment import parse_experiment
from fibench.plan import Trial, plan, plan_json
from fibench.store import journal
from fibench.store.record import read_record
from fibench.verdict import claims_json, find

Document = dict[str, Any]
STEADY: Mapping[str, float] = {
    "py-sync": 43.0, "py-mp": 75.0, "py-mt": 40.0, "py-async": 42.0, "c-sync": 2200.0,
    "c-mp": 150.0, "c-mt": 156.0,
}  # fmt: skip
"""Requests per second."""


@dataclass(frozen=True)
class Model:
    """What trials give."""

    rate: Callable[[Trial], float] = lambda trial: STEADY.get(trial.cell.backend, 100.0)
    """Requests per second that the server of a trial answers."""
    change: Callable[[Document, Trial], None] = lambda document, trial: None
    """Whatever else is to be of a record."""
    noise: float = 0.01
    replies: int = 20_000
    environment: Mapping[str, Any] = field(default_factory=lambda: dict(MACHINE))
    plan: Mapping[str, Any] = field(default_factory=dict)
    loads: bool = True
    """Whether the loads' histograms are kept."""
    latencies_ns: Sequence[int] = ()
    """Those of every load; none: each has its own."""


def experiment_file(name: str) -> str:
    """The text of one of the experiments that come with fibench."""
    return (CHECKOUT / "experiments" / f"{name}.toml").read_text()


def parsed(text: str, folder: Path | None = None) -> Experiment:
    return parse_experiment(text, "made.toml", known_backends(catalogue()), folder=folder)


def model_run(
    folder: Path, text: str, model: Model | None = None, *, blocks: int | None = None
) -> Path:
    """The folder of a run that came to its end; or that was interrupted after so many `blocks`."""
    model = model or Model()
    experiment = parsed(text, folder)
    (folder / "trials").mkdir(parents=True)
    (folder / "experiment.toml").write_text(text)
    document = {**plan_json(experiment), "source": "made.toml", "overrides": {}, **model.plan}
    (folder / "plan.json").write_text(json.dumps(document))
    (folder / "environment.json").write_text(json.dumps(model.environment))
    made = [trial for trial in plan(experiment) if blocks is None or trial.block < blocks]
    records = [_trial(folder, trial, model) for trial in made]
    (folder / "trials.jsonl").write_text("".join(map(journal.encode, records)))
    if blocks is None:
        found = find(experiment, map(read_record, records), CORES, complete=True)
        (folder / "claims.json").write_text(json.dumps(claims_json(found.verdicts)))
    return folder


def _trial(folder: Path, trial: Trial, model: Model) -> Document:
    chance = random.Random(trial.key)
    rate = model.rate(trial) * math.exp(chance.gauss(0.0, model.noise))
    document = _record(trial, rate, model)
    model.change(document, trial)
    own = folder / "trials" / f"{trial.index:03d}"
    own.mkdir(exist_ok=True)
    if model.loads and document["valid"]:
        mean_ns = 1e9 * (document["metrics"].get("p50_s") or 0.01)
        chosen = [round(mean_ns * math.exp(chance.gauss(0.0, 0.2))) for _ in range(200)]
        (own / "load.json").write_text(_load_text(tuple(model.latencies_ns or chosen)))
    return document


@lru_cache(maxsize=1)
def _load_text(latencies_ns: tuple[int, ...]) -> str:
    """What fibload writes of so many replies."""
    return json.dumps({"schema": 2, "latency": {"histogram": {"counts": sparse(latencies_ns)}}})


def _record(trial: Trial, rate: float, model: Model) -> Document:
    parameters = trial.cell.parameters.as_json()
    due, clients = trial.cell.parameters.rate, trial.cell.parameters.clients or 1
    rate = rate if due is None else min(rate, due)
    p50 = clients / rate
    design = trial.cell.backend.partition("-")[2]
    cores = 1.97 if design in ("mp", "mt-pool") or trial.cell.backend == "c-mt" else 1.0
    return {
        "schema": 3, "trial": trial.key, "role": trial.role, "index": trial.index,
        "block": trial.block, "cell": trial.cell.key, "label": trial.cell.label,
        "attempt": 1, "valid": True, "reason": None, "hint": None, "failure": None,
        "started_at": f"2026-11-24T{22 + trial.index // 3600}:"
        f"{trial.index // 60 % 60:02d}:{trial.index % 60:02d}.000+00:00",
        "window_opened": True, "load_began": True, "disturbed": None,
        "parameters": parameters, "port": 3000,
        "metrics": {
            "throughput_per_s": rate, "wall_s": 2.0, "p50_s": p50, "p90_s": 1.1 * p50,
            "p99_s": 1.3 * p50, "max_s": 2.0 * p50, "cores": cores,
            "cpu_per_request_s": cores / rate, "memory_bytes": 9_500_000 + 1000 * trial.block,
            "switches_per_request": 2.0,
        },
        "counts": {
            "started": model.replies, "ok": model.replies, "window_ok": model.replies,
            "refused_by_cap": 0, "errors": 0, "clients_answered": clients,
        },
        "halves": [model.replies // 2, model.replies // 2],
        "checks": {"generator_share": 0.14, "littles_law": 1.0},
        "server": {"status": 0, "cpu_user_s": 1.9, "cpu_system_s": 0.1},
        "generator": {},
        "machine": {
            "used_cores": 1.2, "accounted_cores": 1.2, "foreign_cores": 0.0, "steal_s": 0.0,
            "usable_cores": 2, "design_cores": cores,
        },
        "evidence": {"foreign": [], "missing": {}},
        "times": {"wall_s": 2.4, "measured_s": 2.2},
    }  # fmt: skip


def failed(document: Document, reason: str) -> None:
    """Make a record one of a trial that failed in its window."""
    document |= {"valid": False, "reason": reason, "failure": "wrong-reply"}
    document["metrics"] = dict.fromkeys(document["metrics"])
