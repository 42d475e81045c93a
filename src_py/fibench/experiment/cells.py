# SPDX-License-Identifier: BSD-3-Clause
"""Cells: one combination of a backend and all parameters each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fibench.document.locate import Path
from fibench.document.tables import GroupTable
from fibench.experiment.asking.rendered import ASKED
from fibench.parameters import Parameters, Scalar, Value
from fibench.parameters.stand_ins import AXIS, stands_in
from fibench.requests import WireRequest


@dataclass(frozen=True)
class KnownBackend:
    """What the validation of an experiment needs to know of a backend."""

    framings: tuple[str, ...]
    serves: int | Literal["workers", "any"]
    """How many connections it serves at once."""
    language: str
    """"c", "python", or "own" for a server of the user's own."""
    cores: int | Literal["workers", "any"] = "any"
    """How many cores its design can keep busy."""
    named: frozenset[str] = frozenset()
    """Of a server of the user's own: what it is told by a name in braces, and what it is asked once
    in each trial names."""
    port: int | None = None
    """Of a server of the user's own: the port that it cannot be told."""
    program: str = ""
    """Of one of the catalogue that is called by it too: the file of its program."""
    busy: bool = False
    """Whether it keeps a core busy while it waits, so that its CPU time says nothing."""


@dataclass(frozen=True)
class Cell:
    """What one trial measures."""

    backend: str
    parameters: Parameters = field(hash=False)
    """Resolved: where the file gives nothing, the defaults."""
    axes: tuple[tuple[str, Value], ...]
    """Names and values of those that differ between the cells of the file."""
    label: str
    """The backend and the other axes: "py-mt n=27"."""
    key: str
    """Short and stable: it depends on this cell's own parameters alone."""
    written: Mapping[str, Value] = field(default_factory=dict, hash=False)
    """Parameters that the file calls by another value: with client groups, `clients`."""
    asks: tuple[WireRequest, ...] = field(default=(), hash=False, repr=False)
    """What its clients ask for, each once, in the order of its groups; none where they ask for
    numbers."""
    prepares: tuple[WireRequest, ...] = field(default=(), hash=False, repr=False)
    """What its server is asked once, in this order, when it is ready."""


@dataclass(frozen=True)
class Combination:
    """A cell to be: a backend, what the file gives for it, and where it gives it."""

    table: int
    """Which [[matrix]] table it comes from."""
    backend: str
    known: KnownBackend | None
    """None: the backend is unknown, which has been reported."""
    given: Mapping[str, Scalar]
    paths: Mapping[str, Path]
    """Where each given value, and the backend, stands in the file."""
    groups: Sequence[GroupTable]
    parameters: Parameters
    written: Mapping[str, Value]
    """As in Cell."""
    asks: tuple[WireRequest, ...] = ()
    prepares: tuple[WireRequest, ...] = ()


def axes_of_the_file(cells: Sequence[Cell | Combination]) -> tuple[str, ...]:
    """The axes of the user's own, in the order of the file."""
    names = (name for cell in cells for name, _ in cell.parameters.others if name != ASKED)
    return tuple(dict.fromkeys(names))


def is_stand_in(cell: Cell) -> bool:
    """Whether a cell stands in for one whose rate a run is to look for."""
    return stands_in(AXIS, cell.parameters.rate)


def cell_key(parameters: Mapping[str, Value]) -> str:
    """A short name for parameters as JSON, the same in every file and every version that has them.

    Parameters that are None are left out, so that a key added later changes no name.
    """
    present = {name: value for name, value in parameters.items() if value is not None}
    text = json.dumps(present, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    n, request = parameters.get("n"), parameters.get("request")
    asked = f"n{n}" if n is not None else request or "groups"
    return f"{parameters['backend']}-{asked}-c{parameters['clients']}-{digest}"
