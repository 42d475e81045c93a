# SPDX-License-Identifier: BSD-3-Clause
"""The ceiling of the meter: how fast load generator and kernel are where a server does nothing.

Every load shape is put once on the null server, which answers without reading, with as many event
loops as the design has. What a cell reaches beside its ceiling says whether it, or the meter, was
measured. Of requests of the file the null server repeats what each of the file's servers answers:
how long a reply is, and whether the connection stays, is part of the shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fibench.experiment import ASKED, Cell, cell_key
from fibench.parameters import FRAMINGS, KEYS, Parameters, Value, shown_value
from fibench.requests import digest_of

if TYPE_CHECKING:
    from fibench.experiment import Experiment

BACKEND = "c-null"
REPEATS = "repeats"
"""The parameter that says which server's reply the null server gives."""
MOST_WINDOW_S = 0.5
MOST_WARMUP_S = 0.2
"""The null server has nothing to warm up but its connections."""


def ceilings(experiment: Experiment) -> tuple[Cell, ...]:
    """One null server for each load shape of fibload, in the order in which the cells have them."""
    every = [(_parameters(cell, experiment), cell) for cell in experiment.cells]
    shapes: dict[Parameters, Cell] = {}
    for shape, cell in every:
        if shape is not None:
            shapes.setdefault(shape, cell)
    names = (*KEYS, REPEATS)
    differ = [name for name in names if len({shape.value_of(name) for shape in shapes}) > 1]
    return tuple(_cell(shape, cell, differ) for shape, cell in shapes.items())


def repeated_by_ceilings(experiment: Experiment) -> Mapping[str, Cell]:
    """By the keys of ceilings of requests, as cells, the first cell whose server is repeated."""
    found: dict[str, Cell] = {}
    for cell in experiment.cells:
        key = ceiling_of(cell, experiment) if cell.asks else None
        if key is not None:
            found.setdefault(key, cell)
    return found


def ceiling_of(cell: Cell, experiment: Experiment) -> str | None:
    """The key of the ceiling, as a cell, that belongs to a cell; None: fibload does not drive it,
    or what it asks for is not known any more, as of a stored run whose file makes other cells now.

    Its trial has the key "ceiling-" and this.
    """
    parameters = _parameters(cell, experiment)
    return None if parameters is None else cell_key(parameters.as_json())


def _cell(shape: Parameters, of: Cell, differ: Sequence[str]) -> Cell:
    values = [(name, shape.value_of(name)) for name in differ]
    axes = tuple((name, value) for name, value in values if value is not None)
    words = [f"{name}={shown_value(name, value)}" for name, value in axes]
    label, key = " ".join([BACKEND, *words]), cell_key(shape.as_json())
    return Cell(BACKEND, shape, axes, label, key, asks=of.asks[:1])


def _parameters(cell: Cell, experiment: Experiment) -> Parameters | None:
    own = cell.parameters
    if own.kind != "fibload":
        return None
    values: dict[str, Value] = {"backend": BACKEND}
    for name, key in KEYS.items():
        asked = own.value_of(name) if key.shape else None
        default = None if key.open_loop or key.python else key.default
        values[name] = default if asked is None else asked
    if own.framing not in FRAMINGS:
        if not cell.asks:
            return None
        values |= {"n": None, "request": cell.asks[0].name, REPEATS: cell.backend}
        values[ASKED] = digest_of([cell.asks[0], *cell.prepares])
    # A closed loop without groups: its clients are those that ask.
    return replace(
        Parameters.of_values(values),
        duration=min(MOST_WINDOW_S if own.duration is None else own.duration, MOST_WINDOW_S),
        warmup=MOST_WARMUP_S if own.warmup_s is None else min(own.warmup_s, MOST_WARMUP_S),
        workers=_loops(cell, experiment),
    )


def _loops(cell: Cell, experiment: Experiment) -> int | None:
    """How many event loops the design has; None: as many as the null server has by default."""
    known = experiment.known.get(cell.backend)
    if known is None or known.cores == "any":
        return None
    if known.cores == "workers":
        return cell.parameters.workers
    return known.cores
