# SPDX-License-Identifier: BSD-3-Clause
"""The ceiling of the meter: how fast load generator and kernel are where a server does nothing.

Every load shape is put once on the null server, which answers without reading, with as many event
loops as the design has. What a cell reaches beside its ceiling says whether it, or the meter, was
measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fibench.document import KEYS, shown_value
from fibench.experiment import Cell, Value, cell_key

if TYPE_CHECKING:
    from fibench.experiment import Experiment

BACKEND = "c-null"
MOST_WINDOW_S = 0.5
MOST_WARMUP_S = 0.2
"""The null server has nothing to warm up but its connections."""

_SHAPE = (
    "host", "port", "framing", "max_connections", "server_cpus", "clients", "pipeline",
    "requests_per_connection", "threads", "load_cpus", "timeout",
)  # fmt: skip
"""What a ceiling has in common with its cells: all that the wire sees, but for the work asked for,
the times of an open loop, and the backlog: a short one would be measured, and no ceiling."""


def ceilings(experiment: Experiment) -> tuple[Cell, ...]:
    """One null server for each load shape of fibload, in the order in which the cells have them."""
    found: dict[tuple[Value, ...], dict[str, Value]] = {}
    for cell in experiment.cells:
        parameters = _parameters(cell, experiment)
        if parameters is not None:
            found.setdefault(tuple(parameters.values()), parameters)
    shapes = list(found.values())
    differ = [name for name in KEYS if len({shape[name] for shape in shapes}) > 1]
    return tuple(_cell(cell_key(shape), shape, differ) for shape in shapes)


def ceiling_of(cell: Cell, experiment: Experiment) -> str | None:
    """The key of the ceiling, as a cell, that belongs to a cell; None: fibload does not drive it.

    Its trial has the key "ceiling-" and this.
    """
    parameters = _parameters(cell, experiment)
    return None if parameters is None else cell_key(parameters)


def _cell(key: str, shape: Mapping[str, Value], differ: list[str]) -> Cell:
    axes = tuple((name, shape[name]) for name in differ if shape[name] is not None)
    words = [f"{name}={shown_value(name, value)}" for name, value in axes]
    return Cell(BACKEND, shape, axes, " ".join([BACKEND, *words]), key)


def _parameters(cell: Cell, experiment: Experiment) -> dict[str, Value] | None:
    own = cell.parameters
    if own["kind"] != "fibload":
        return None
    # A closed loop without groups: its clients are those that ask.
    parameters: dict[str, Value] = {"backend": BACKEND}
    for name, key in KEYS.items():
        parameters[name] = None if key.open_loop or key.python else key.default
    parameters |= {name: own[name] for name in _SHAPE if own[name] is not None}
    duration, warmup = own["duration"], own["warmup"]
    window_s = duration if isinstance(duration, float) else MOST_WINDOW_S
    parameters["duration"] = min(window_s, MOST_WINDOW_S)
    parameters["warmup"] = min(warmup if isinstance(warmup, float) else 0.0, MOST_WARMUP_S)
    parameters["workers"] = _loops(cell, experiment)
    return {**parameters, "groups": None}


def _loops(cell: Cell, experiment: Experiment) -> int | None:
    """How many event loops the design has; None: as many as the null server has by default."""
    known = experiment.known.get(cell.backend)
    if known is None or known.cores == "any":
        return None
    if known.cores == "workers":
        workers = cell.parameters["workers"]
        return workers if isinstance(workers, int) else None
    return known.cores
