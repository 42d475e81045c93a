# SPDX-License-Identifier: BSD-3-Clause
"""The models of the tables that are made from the keys: [server], [load], [[matrix]], and sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.config import JsonDict

from fibench.document.keys import GROUP_KEYS, KEYS, default_text, in_file
from fibench.document.kinds import Checked, Name, fault, true_or_false

LONGEST_LIST = 1000


class Table(BaseModel):
    """A table of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def given(self) -> dict[str, Any]:
        """The keys that the file gives, in the file's order of the model."""
        return {name: getattr(self, name) for name in type(self).model_fields if self.has(name)}

    def has(self, name: str) -> bool:
        """Whether the file gives the key."""
        return name in self.model_fields_set


def listed(value: object) -> object:
    """The check of a list that may be written as its only element."""
    if not isinstance(value, list):
        return [value]
    if not value:
        raise fault("is an empty list", "give at least one value, or remove the key")
    if len(value) > LONGEST_LIST:
        raise fault(f"has {len(value)} values; {LONGEST_LIST} are allowed")
    return value


def one_or_more(item: Any) -> Any:
    """The type of a list that may be written as its only element."""
    return Annotated[list[item], Checked(listed, or_one=True)]


def tables_of(name: str) -> Any:
    def check(value: object) -> object:
        tables = [value] if isinstance(value, dict) else value
        if not isinstance(tables, list):
            raise fault(f"must be a table: write [[{name}]]")
        if len(tables) > LONGEST_LIST:
            raise fault(f"has {len(tables)} tables; {LONGEST_LIST} are allowed")
        return tables

    return check


def _fields(table: str) -> dict[str, Any]:
    """A field for every key of [server] or [load]."""
    found = {}
    for name, key in KEYS.items():
        if key.table == table:
            extra: JsonDict = {} if key.default is None else {"default": default_text(name)}
            field = Field(default=None, description=key.meaning, json_schema_extra=extra)
            found[in_file(name)] = (key.type, field)
    return found


def _axes(wrap: Any) -> dict[str, Any]:
    return {
        name: (wrap(key.type), Field(default=None, description=key.meaning))
        for name, key in KEYS.items()
        if key.varies
    }


def _same(item: Any) -> Any:
    return item


_OF_GROUP = {
    "clients": "Default: the load's.",
    "n": "Default: the load's.",
    "rate": "Default: the load's; a closed loop where the load has none.",
    "arrivals": "Default: the load's.",
}

if TYPE_CHECKING:

    class ServerTable(Table):
        """One value for every cell: how the servers are started."""

    class GroupTable(Table):
        """Some of the clients of a load."""

        name: str
        idle: bool
        clients: int | None
        n: int | None
        rate: float | None
        arrivals: str | None

    class LoadTable(Table):
        """One value for every cell: what the load is."""

        group: tuple[GroupTable, ...] = ()

    class MatrixTable(Table):
        """Every combination of these values is a cell; several tables are joined."""

    class SideTable(Table):
        """Values that select cells."""

else:  # from the one table of keys
    ServerTable = create_model(
        "ServerTable",
        __base__=Table,
        __doc__="One value for every cell: how the servers are started.",
        **_fields("server"),
    )
    GroupTable = create_model(
        "GroupTable",
        __base__=Table,
        __doc__="Some of the clients of a load.",
        name=(Name, Field(description="What claims and results call the group.")),
        **{
            name: (
                KEYS[name].type,
                Field(default=None, description=f"As in [load], of this group. {_OF_GROUP[name]}"),
            )
            for name in GROUP_KEYS
        },
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
        __base__=Table,
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
    MatrixTable = create_model(
        "MatrixTable",
        __base__=Table,
        __doc__="Every combination of these values is a cell; several tables are joined.",
        backend=(one_or_more(Name), Field(description="The servers to measure.")),
        **_axes(one_or_more),
    )
    SideTable = create_model(
        "SideTable",
        __base__=Table,
        __doc__="Values that select cells.",
        backend=(Name, Field(default=None, description="The server.")),
        **_axes(_same),
    )
