# SPDX-License-Identifier: BSD-3-Clause
"""From an experiment to an ordered list of trials. Pure: it starts nothing and reads nothing."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from fibench.document.cpu_list import ALL, parse_cpus, written_cpus
from fibench.experiment.cells import Cell, KnownBackend, groups_of
from fibench.experiment.claims import cells_of
from fibench.experiment.experiment import Experiment
from fibench.plan._ceilings import ceiling_of, ceilings
from fibench.plan.pinning import computing_s, largest_n
from fibench.quantities import format_duration

__all__ = [
    "Role",
    "Trial",
    "ceiling_of",
    "expected_seconds",
    "plan",
    "plan_json",
    "served_at_once",
    "twin_of",
    "warnings",
]

SCHEMA = 2
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
    first = next((cell for cell in cells if cell.parameters["kind"] == "fibload"), cells[0])
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
    UNKNOWN_LENGTH_S; a trial that counts system calls TRACED_S.
    """
    return sum(TRACED_S if t.role == "syscalls" else _seconds(t.cell) for t in trials)


def _seconds(cell: Cell) -> float:
    warmup, duration = cell.parameters["warmup"], cell.parameters["duration"]
    window = duration if isinstance(duration, float) else UNKNOWN_LENGTH_S
    return window + (warmup if isinstance(warmup, float) else 0.0)


def plan_json(
    experiment: Experiment, warnings: Sequence[str] = (), extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What `plan --json` prints and plan.json holds; durations in parameters are seconds.

    `extra` are further members, which other rooms know: what of the machine the run depends on.
    """
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
                "role": trial.role,
                "cell": trial.cell.label,
                "key": trial.key,
                "backend": trial.cell.backend,
                "parameters": dict(trial.cell.parameters),
            }
            for trial in trials
        ],
        "expected_s": round(expected_seconds(trials), 3),
        "left_out": [
            {
                "key": absent.cell.key,
                "label": absent.cell.label,
                "parameters": dict(absent.cell.parameters),
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


def warnings(experiment: Experiment, known: Mapping[str, KnownBackend], cpus: int) -> list[str]:
    """What is allowed, and may surprise; each in one line.

    `known` are the catalogue's backends; `cpus` the physical cores there are.
    """
    every = {**known, **experiment.known_own()}
    found: dict[str, None] = {}
    for cell in experiment.cells:
        backend = every.get(cell.backend)
        if backend is not None:
            found |= dict.fromkeys(_of_cell(cell, backend, cpus))
        host = str(cell.parameters["host"])
        if not _is_loopback(host):
            warning = f"host {host} is not loopback: others on the network can reach the servers"
            found[warning] = None
    found |= dict.fromkeys(_shared_cpus(experiment))
    for claim in experiment.claims:
        obstacle = experiment.absent.obstacle(claim)
        if obstacle is not None:
            found[f'"{claim.says}" is not testable here: {obstacle}'] = None
        elif claim.needs_cpus > cpus:
            cores = "1 core" if cpus == 1 else f"{cpus} cores"
            found[
                f'"{claim.says}" is not testable here: it needs {claim.needs_cpus} cores, '
                f"and this machine has {cores}"
            ] = None
    return list(found)


def _of_cell(cell: Cell, backend: KnownBackend, cpus: int) -> Iterator[str]:
    for warning in (_waiting(cell, backend, cpus), _slow(cell, backend)):
        if warning is not None:
            yield warning
    yield from _lonely(cell)
    yield from _silent(cell, backend, cpus)


def _lonely(cell: Cell) -> Iterator[str]:
    """Open loops of one client: a request that is due waits until the one before is answered."""
    values = cell.parameters
    if values["pipeline"] not in (None, 1):
        return
    said = "an open loop with 1 connection: its requests wait for each other"
    groups = groups_of(cell)
    if not groups and values["rate"] is not None and values["clients"] == 1:
        yield f"rate with 1 client is {said}"
    for group in groups:
        if group.rate is not None and group.clients == 1:
            yield f'client group "{group.name}" is {said}'


def _silent(cell: Cell, backend: KnownBackend, cpus: int) -> Iterator[str]:
    """Idle clients that keep others from being served, or that the server will not keep."""
    idle = sum(group.clients for group in groups_of(cell) if group.idle)
    if idle == 0:
        return
    serves = served_at_once(cell, backend, cpus)
    if serves is not None and idle >= serves:
        connections = "1 connection" if serves == 1 else f"{serves} connections"
        yield (
            f"{cell.backend} serves {connections} at a time, which idle clients may hold: the "
            "others then wait for them"
        )
    limit_s, lasts_s = cell.parameters["idle_timeout"], _seconds(cell)
    if isinstance(limit_s, float) and limit_s <= lasts_s:
        yield (
            f"{cell.label}: the server closes idle clients after {format_duration(limit_s)} "
            f"(idle_timeout), and a trial lasts {format_duration(lasts_s)}"
        )


def _shared_cpus(experiment: Experiment) -> Iterator[str]:
    given = (experiment.server.get("cpus"), experiment.load.get("cpus"))
    if any(text in (None, ALL) for text in given):
        return
    servers, load = (set(parse_cpus(str(text))) for text in given)
    if servers & load:
        yield (
            f"servers and load both may use CPU {written_cpus(servers & load)}: they take it "
            "from each other"
        )


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
    duration, wait = cell.parameters["duration"], cell.parameters["io_wait"]
    if backend.language == "own" or not isinstance(duration, float):
        return None
    takes = computing_s(largest_n(cell), backend.language)
    takes += wait if isinstance(wait, float) else 0.0
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
