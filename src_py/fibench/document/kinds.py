# SPDX-License-Identifier: BSD-3-Clause
"""Kinds of values as annotations, from which pydantic and editors learn what a file may hold."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from fibench.parameters.kinds import NAME, NAME_RULE, Fault, Kind, kind_of, pattern

_LONGEST_TEXT = 2000


@dataclass(frozen=True, eq=False)
class Checked:
    """Annotation of a type: values pass `check` before anything else, and editors see `schema`.

    With schema None, editors see what the type itself says; with `or_one` a list, or one element.
    """

    check: Callable[[object], object]
    """Raises Fault."""
    schema: Mapping[str, object] | None = None
    or_one: bool = False

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Put the check before the type's own validation."""
        return core_schema.no_info_before_validator_function(self._taken, handler(source))

    def _taken(self, value: object) -> object:
        try:
            return self.check(value)
        except Fault as fault:
            context = {"what": fault.what, "hint": fault.hint}
            raise PydanticCustomError("fibench", "{what}", context) from fault

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """What the JSON Schema says of the value."""
        seen = dict(handler(schema) if self.schema is None else self.schema)
        return {"anyOf": [seen["items"], seen]} if self.or_one else seen


def of_kind(kind: Kind[Hashable]) -> Checked:
    """The annotation of a value of a kind."""
    return Checked(kind.check, kind.schema)


def prose(*, lines: bool) -> Checked:
    """Text for people: not empty, no control characters, `lines`: more than one."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise Fault(f"must be text, not {kind_of(value)}")
        if not value.strip():
            raise Fault("is empty")
        if len(value) > _LONGEST_TEXT:
            raise Fault(f"is {len(value)} characters long; {_LONGEST_TEXT} are allowed")
        if not lines and "\n" in value:
            raise Fault("must be one line")
        for character in value:
            if not character.isprintable() and character not in "\n\t":
                raise Fault(f"contains the character U+{ord(character):04X}", "remove it")
        return value.strip()

    return Checked(check, {"type": "string"})


NAMES = pattern(NAME, NAME_RULE)
Name = Annotated[str, of_kind(NAMES)]
