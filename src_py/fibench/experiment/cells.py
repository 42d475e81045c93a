# SPDX-License-Identifier: BSD-3-Clause
"""Cells: one combination of a backend and all parameters each, made from the matrix."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from fibench.document import ExperimentFile, Source
from fibench.document.locate import Path
from fibench.document.tables import GroupTable, SideTable
from fibench.experiment._groups import resolved, takes
from fibench.parameters import (
    GROUP_KEYS,
    KEYS,
    REPLACED,
    Parameters,
    Scalar,
    Value,
    parameter,
    shown_value,
)
from fibench.parameters.stand_ins import AXIS, SHOWN, stands_in, with_stand_ins
from fibench.wording import as_toml, meant

NOBODY_ASKS = 0
"""The number that is asked for where every client is idle, which is reported as a fault."""

MOST_CELLS = 5_000
"""A matrix that makes more is taken for a mistake."""


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


def inapplicable(
    name: str, known: KnownBackend | None, given: Mapping[str, Scalar], groups: Sequence[GroupTable]
) -> str | None:
    """Why a key means nothing to a backend under the load that is given, or None."""
    key = KEYS[name]
    kind = given.get("kind", KEYS["kind"].default)
    if known is not None and known.language == "own" and not key.own:
        return "servers of your own are not given it: put it into their command"
    if known is not None and known.language != "python" and key.python:
        return "it is for servers in Python"
    if kind == "process" and not key.process:
        return 'kind = "process" runs client_bench.sh, which knows clients and n only'
    if kind == "process":
        return None
    open_loop = "rate" in given
    if key.open_loop and not open_loop and not any(group.has("rate") for group in groups):
        return 'the load is a closed loop: give it a rate, as rate = "500/s"'
    taken = (takes(name, group, open_loop=open_loop) for group in groups)
    if groups and name in GROUP_KEYS and not any(taken):
        return f"every client group has {name} of its own, or is idle"
    return None


def resolve(
    backend: str,
    known: KnownBackend | None,
    given: Mapping[str, Scalar],
    tables: Sequence[GroupTable] = (),
) -> tuple[Parameters, Mapping[str, Value]]:
    """The parameters of a cell, and those that the file calls by another value.

    They are what is given, else the default, else None. With client groups, `clients` becomes the
    number of those that ask; `n`, if no group takes the load's, the first group's.
    """
    values: dict[str, Value] = {"backend": backend}
    for name, key in KEYS.items():
        if inapplicable(name, known, given, tables) is not None:
            values[name] = None
        elif name in given:
            values[name] = given[name]
        else:
            values[name] = None if REPLACED.get(name) in given else key.default
    if known is not None and known.language == "own" and "framing" not in given:
        values["framing"] = known.framings[0]
    load = Parameters.of_values(values)
    if not tables or load.kind != "fibload":
        return load, {}
    groups = resolved(tables, load)
    asking = [group for group in groups if not group.idle]
    first = next((group.n for group in asking if group.n is not None), NOBODY_ASKS)
    clients, n = (
        sum(group.clients for group in asking),
        load.n if values["n"] is not None else first,
    )
    parameters = replace(load, clients=clients, n=n, groups=groups)
    return parameters, {"clients": values["clients"]}


def selectable(one: Cell | Combination, name: str) -> Value:
    """The value of a parameter that a selector of the file is compared with."""
    return one.written[name] if name in one.written else one.parameters.value_of(name)


def combinations(
    file: ExperimentFile, backends: Mapping[str, KnownBackend], source: Source
) -> list[Combination] | None:
    """Every combination that the matrix makes, excluded ones too; None if there are too many."""
    shared: dict[str, Scalar] = {}
    paths: dict[str, Path] = {}
    for name, one_each in (("server", file.server.given()), ("load", file.load.given())):
        for key, value in one_each.items():
            shared[parameter(name, key)] = value
            paths[parameter(name, key)] = (name, key)
    groups = tuple(file.load.group)
    made: list[Combination] = []
    for index, table in enumerate(file.matrix):
        axes = with_stand_ins(table.given())
        count = math.prod(len(values) for values in axes.values())
        if count + len(made) > MOST_CELLS:
            what = f"the matrix makes {as_toml(count + len(made))} cells; {MOST_CELLS} are allowed"
            source.report(("matrix", index), what, "give fewer values, or split the file", key=True)
            return None
        for places in itertools.product(*(range(len(values)) for values in axes.values())):
            at = dict(zip(axes, places, strict=True))
            given = shared | {name: axes[name][place] for name, place in at.items()}
            backend = str(given.pop("backend"))
            known = backends.get(backend)
            where = paths | {name: ("matrix", index, name, place) for name, place in at.items()}
            parameters, others = resolve(backend, known, given, groups)
            combination = Combination(
                index, backend, known, given, where, groups, parameters, others
            )
            made.append(combination)
    return made


def matches(selector: Mapping[str, Value], one: Cell | Combination) -> bool:
    """Whether a cell has all of the selector's values."""
    return all(selectable(one, name) == value for name, value in selector.items())


def leave_out(
    made: Sequence[Combination],
    exclude: Sequence[SideTable],
    unknown: Collection[str],
    source: Source,
    *,
    changed: bool,
) -> list[Combination]:
    """The combinations that no `exclude` matches. One that matches nothing is a fault, but for
    backends that are `unknown`, which is told of already.

    With `changed`, options have changed the matrix, and an `exclude` may be without object.
    """
    for index, table in enumerate(exclude):
        selector = table.given()
        if not selector:
            source.report(("exclude", index), "exclude matches every cell: it is empty")
        elif selector.get("backend") in unknown:
            continue
        elif not any(matches(selector, one) for one in made):
            if changed:
                source.forgive(("exclude", index))
                continue
            hint = lacking(selector, made)
            source.report(
                ("exclude", index), f"exclude {shown_selector(selector)} matches no cell", hint
            )
    selectors = [table.given() for table in exclude]
    return [one for one in made if not any(matches(each, one) for each in selectors)]


def distinct(made: Sequence[Combination], source: Source, *, changed: bool) -> list[Combination]:
    """Each cell once. Cells that two [[matrix]] tables both make are a fault.

    A value that does not apply to a backend makes no further cell of it. With `changed`, options
    have changed the matrix, and may have made tables overlap.
    """
    first: dict[Parameters, Combination] = {}
    for one in made:
        before = first.setdefault(one.parameters, one)
        if before.table == one.table:
            continue
        if changed:
            source.forgive(one.paths["backend"])
        else:
            source.report(
                one.paths["backend"],
                f"an earlier [[matrix]] makes the same cell: {describe(one)}",
                "remove the backend from one of the two tables, or give them different values",
            )
    return list(first.values())


def report_repeated(file: ExperimentFile, source: Source) -> None:
    """Report every value that a list of the matrix has twice."""
    for index, table in enumerate(file.matrix):
        for name, values in table.given().items():
            for place, value in enumerate(values):
                if value in values[:place]:
                    written = as_toml(value) if isinstance(value, str) else shown_value(name, value)
                    path = ("matrix", index, name, place)
                    source.report(path, f"{name} {written} is given twice", "remove one of them")


def make_cells(made: Sequence[Combination]) -> tuple[Cell, ...]:
    """Cells out of distinct combinations, in their order."""
    varying = varying_axes(made)
    return tuple(cell_of(one, varying) for one in made)


def varying_axes(made: Sequence[Combination]) -> list[str]:
    """The keys of the matrix that differ between combinations."""
    axes = {name for one in made for name, path in one.paths.items() if path[0] == "matrix"}
    return [
        name
        for name in ("backend", *KEYS)
        if name in axes and len({selectable(one, name) for one in made}) > 1
    ]


def cell_of(one: Combination, varying: Sequence[str]) -> Cell:
    """The cell of a combination, called by the axes that vary."""
    values = [(name, selectable(one, name)) for name in varying]
    axes = tuple((name, value) for name, value in values if value is not None)
    words = [f"{name}={_shown(name, value)}" for name, value in axes if name != "backend"]
    return Cell(
        backend=one.backend,
        parameters=one.parameters,
        axes=axes,
        label=" ".join([one.backend, *words]),
        key=cell_key(one.parameters.as_json()),
        written=one.written,
    )


def is_stand_in(cell: Cell) -> bool:
    """Whether a cell stands in for one whose rate a run is to look for."""
    return stands_in(AXIS, cell.parameters.rate)


def _shown(name: str, value: Value) -> str:
    """A value of an axis, for people."""
    return SHOWN if stands_in(name, value) else shown_value(name, value)


def cell_key(parameters: Mapping[str, Value]) -> str:
    """A short name for parameters as JSON, the same in every file and every version that has them.

    Parameters that are None are left out, so that a key added later changes no name.
    """
    present = {name: value for name, value in parameters.items() if value is not None}
    text = json.dumps(present, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    return f"{parameters['backend']}-n{parameters['n']}-c{parameters['clients']}-{digest}"


def describe(one: Combination) -> str:
    """A combination in a message: the backend and what the matrix gives it."""
    given = [name for name, path in one.paths.items() if path[0] == "matrix" and name != "backend"]
    words = [f"{name}={_shown(name, selectable(one, name))}" for name in given]
    return " ".join([one.backend, *words])


def shown_selector(selector: Mapping[str, Value]) -> str:
    """A selector as the file writes it."""
    parts = []
    for name, value in selector.items():
        kind = KEYS[name].kind if name in KEYS else None
        filed = value if kind is None or value is None else kind.filed(value)
        parts.append(f"{name} = {as_toml(filed)}")
    return f"{{ {', '.join(parts)} }}"


def lacking(selector: Mapping[str, Value], cells: Sequence[Cell | Combination]) -> str:
    """Why a selector matches none of some cells: which value is missing, and what there is."""
    if not cells:
        return ""
    for name, value in selector.items():
        if all(selectable(cell, name) != value for cell in cells):
            return _values_hint(name, value, cells)
    left = list(cells)
    fixed: dict[str, Value] = {}
    for name, value in selector.items():
        narrowed = [cell for cell in left if selectable(cell, name) == value]
        if not narrowed:
            return f"with {shown_selector(fixed)}, {name} is {_values(name, left)}"
        fixed[name] = value
        left = narrowed
    return ""


def _values_hint(name: str, value: Value, cells: Sequence[Cell | Combination]) -> str:
    there = [str(selectable(cell, name)) for cell in cells]
    hint = meant(value, there) if isinstance(value, str) else ""
    return f"{hint} {name} is {_values(name, cells)}".lstrip()


def _values(name: str, cells: Sequence[Cell | Combination]) -> str:
    """The values that cells have for a parameter, in their order, a long list cut short."""
    every = list(dict.fromkeys(_shown(name, selectable(cell, name)) for cell in cells))
    if len(every) > 8:
        return f"{', '.join(every[:8])}, …"
    return " or ".join([", ".join(every[:-1]), every[-1]]) if len(every) > 1 else every[0]
