# SPDX-License-Identifier: BSD-3-Clause
"""From an experiment to an ordered list of trials. Pure: it starts nothing and reads nothing."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fibench.cells import Cell, KnownBackend
from fibench.experiment import Experiment
from fibench.quantities import format_duration

SCHEMA = 1
UNKNOWN_LENGTH_S = 1.0
"""What a window counts whose length is what the trial is to find out."""

_REFERENCE_S = {"python": (27, 0.02), "c": (34, 0.007)}
"""An n and the CPU time, in seconds, that fibonacci(n) takes on a slow machine of today."""
_GROWTH = 1.618
"""By this factor fibonacci(n + 1) takes longer than fibonacci(n)."""


Role = Literal["measure", "twin", "ceiling", "syscalls"]
"""What a trial is for. "measure": a sample of its cell. "twin": the A/A copy of one. "ceiling": a
null server under the same load shape, before the first block. "syscalls": untimed, under strace."""


@dataclass(frozen=True)
class Trial:
    """One measurement of one cell, by a fresh server process."""

    index: int
    """Its place in the order of the run, from 0."""
    block: int
    """From 0; every block has every cell once. -1: before all blocks."""
    cell: Cell
    key: str
    """Stable: it does not depend on the order, nor on the other cells."""
    role: Role = "measure"


def plan(experiment: Experiment) -> tuple[Trial, ...]:
    """Every cell once per block, each block in an order of its own that the seed decides.

    The order of block b is that of `random.Random(f"{seed}/{b}").shuffle` on the cells in the
    order of the file.
    """
    trials: list[Trial] = []
    for block in range(experiment.plan.blocks):
        cells = list(experiment.cells)
        random.Random(f"{experiment.plan.seed}/{block}").shuffle(cells)
        for cell in cells:
            trials.append(Trial(len(trials), block, cell, f"b{block:03d}-{cell.key}"))
    return tuple(trials)


def expected_seconds(trials: Iterable[Trial]) -> float:
    """How long warm-ups and windows take in all, in seconds, without starts and ends.

    A window that ends after a number of replies, or when client_bench.sh does, counts
    UNKNOWN_LENGTH_S.
    """
    return sum(_seconds(trial.cell) for trial in trials)


def _seconds(cell: Cell) -> float:
    warmup, duration = cell.parameters["warmup"], cell.parameters["duration"]
    window = duration if isinstance(duration, float) else UNKNOWN_LENGTH_S
    return window + (warmup if isinstance(warmup, float) else 0.0)


def plan_json(experiment: Experiment, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """What `plan --json` prints and plan.json holds; durations in parameters are seconds."""
    trials = plan(experiment)
    return {
        "schema": SCHEMA,
        "title": experiment.title,
        "blocks": experiment.plan.blocks,
        "seed": experiment.plan.seed,
        "cells": [
            {"key": cell.key, "label": cell.label, "parameters": dict(cell.parameters)}
            for cell in experiment.cells
        ],
        "trials": [
            {
                "index": trial.index,
                "block": trial.block,
                "cell": trial.cell.label,
                "key": trial.key,
                "backend": trial.cell.backend,
                "parameters": dict(trial.cell.parameters),
            }
            for trial in trials
        ],
        "expected_s": round(expected_seconds(trials), 3),
        "dropped_claims": [
            {"id": claim.id, "says": claim.says, "reason": claim.reason}
            for claim in experiment.dropped_claims
        ],
        "warnings": list(warnings),
    }


def warnings(experiment: Experiment, known: Mapping[str, KnownBackend], cpus: int) -> list[str]:
    """What is allowed, and may surprise; each in one line.

    `known` are the catalogue's backends; `cpus` the physical cores there are.
    """
    every = {**known, **experiment.known_own()}
    found: dict[str, None] = {}
    for cell in experiment.cells:
        backend = every.get(cell.backend)
        if backend is not None:
            for warning in (_waiting(cell, backend, cpus), _slow(cell, backend)):
                found |= dict.fromkeys([warning] if warning else [])
        host = str(cell.parameters["host"])
        if not _is_loopback(host):
            warning = f"host {host} is not loopback: others on the network can reach the servers"
            found[warning] = None
    for claim in experiment.claims:
        if claim.needs_cpus > cpus:
            cores = "1 core" if cpus == 1 else f"{cpus} cores"
            found[
                f'"{claim.says}" is not testable here: it needs {claim.needs_cpus} cores, '
                f"and this machine has {cores}"
            ] = None
    return list(found)


def served_at_once(cell: Cell, backend: KnownBackend, cpus: int) -> int | None:
    """How many connections a cell's server serves at once; None: any number."""
    if backend.serves == "any":
        return None
    if backend.serves == "workers":
        workers = cell.parameters["workers"]
        return workers if isinstance(workers, int) else cpus
    return backend.serves


def _waiting(cell: Cell, backend: KnownBackend, cpus: int) -> str | None:
    """Whether keep-alive leaves clients waiting that the server never comes to."""
    serves = served_at_once(cell, backend, cpus)
    clients = cell.parameters["clients"]
    renewed = cell.parameters["requests_per_connection"]
    if cell.parameters["framing"] != "line" or renewed or serves is None:
        return None
    if not isinstance(clients, int) or clients <= serves:
        return None
    connections = "1 connection" if serves == 1 else f"{serves} connections"
    return (
        f"{cell.backend} serves {connections} at a time: with {clients} clients under keep-alive "
        f"the other {clients - serves} wait for ever and are counted as unfinished"
    )


def _slow(cell: Cell, backend: KnownBackend) -> str | None:
    """Whether one request alone may take longer than the window."""
    n, duration = cell.parameters["n"], cell.parameters["duration"]
    wait = cell.parameters["io_wait"]
    reference = _REFERENCE_S.get(backend.language)
    if reference is None or not isinstance(n, int) or not isinstance(duration, float):
        return None
    at, seconds = reference
    takes = seconds * _GROWTH ** (n - at) + (wait if isinstance(wait, float) else 0.0)
    if takes < duration:
        return None
    window = format_duration(duration)
    return (
        f"{cell.label}: one request takes about {takes:.2g} s, and the window is {window}: "
        "it may see no reply"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
