# SPDX-License-Identifier: BSD-3-Clause
"""How long `runs` takes over a class's thousand runs, made in a temporary folder.

Each is judged anew, from a journal of eighty trials.
"""

from __future__ import annotations

import json
import math
import random
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fibench.backends import known_backends, read_catalogue
from fibench.experiment import Experiment, parse_experiment
from fibench.folders import find_places
from fibench.plan import Trial, plan, plan_json
from fibench.store import journal
from fibench.store.record import read_record
from fibench.verdict import claims_json, judge
from fibench.verdict.sampling.sampled import samples

LIMIT_S = 20.0
_CORES = 2
_TEXT = """\
title = "Threads and processes"
[matrix]
backend = ["py-mp", "py-mt", "py-sync", "py-async", "c-mp", "c-mt", "c-sync"]
[load]
clients = 8
n = 27
[plan]
blocks = 10
"""
_CLAIM = """\
[[claim]]
says = "{first} beats {second}"
ratio = [{{ backend = "{first}" }}, {{ backend = "{second}" }}]
metric = "throughput"
above = 1.3
"""
_PAIRS = (("py-mp", "py-mt"), ("py-mp", "py-sync"), ("py-mt", "py-sync"), ("py-async", "py-mt"),
          ("c-mp", "c-sync"), ("c-mt", "c-sync"), ("c-mp", "c-mt"), ("c-mt", "py-mt"))  # fmt: skip
_RATES = {"py-mp": 80.0, "c-mp": 4000.0, "c-mt": 4000.0, "c-sync": 2000.0}
_RATE = 45.0


def make_runs(root: Path, count: int, seed: int = 1) -> None:
    """Make folders like those of a class: forty students, each with runs of gil.

    Every tenth run was interrupted.
    """
    chance = random.Random(seed)
    text = _TEXT + "".join(_CLAIM.format(first=one, second=other) for one, other in _PAIRS)
    making = Making(text)
    for number in range(count):
        day, minute = 1 + number % 28, number // 28
        at = f"2026-11-{day:02d}T{minute // 60:02d}{minute % 60:02d}"
        run = root / f"student-{number % 40:02d}" / "results" / "gil" / f"{at}-{number:04x}"
        making.make(run, chance, number, interrupted=number % 10 == 0)


class Making:
    """Makes runs of one experiment, as folders."""

    def __init__(self, text: str) -> None:
        known = known_backends(read_catalogue(find_places().catalogue))
        self.text = text
        self.experiment = parse_experiment(text, "gil.toml", known)
        self.trials = plan(self.experiment)
        document = plan_json(self.experiment) | {"source": "gil.toml", "overrides": {}}
        self.document = json.dumps(document, indent=2)

    def make(
        self, run: Path, chance: random.Random, number: int = 0, *, interrupted: bool = False
    ) -> None:
        """Make one run, or the first half of one."""
        (run / "trials").mkdir(parents=True)
        (run / "experiment.toml").write_text(self.text)
        (run / "plan.json").write_text(self.document)
        (run / "environment.json").write_text(json.dumps(_environment(number), indent=2))
        kept = self.trials[: len(self.trials) // 2] if interrupted else self.trials
        records = [_record(trial, chance, number) for trial in kept]
        (run / "trials.jsonl").write_text("".join(map(journal.encode, records)))
        if not interrupted:
            (run / "claims.json").write_text(_claims(self.experiment, records))


def measure(count: int = 1000) -> tuple[float, int]:
    """The time of listing and writing them as text, in seconds, and how many rows there were."""
    from fibench.export.listing import text
    from fibench.report.runs import rows

    with tempfile.TemporaryDirectory(prefix="fibench-runs-") as folder:
        make_runs(Path(folder), count)
        began_s = time.perf_counter()
        found = rows(Path(folder))
        text(found)
        return time.perf_counter() - began_s, len(found)


def print_runs(count: int = 1000) -> bool:
    """Print how long it takes; return whether that is within the limit."""
    took_s, found = measure(count)
    print(f"runs over {count} runs, {found} rows: {took_s:.2f} s (at most {LIMIT_S:g} s)")
    return took_s <= LIMIT_S


def _record(trial: Trial, chance: random.Random, number: int) -> dict[str, Any]:
    rate = _RATES.get(trial.cell.backend, _RATE) * math.exp(chance.gauss(0.0, 0.03))
    ok = math.ceil(rate)
    return {
        "schema": 2,
        "trial": trial.key,
        "role": trial.role,
        "index": trial.index,
        "block": trial.block,
        "cell": trial.cell.key,
        "label": trial.cell.label,
        "attempt": 1,
        "started_at": f"2026-11-23T{_clock(9 * 3600 + trial.index)}.{number:06d}",
        "valid": True,
        "reason": None,
        "hint": None,
        "failure": None,
        "parameters": trial.cell.parameters.as_json(),
        "metrics": {
            "throughput_per_s": rate,
            **dict.fromkeys(("p50_s", "p90_s", "p99_s", "max_s", "wall_s"), 1.0 / rate),
            "cores": 1.0,
            "cpu_per_request_s": 1.0 / rate,
            "memory_bytes": 9_500_000,
        },
        "counts": {"started": ok, "ok": ok, "window_ok": ok, "refused_by_cap": 0, "errors": 0},
        "server": {},
        "generator": {},
        "times": {"wall_s": 1.4, "measured_s": 1.2},
    }


def _clock(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"


def _claims(experiment: Experiment, records: list[dict[str, Any]]) -> str:
    verdicts = judge(experiment.claims, samples(map(read_record, records)), _CORES)
    return json.dumps(claims_json(verdicts), indent=2)


def _environment(number: int) -> Mapping[str, Any]:
    return {
        "schema": 1,
        "processor": f"Model(R) {number % 7} CPU @ 3.00GHz",
        "usable_cores": _CORES,
        "limits": {f"RLIMIT_{place}": [1024, 4096] for place in range(16)},
    }
