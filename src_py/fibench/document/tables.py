# SPDX-License-Identifier: BSD-3-Clause
"""The models of the tables that are made from the keys: [server], [load], [[matrix]], and sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, create_model

from fibench.document.kinds import Checked, Name, of_kind
from fibench.parameters import GROUP_KEYS, KEYS, PLAN, Fault, Scalar, default_text, in_file
from fibench.parameters.kinds import true_or_false

LONGEST_LIST = 1000


class Table(BaseModel):
    """A table of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def has(self, name: str) -> bool:
        """Whether the file gives the key."""
        return name in self.model_fields_set


class OneEach(Table):
    """A table that has one value for each of its keys."""

    def given(self) -> dict[str, Scalar]:
        """The keys that the file gives, in the model's order; what is a table itself is not one."""
        found = {name: getattr(self, name) for name in type(self).model_fields if self.has(name)}
        return {name: value for name, value in found.items() if isinstance(value, Scalar)}


class SeveralEach(Table):
    """A table that has a list of values for each of its keys."""

    def given(self) -> dict[str, list[Scalar]]:
        """The keys that the file gives, in the model's order."""
        return {name: getattr(self, name) for name in type(self).model_fields if self.has(name)}


def listed(value: object) -> object:
    """The check of a list that may be written as its only element."""
    if not isinstance(value, list):
        return [value]
    if not value:
        raise Fault("is an empty list", "give at least one value, or remove the key")
    if len(value) > LONGEST_LIST:
        raise Fault(f"has {len(value)} values; {LONGEST_LIST} are allowed")
    return value


def tables_of(name: str) -> Callable[[object], object]:
    """The check of [[name]], which may be a table that stands alone."""

    def check(value: object) -> object:
        tables = [value] if isinstance(value, dict) else value
        if not isinstance(tables, list):
            raise Fault(f"must be a table: write [[{name}]]")
        if len(tables) > LONGEST_LIST:
            raise Fault(f"has {len(tables)} tables; {LONGEST_LIST} are allowed")
        return tables

    return check


if TYPE_CHECKING:

    class ServerTable(OneEach):
        """One value for every cell: how the servers are started."""

    class GroupTable(OneEach):
        """Some of the clients of a load."""

        name: str
        idle: bool
        clients: int | None
        n: int | None
        rate: float | None
        arrivals: str | None

    class LoadTable(OneEach):
        """One value for every cell: what the load is."""

        group: tuple[GroupTable, ...] = ()

    class PlanTable(Table):
        """How often and in which order cells are measured."""

        blocks: int = PLAN["blocks"].default or 0
        seed: int = PLAN["seed"].default or 0

    class MatrixTable(SeveralEach):
        """Every combination of these values is a cell; several tables are joined."""

    class SideTable(OneEach):
        """Values that select cells."""

else:  # from the one table of keys

    def _type(key):
        return Annotated[key.kind.type, of_kind(key.kind)]

    def _several(key):
        """A list that may be written as its only element."""
        return Annotated[list[_type(key)], Checked(listed, or_one=True)]

    def _fields(table):
        """A field for every key of [server] or [load]."""
        found = {}
        for name, key in KEYS.items():
            if key.table == table:
                extra = {} if key.default is None else {"default": default_text(name)}
                field = Field(default=None, description=key.meaning, json_schema_extra=extra)
                found[in_file(name)] = (_type(key), field)
        return found

    def _axes(wrap):
        return {
            name: (wrap(key), Field(default=None, description=key.meaning))
            for name, key in KEYS.items()
            if key.varies
        }

    def _of_group(name):
        meaning = f"As in [load], of this group. Default: {KEYS[name].of_group}."
        return _type(KEYS[name]), Field(default=None, description=meaning)

    ServerTable = create_model(
        "ServerTable",
        __base__=OneEach,
        __doc__="One value for every cell: how the servers are started.",
        **_fields("server"),
    )
    GroupTable = create_model(
        "GroupTable",
        __base__=OneEach,
        __doc__="Some of the clients of a load.",
        name=(Name, Field(description="What claims and results call the group.")),
        **{name: _of_group(name) for name in GROUP_KEYS},
        idle=(
            Annotated[bool, Checked(true_or_false)],
            Field(
                default=False,
                description="Whether its clients connect and then ask for nothing.",
            ),
        ),
    )
    LoadTable = create_model(
        "LoadTable",
        __base__=OneEach,
        __doc__="One value for every cell: what the load is.",
        **_fields("load"),
        group=(
            Annotated[list[GroupTable], Checked(tables_of("load.group"), or_one=True)],
            Field(
                default=(),
                description="Client groups, each with counts and latencies of its own.",
            ),
        ),
    )
    PlanTable = create_model(
        "PlanTable",
        __base__=Table,
        __doc__="How often and in which order cells are measured.",
        **{
            name: (_type(key), Field(default=key.default, description=key.meaning))
            for name, key in PLAN.items()
        },
    )
    MatrixTable = create_model(
        "MatrixTable",
        __base__=SeveralEach,
        __doc__="Every combination of these values is a cell; several tables are joined.",
        backend=(
            Annotated[list[Name], Checked(listed, or_one=True)],
            Field(description="The servers to measure."),
        ),
        **_axes(_several),
    )
    SideTable = create_model(
        "SideTable",
        __base__=OneEach,
        __doc__="Values that select cells.",
        backend=(Name, Field(default=None, description="The server.")),
        **_axes(_type),
    )
