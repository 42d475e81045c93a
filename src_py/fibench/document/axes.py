# SPDX-License-Identifier: BSD-3-Clause
"""Axes of the user's own: unknown keys of [[matrix]] that something names in braces.

A command that has {io_threads} in it makes `io_threads` a key of [[matrix]], and of all that
selects cells. The models are made anew for such a file; those of others are as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, TypeVar

from pydantic import Field

from fibench.document.kinds import Checked, of_kind
from fibench.document.model import (
    OWN_AXIS,
    CauseTable,
    ClaimTable,
    CrossoverTable,
    ExperimentFile,
    SustainsTable,
    axis_of,
    cause_tables,
    one_or_two,
    two,
)
from fibench.document.tables import (
    FieldOfModel,
    MatrixTable,
    SideTable,
    Table,
    listed,
    tables_of,
    with_fields,
)
from fibench.parameters import AXES, KEYS, PLAN_KEYS
from fibench.parameters.kinds import of_own_axis
from fibench.requests.braces import names_in

GIVEN_NAMES = ("port", "host", "dir", "workers")
"""What stands in braces without being an axis, in commands, in the environment, and in files."""
MOST_AXES = 16
_TAKEN = frozenset(
    {*KEYS, *PLAN_KEYS, *GIVEN_NAMES, "backend", "groups", "group", "asked", "cpus", "metric"}
)
"""What else means something beside a cell's axes."""
_OWN = of_own_axis()
_T = TypeVar("_T", bound=Table)


def axes_of_document(document: Mapping[str, object]) -> tuple[str, ...]:
    """The axes that a file brings, in the order in which its matrix has them first."""
    named = set(named_in_braces(document))
    found: dict[str, None] = {}
    matrix = document.get("matrix")
    for table in matrix if isinstance(matrix, list) else [matrix]:
        for name in table if isinstance(table, dict) else ():
            if name in named and name not in _TAKEN and OWN_AXIS.fullmatch(name):
                found[name] = None
    return tuple(found)[:MOST_AXES]


def named_in_braces(document: Mapping[str, object]) -> Iterator[str]:
    """Every name that stands in braces where braces mean something."""
    backends = document.get("backends")
    for table in backends.values() if isinstance(backends, dict) else ():
        for key in ("command", "env", "files"):
            yield from _names(table.get(key) if isinstance(table, dict) else None)
    yield from _names(document.get("requests"))
    yield from _names(document.get("prepare"))


def _names(value: object, depth: int = 8) -> Iterator[str]:
    if isinstance(value, str):
        yield from names_in(value)
    elif depth and isinstance(value, dict):
        for one in value.values():
            yield from _names(one, depth - 1)
    elif depth and isinstance(value, list):
        for one in value:
            yield from _names(one, depth - 1)


def axes_of(file: ExperimentFile) -> tuple[str, ...]:
    """The axes that a checked file brings."""
    fields: Mapping[str, object] = type(file.matrix[0]).model_fields if file.matrix else {}
    return tuple(name for name in fields if name not in MatrixTable.model_fields)


class Models:
    """The models of a file that has some axes of its own."""

    def __init__(self, axes: Sequence[str]) -> None:
        """Make them; without axes they are those of every file."""
        self.file: type[ExperimentFile] = ExperimentFile
        self.matrix: type[Table] = MatrixTable
        self.side: type[Table] = SideTable
        self.of_claim: Mapping[str, type[Table]] = {
            "crossover": CrossoverTable,
            "sustains": SustainsTable,
            "cause": CauseTable,
        }
        if axes:
            self._make(axes)

    def _make(self, axes: Sequence[str]) -> None:
        single = Annotated[int | str, of_kind(_OWN)]
        several = _list_of(single, Checked(listed, or_one=True))
        matrix = _made(MatrixTable, {name: (several, _axis_field()) for name in axes})
        side = _made(SideTable, {name: (single, _axis_field()) for name in axes})
        pair = _list_of(side, Checked(two))
        over = Annotated[str, Checked(axis_of((*AXES, *axes)))]
        crossover = _made(CrossoverTable, {"over": (over, Field()), "of": (pair, Field())})
        one_or_both = _list_of(side, Checked(one_or_two, or_one=True))
        sustains = _made(SustainsTable, {"of": (one_or_both, Field())})
        cause = _made(CauseTable, {"of": (side, Field())})
        claim = _made(
            ClaimTable,
            {
                "cause": (_list_of(cause, Checked(cause_tables, or_one=True)), Field(default=())),
                "ratio": (pair, Field(default=None)),
                "value": (side | None, Field(default=None)),
                "crossover": (crossover | None, Field(default=None)),
                "sustains": (sustains | None, Field(default=None)),
                "where": (side | None, Field(default=None)),
            },
        )
        self.matrix, self.side = matrix, side
        self.of_claim = {"crossover": crossover, "sustains": sustains, "cause": cause}
        self.file = _made(
            ExperimentFile,
            {
                "matrix": (_tables("matrix", matrix), Field()),
                "exclude": (_tables("exclude", side), Field(default=())),
                "claim": (_tables("claim", claim), Field(default=())),
            },
        )


def _axis_field() -> object:
    return Field(default=None, description="An axis of the user's own.")


def _list_of(one: object, check: Checked) -> object:
    return Annotated[list[one], check]  # type: ignore[valid-type]


def _tables(name: str, table: type[Table]) -> object:
    return _list_of(table, Checked(tables_of(name), or_one=True))


@lru_cache(maxsize=16)
def models_of(axes: tuple[str, ...]) -> Models:
    """The models for some axes, made once."""
    return Models(axes)


def _made(base: type[_T], fields: Mapping[str, FieldOfModel]) -> type[_T]:
    return with_fields(base, fields, base.__name__)
