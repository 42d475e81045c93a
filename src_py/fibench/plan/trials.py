# SPDX-License-Identifier: BSD-3-Clause
"""From an experiment to an ordered list of trials. Pure: it starts nothing and reads nothing."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fibench.experiment import Cell, Experiment, cells_about, cells_of
from fibench.experiment.cells import is_stand_in
from fibench.plan._ceilings import BACKEND as NULL
from fibench.plan._ceilings import ceiling_of, ceilings, repeated_by_ceilings
from fibench.plan.searching.found import searches_json

__all__ = [
    "TWIN",
    "Extent",
    "Role",
    "Trial",
    "ceiling_of",
    "cells_to_trace",
    "cells_to_watch",
    "expected_seconds",
    "extent",
    "plan",
    "plan_json",
    "trial_key",
    "trials_of_block",
    "twin_of",
    "untimed_of_block",
]

SCHEMA = 2
LEAST_WARMUP_S = 0.5
"""How long fibload warms a server up at least that is to be steady."""
TWIN = "~aa"
"""What the key of a cell's twin has behind the cell's own."""
UNKNOWN_LENGTH_S = 1.0
"""What a window counts whose length is what the trial is to find out."""
_PAGE_BYTES = 4096
TRACED_S = 2.0
"""About what a trial takes that counts system calls."""
WATCHED_S = 0.6
"""What a trial takes, at most, that sees what the server's threads do."""
WATCHED_BLOCK = 0
"""The block in which each cell's server is watched."""


Role = Literal["measure", "twin", "ceiling", "syscalls", "timeline", "search"]
"""What a trial is for. "measure": a sample of its cell. "twin": the A/A copy of one. "ceiling": a
null server under the same load shape, before the first block. "syscalls": untimed, under strace.
"timeline": untimed, the server's threads being watched. "search": to find rates for the blocks,
before all else; nothing is judged by it."""
_UNTIMED: Mapping[Role, float] = {"syscalls": TRACED_S, "timeline": WATCHED_S}
"""How long trials take whose times are nobody's: each cell has others in the same block."""
SEARCH_BLOCK = -2
"""The block of what is measured to find rates."""


@dataclass(frozen=True)
class Trial:
    """One measurement of one cell, by a fresh server process."""

    index: int
    """Its place in the order of the run, from 0."""
    block: int
    """From 0; every block has every cell once. -1: before all blocks. SEARCH_BLOCK: before that."""
    cell: Cell
    key: str
    """Stable: it does not depend on the order, nor on the other cells."""
    role: Role = "measure"
    repeats: Cell | None = None
    """Of a ceiling of requests of the file: the cell whose server's reply the null server gives."""


def plan(experiment: Experiment) -> tuple[Trial, ...]:
    """What was measured to find rates; the ceilings; then as many blocks as there may be, each with
    every cell and the twin once.

    The order of block b is that of `random.Random(f"{seed}/{b}").shuffle` on the cells in the
    order of the file and, after them, the twin; without a seed, which a run then makes for itself,
    that order. Trials that are not timed end the block: those that only count system calls, which
    strace makes slow, and of the first one those that only watch what threads do. Which cells are
    not measured in every block is seen in the run (run/blocks.py).
    """
    trials: list[Trial] = []

    def add(block: int, cell: Cell, key: str, role: Role) -> None:
        trials.append(Trial(len(trials), block, cell, key, role))

    for cell in experiment.probes:
        add(SEARCH_BLOCK, cell, search_key(cell), "search")
    repeated = repeated_by_ceilings(experiment)
    for cell in ceilings(experiment):
        key, repeats = f"ceiling-{cell.key}", repeated.get(cell.key)
        trials.append(Trial(len(trials), -1, cell, key, "ceiling", repeats))
    twin = twin_of(experiment)
    for block in range(experiment.plan.blocks.most):
        order: list[tuple[Cell, Role]] = [(cell, "measure") for cell in experiment.cells]
        order += [(twin, "twin")] if twin is not None else []
        if experiment.plan.seed is not None:
            random.Random(f"{experiment.plan.seed}/{block}").shuffle(order)
        for cell, role in order:
            add(block, cell, trial_key(block, cell.key, role), role)
        for cell, role in untimed_of_block(experiment, block):
            add(block, cell, trial_key(block, cell.key, role), role)
    return tuple(trials)


def untimed_of_block(experiment: Experiment, block: int) -> list[tuple[Cell, Role]]:
    """The trials at the end of a block that are not timed, each as its cell and its role."""
    found: list[tuple[Cell, Role]] = [(cell, "syscalls") for cell in cells_to_trace(experiment)]
    if block == WATCHED_BLOCK:
        found += [(cell, "timeline") for cell in cells_to_watch(experiment)]
    return found


def trials_of_block(experiment: Experiment, block: int) -> dict[str, str]:
    """By the keys of the trials that a block has while all cells stay, those of their cells; -1:
    before all blocks. In no order: it needs no seed."""
    if block == SEARCH_BLOCK:
        return {search_key(cell): cell.key for cell in experiment.probes}
    if block < 0:
        return {f"ceiling-{cell.key}": cell.key for cell in ceilings(experiment)}
    twin = twin_of(experiment)
    cells = [*experiment.cells, *([] if twin is None else [twin])]
    timed: list[tuple[Cell, Role]] = [(cell, "measure") for cell in cells]
    every = [*timed, *untimed_of_block(experiment, block)]
    return {trial_key(block, cell.key, role): cell.key for cell, role in every}


def trial_key(block: int, cell_key: str, role: Role = "measure") -> str:
    """The key of a trial in a block."""
    return f"b{block:03d}-{cell_key}" + (f"~{role}" if role in _UNTIMED else "")


def search_key(cell: Cell) -> str:
    """The key of a trial that is made to find rates."""
    return f"search-{cell.key}"


def twin_of(experiment: Experiment) -> Cell | None:
    """A cell under another name, to be measured beside itself (A/A); None where there is no cell.

    It is the first that fibload drives, since a window of its own says more than a whole run of
    client_bench.sh; without one, the first.
    """
    cells = experiment.cells
    if not cells:
        return None
    first = next((cell for cell in cells if cell.parameters.kind == "fibload"), cells[0])
    return replace(first, key=first.key + TWIN, label=f"{first.label} (again)")


def cells_to_trace(experiment: Experiment) -> list[Cell]:
    """The cells whose system calls a claim, or its cause, is about, in the order of the file."""
    named = {
        cell.key
        for claim in experiment.claims
        for cell in cells_about(claim, "syscalls_per_request")
    }
    return [cell for cell in experiment.cells if cell.key in named]


def cells_to_watch(experiment: Experiment) -> list[Cell]:
    """The cells whose servers are watched, in the order of the file: not where client_bench.sh is
    the load, which has no window, nor the null server, of which nobody asks why it is slow."""
    if not experiment.plan.timelines:
        return []
    return [
        cell
        for cell in experiment.cells
        if cell.parameters.kind == "fibload" and cell.backend != NULL
    ]


def schedule_seed(seed: int, block: int) -> int:
    """What decides when the requests of an open loop are due, in one block.

    All cells of a block get the same schedule. Every block has one of its own: otherwise the
    chances of a single schedule would be in all blocks, and no interval would show them.
    """
    return random.Random(f"{seed}/{block}/schedule").getrandbits(63)


def stack_padding(seed: int, trial_key: str) -> int:
    """By how many bytes, below a page, the stack of a trial's server is moved.

    Where it begins decides which addresses fall on the same cache lines, and hangs on nothing but
    the length of the environment. Each trial has its own, so that it is part of what varies.
    """
    return random.Random(f"{seed}/{trial_key}/stack").randrange(_PAGE_BYTES)


def expected_seconds(trials: Iterable[Trial]) -> float:
    """How long warm-ups and windows take in all, in seconds, without starts and ends.

    A window that ends after a number of replies, or when client_bench.sh does, counts
    UNKNOWN_LENGTH_S; a warm-up until the load is steady the least that it takes, as most servers
    need; a trial that is not timed TRACED_S or WATCHED_S.
    """
    return sum(_UNTIMED.get(trial.role) or seconds(trial.cell) for trial in trials)


def seconds(cell: Cell) -> float:
    """How long a trial of a cell takes, as above, where it is timed."""
    window = cell.parameters.duration
    warmup_s = cell.parameters.warmup_s
    return (UNKNOWN_LENGTH_S if window is None else window) + (
        LEAST_WARMUP_S if warmup_s is None else warmup_s
    )


@dataclass(frozen=True)
class Extent:
    """How many trials a run has, and how long their warm-ups and windows take in all."""

    fewest: int
    """Every claim is clear at the first look."""
    most: int
    """None ever is."""
    shortest_s: float
    longest_s: float

    def as_json(self) -> dict[str, object]:
        """As a plan keeps it."""
        return {
            "expected_s": round(self.longest_s, 3),
            "shortest_s": round(self.shortest_s, 3),
            "fewest_trials": self.fewest,
            "most_trials": self.most,
        }


def extent(experiment: Experiment, trials: Iterable[Trial], cpus: int | None = None) -> Extent:
    """The extent of an experiment's plan. `cpus` can be used; None: as many as claims need.

    Cells without a claim that can be tested are measured in the least blocks only.
    """
    blocks = experiment.plan.blocks
    every = [trial for trial in trials if trial.role != "search"]
    held = {
        cell.key
        for claim in experiment.claims
        if experiment.absent.obstacle(claim) is None and (cpus is None or claim.needs_cpus <= cpus)
        for cell in cells_of(claim)
    }
    first = [trial for trial in every if trial.block < blocks.least]
    later = [
        trial
        for trial in every
        if trial.block >= blocks.least and trial.cell.key.removesuffix(TWIN) in held
    ]
    shortest_s, more_s = expected_seconds(first), expected_seconds(later)
    return Extent(len(first), len(first) + len(later), shortest_s, shortest_s + more_s)


def plan_json(
    experiment: Experiment,
    warnings: Sequence[str] = (),
    extra: Mapping[str, object] | None = None,
    cpus: int | None = None,
) -> dict[str, object]:
    """What `plan --json` prints and plan.json holds; durations in parameters are seconds.

    `extra` are further members, which other wings know: what of the machine the run depends on.
    `cpus` are the cores that claims can be tested with; None: as many as they need.
    """
    trials = plan(experiment)
    return {
        "schema": SCHEMA,
        "title": experiment.title,
        **experiment.plan.as_json(),
        "cells": [
            {
                "key": cell.key,
                "label": cell.label,
                "parameters": cell.parameters.as_json(),
                **({"searched": True} if is_stand_in(cell) else {}),
            }
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
        **extent(experiment, trials, cpus).as_json(),
        **searches_json(experiment, seconds),
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
