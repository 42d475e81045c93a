# SPDX-License-Identifier: BSD-3-Clause
"""Cells out of the combinations of a matrix: without those that are left out, each once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fibench.document import ExperimentFile, Source
from fibench.document.tables import SideTable
from fibench.experiment.cells import Cell, Combination, axes_of_the_file, cell_key
from fibench.experiment.matrix.selecting import (
    describe,
    lacking,
    matches,
    selectable,
    shown_on_axis,
    shown_selector,
)
from fibench.parameters import KEYS, Parameters, shown_value
from fibench.wording import as_toml


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
    """The axes of the matrix that differ between combinations."""
    axes = {name for one in made for name, path in one.paths.items() if path[0] == "matrix"}
    return [
        name
        for name in ("backend", *KEYS, *axes_of_the_file(made))
        if name in axes and len({selectable(one, name) for one in made}) > 1
    ]


def cell_of(one: Combination, varying: Sequence[str]) -> Cell:
    """The cell of a combination, called by the axes that vary."""
    values = [(name, selectable(one, name)) for name in varying]
    axes = tuple((name, value) for name, value in values if value is not None)
    words = [f"{name}={shown_on_axis(name, value)}" for name, value in axes if name != "backend"]
    return Cell(
        backend=one.backend,
        parameters=one.parameters,
        axes=axes,
        label=" ".join([one.backend, *words]),
        key=cell_key(one.parameters.as_json()),
        written=one.written,
        asks=one.asks,
        prepares=one.prepares,
    )
