# SPDX-License-Identifier: BSD-3-Clause
"""The models of the tables that are made from the keys: [server], [load], [[matrix]], and sides."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.config import JsonDict

from fibench.document.kinds import Checked, Name, of_kind
from fibench.parameters import (
    GROUP_KEYS,
    KEYS,
    PLAN_KEYS,
    Fault,
    Key,
    Repetitions,
    Scalar,
    default_text,
    in_file,
)
from fibench.parameters.blocks import DEFAULT
from fibench.parameters.kinds import AUTO, or_search, true_or_false

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


FieldOfModel: TypeAlias = tuple[object, object]
"""The annotation of a field, and what pydantic's Field says of it."""
_Base = TypeVar("_Base", bound=Table)


def _type(key: Key[Hashable]) -> object:
    return Annotated[key.kind.type, of_kind(key.kind)]


def _list_of(key: Key[Scalar]) -> object:
    """A list that may be written as its only element."""
    kind = or_search(key.kind) if key.searched else key.kind
    one: object = Annotated[kind.type, of_kind(kind)]
    return Annotated[list[one], Checked(listed, or_one=True)]  # type: ignore[valid-type]


def _of_table(table: str) -> dict[str, FieldOfModel]:
    """A field for every key of [server] or [load]; a default is the cell's, not the field's."""
    found: dict[str, FieldOfModel] = {}
    for name, key in KEYS.items():
        if key.table == table:
            extra: JsonDict = {} if key.default is None else {"default": default_text(name)}
            field = Field(default=None, description=key.meaning, json_schema_extra=extra)
            found[in_file(name)] = (_type(key), field)
    return found


def _of_group() -> dict[str, FieldOfModel]:
    """A field for every key that a client group may have of its own."""
    found: dict[str, FieldOfModel] = {}
    for name in GROUP_KEYS:
        meaning = f"As in [load], of this group. Default: {KEYS[name].of_group}."
        found[name] = (_type(KEYS[name]), Field(default=None, description=meaning))
    return found


def _of_plan() -> dict[str, FieldOfModel]:
    found: dict[str, FieldOfModel] = {}
    for name, key in PLAN_KEYS.items():
        extra: JsonDict = {"default": AUTO} if key.default == DEFAULT else {}
        field = Field(default=key.default, description=key.meaning, json_schema_extra=extra)
        found[name] = (_type(key), field)
    return found


def _axes(wrap: Callable[[Key[Scalar]], object]) -> dict[str, FieldOfModel]:
    """A field for every key that may be varied."""
    return {
        name: (wrap(key), Field(default=None, description=key.meaning))
        for name, key in KEYS.items()
        if key.varies
    }


def with_fields(
    base: type[_Base], found: Mapping[str, FieldOfModel], name: str = ""
) -> type[_Base]:
    """A table with further fields, or with others of the same names, which may have a `name`."""
    fields: dict[str, Any] = dict(found)  # pydantic's own signature has Any
    called = name or f"{base.__name__}WithKeys"
    return create_model(called, __base__=base, __doc__=base.__doc__, **fields)


class _Named(OneEach):
    name: Name = Field(description="What claims and results call the group.")


class _OfBackends(SeveralEach):
    backend: Annotated[list[Name], Checked(listed, or_one=True)] = Field(
        description="The servers to measure."
    )


class _OfBackend(OneEach):
    backend: Annotated[Name, Field(default=None, description="The server.")]


if TYPE_CHECKING:  # what the table of keys adds is read with `given`
    _Server = OneEach
    _Load = OneEach
    _Plan = OneEach
    _Group = _Named
    _Matrix = _OfBackends
    _Side = _OfBackend
else:
    _Server = with_fields(OneEach, _of_table("server"))
    _Load = with_fields(OneEach, _of_table("load"))
    _Plan = with_fields(OneEach, _of_plan())
    _Group = with_fields(_Named, _of_group())
    _Matrix = with_fields(_OfBackends, _axes(_list_of))
    _Side = with_fields(_OfBackend, _axes(_type))


class ServerTable(_Server):
    """One value for every cell: how the servers are started."""


class GroupTable(_Group):
    """Some of the clients of a load."""

    idle: Annotated[bool, Checked(true_or_false)] = Field(
        default=False, description="Whether its clients connect and then ask for nothing."
    )


class LoadTable(_Load):
    """One value for every cell: what the load is."""

    group: Annotated[list[GroupTable], Checked(tables_of("load.group"), or_one=True)] = Field(
        default=[], description="Client groups, each with counts and latencies of its own."
    )


class PlanTable(_Plan):
    """How often and in which order cells are measured."""

    def repetitions(self) -> Repetitions:
        """What is given, and the defaults of the rest."""
        # Any: each is what its kind has read.
        given: dict[str, Any] = {name: getattr(self, name) for name in PLAN_KEYS if self.has(name)}
        return Repetitions(**given)


class MatrixTable(_Matrix):
    """Every combination of these values is a cell; several tables are joined."""


class SideTable(_Side):
    """Values that select cells."""
