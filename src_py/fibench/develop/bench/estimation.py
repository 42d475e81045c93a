# SPDX-License-Identifier: BSD-3-Clause
"""What the runner's own work costs, apart from what it waits for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from fibench.experiment import Experiment, KnownBackend, parse_experiment
from fibench.parameters import Parameters
from fibench.store.record import read_record
from fibench.verdict import find

LIMIT_S = 2.0
CELLS, BLOCKS, CLAIMS = 100, 100, 50

_HEAD = """\
title = "made up"
[[matrix]]
backend = ["c-sync", "c-mt"]
clients = [{numbers}]
[load]
n = 1
[plan]
blocks = {blocks}
"""
_CLAIM = """
[[claim]]
says = "claim {number}"
ratio = [{{ backend = "c-mt" }}, {{ backend = "c-sync" }}]
metric = "{metric}"
where = {{ clients = {n} }}
above = 0.9
"""


def made_experiment(cells: int = CELLS, blocks: int = BLOCKS, claims: int = CLAIMS) -> Experiment:
    """An experiment of that size; its claims take the metrics in turn."""
    numbers = range(1, cells // 2 + 1)
    text = _HEAD.format(numbers=", ".join(map(str, numbers)), blocks=blocks)
    metrics = ("throughput", "p50", "p99", "cpu_per_request", "memory", "cores", "errors")
    for number in range(claims):
        metric, n = metrics[number % len(metrics)], numbers[number % len(numbers)]
        text += _CLAIM.format(number=number, metric=metric, n=n)
    known = {name: KnownBackend(("message",), "any", "c") for name in ("c-sync", "c-mt")}
    return parse_experiment(text, "made.toml", known)


def made_records(experiment: Experiment, blocks: int, seed: int = 1) -> list[dict[str, Any]]:
    """The journal of a run of it, as trial.py writes records, the first cell's twin included."""
    chance = random.Random(seed)
    records: list[dict[str, Any]] = []
    for block in range(blocks):
        for cell in experiment.cells:
            records.append(_record(len(records), block, cell.key, cell.label, "measure", chance))
        first = experiment.cells[0]
        key, label = f"{first.key}~aa", f"{first.label} (again)"
        records.append(_record(len(records), block, key, label, "twin", chance))
    return records


def _record(
    index: int, block: int, key: str, label: str, role: str, chance: random.Random
) -> dict[str, Any]:
    rate = 20_000.0 * chance.lognormvariate(0.0, 0.05)
    window_ok = int(rate)
    times = {f"{name}_s": scale / rate for name, scale in _LATENCIES.items()}
    checks = {"generator_bound": None, "listen_overflows": 0, "listen_drops": 0, "retransmits": 0}
    return {
        "schema": 2,
        "trial": f"b{block:03d}-{key}",
        "role": role,
        "attempt": 1,
        "index": index,
        "block": block,
        "cell": key,
        "label": label,
        "started_at": "2026-11-23T09:15:00.000+00:00",
        "valid": True,
        "reason": None,
        "parameters": Parameters(backend="c-mt", clients=8).as_json(),
        "metrics": {
            "throughput_per_s": rate,
            "wall_s": 1.0,
            **times,
            "cores": 1.0,
            "cpu_per_request_s": 1.0 / rate,
            "memory_bytes": 9.1e6,
            "memory_peak_bytes": 9.4e6,
            "switches_per_request": 2.0,
        },
        "counts": {"ok": window_ok, "window_ok": window_ok, "refused_by_cap": 0, "errors": 0},
        "checks": {**checks, "lag_p99_s": None},
        "halves": [window_ok // 2, window_ok - window_ok // 2],
        "groups": {},
        "times": {"wall_s": 1.4, "measured_s": 1.2},
    }


_LATENCIES = {"p50": 8.0, "p90": 9.0, "p99": 12.0, "p999": 20.0, "max": 40.0}


def time_estimation() -> float:
    """Seconds from the records of 10,000 trials to estimates, verdicts and notes."""
    experiment = made_experiment()
    records = list(map(read_record, made_records(experiment, BLOCKS)))
    return _seconds(lambda: find(experiment, records, 8, complete=True))


def _seconds(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def print_estimation() -> bool:
    """Measure and print; returns whether the limit is kept."""
    took_s = time_estimation()
    trials = f"{CELLS * BLOCKS:,} trials, {CLAIMS} claims"
    print(f"estimating a run of {trials:<32} {took_s:6.2f} s  (at most {LIMIT_S:g} s)")
    return took_s <= LIMIT_S
