# SPDX-License-Identifier: BSD-3-Clause
"""From an experiment to an ordered list of trials. Pure: it starts nothing and reads nothing."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from fibench.experiment import Cell, Experiment, cells_of
from fibench.plan._ceilings import ceiling_of, ceilings

__all__ = [
    "Role",
    "Trial",
    "ceiling_of",
    "expected_seconds",
    "plan",
    "plan_json",
    "twin_of",
]

SCHEMA = 2
LEAST_WARMUP_S = 0.5
"""How long fibload warms a server up at least that is to be steady."""
UNKNOWN_LENGTH_S = 1.0
"""What a window counts whose length is what the trial is to find out."""
TRACED_S = 2.0
"""About what a trial takes that counts system calls."""


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
    """The ceilings; then blocks, each with every cell and the twin once, in an order of its own.

    The order of block b is that of `random.Random(f"{seed}/{b}").shuffle` on the cells in the
    order of the file and, after them, the twin. Trials that only count system calls end the block:
    strace makes them slow, and they are not timed.
    """
    trials: list[Trial] = []

    def add(block: int, cell: Cell, key: str, role: Role) -> None:
        trials.append(Trial(len(trials), block, cell, key, role))

    for cell in ceilings(experiment):
        add(-1, cell, f"ceiling-{cell.key}", "ceiling")
    twin = twin_of(experiment)
    traced = _cells_to_trace(experiment)
    for block in range(experiment.plan.blocks):
        order: list[tuple[Cell, Role]] = [(cell, "measure") for cell in experiment.cells]
        order += [(twin, "twin")] if twin is not None else []
        random.Random(f"{experiment.plan.seed}/{block}").shuffle(order)
        for cell, role in order:
            add(block, cell, f"b{block:03d}-{cell.key}", role)
        for cell in traced:
            add(block, cell, f"b{block:03d}-{cell.key}~syscalls", "syscalls")
    return tuple(trials)


def twin_of(experiment: Experiment) -> Cell | None:
    """A cell under another name, to be measured beside itself (A/A); None where there is no cell.

    It is the first that fibload drives, since a window of its own says more than a whole run of
    client_bench.sh; without one, the first.
    """
    cells = experiment.cells
    if not cells:
        return None
    first = next((cell for cell in cells if cell.parameters.kind == "fibload"), cells[0])
    return replace(first, key=f"{first.key}~aa", label=f"{first.label} (again)")


def _cells_to_trace(experiment: Experiment) -> list[Cell]:
    """The cells whose system calls a claim is about, in the order of the file."""
    named = {
        cell.key
        for claim in experiment.claims
        if claim.metric == "syscalls_per_request"
        for cell in cells_of(claim)
    }
    return [cell for cell in experiment.cells if cell.key in named]


def schedule_seed(seed: int, block: int) -> int:
    """What decides when the requests of an open loop are due, in one block.

    All cells of a block get the same schedule. Every block has one of its own: otherwise the
    chances of a single schedule would be in all blocks, and no interval would show them.
    """
    return random.Random(f"{seed}/{block}/schedule").getrandbits(63)


def expected_seconds(trials: Iterable[Trial]) -> float:
    """How long warm-ups and windows take in all, in seconds, without starts and ends.

    A window that ends after a number of replies, or when client_bench.sh does, counts
    UNKNOWN_LENGTH_S; a warm-up until the load is steady the least that it takes, as most servers
    need; a trial that counts system calls TRACED_S.
    """
    return sum(TRACED_S if t.role == "syscalls" else seconds(t.cell) for t in trials)


def seconds(cell: Cell) -> float:
    """How long a trial of a cell takes, as above, without counting system calls."""
    window = cell.parameters.duration
    warmup_s = cell.parameters.warmup_s
    return (UNKNOWN_LENGTH_S if window is None else window) + (
        LEAST_WARMUP_S if warmup_s is None else warmup_s
    )


def plan_json(
    experiment: Experiment, warnings: Sequence[str] = (), extra: Mapping[str, object] | None = None
) -> dict[str, object]:
    """What `plan --json` prints and plan.json holds; durations in parameters are seconds.

    `extra` are further members, which other wings know: what of the machine the run depends on.
    """
    trials = plan(experiment)
    return {
        "schema": SCHEMA,
        "title": experiment.title,
        **asdict(experiment.plan),
        "cells": [
            {"key": cell.key, "label": cell.label, "parameters": cell.parameters.as_json()}
            for cell in experiment.cells
        ],
        "trials": [
            {
                "index": trial.index,
                "block": trial.block,
                "role": trial.role,
                "cell": trial.cell.label,
                "key": trial.key,
                "backend": trial.cell.backend,
                "parameters": trial.cell.parameters.as_json(),
            }
            for trial in trials
        ],
        "expected_s": round(expected_seconds(trials), 3),
        "left_out": [
            {
                "key": absent.cell.key,
                "label": absent.cell.label,
                "parameters": absent.cell.parameters.as_json(),
                "reason": absent.reason,
            }
            for absent in experiment.absent.cells
        ],
        "not_here": {
            "backends": dict(experiment.absent.backends),
            "interpreters": dict(experiment.absent.interpreters),
        },
        "dropped_claims": [
            {"id": claim.id, "says": claim.says, "reason": claim.reason}
            for claim in experiment.dropped_claims
        ],
        "warnings": list(warnings),
        **(extra or {}),
    }
