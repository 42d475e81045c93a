# SPDX-License-Identifier: BSD-3-Clause
"""The kinds of values that an experiment file holds: their limits, and how their faults read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from fibench.document.cpu_list import CPUS_PATTERN, CpuListError, normalised_cpus
from fibench.quantities import (
    DURATION_PATTERN,
    RATE_PATTERN,
    RATE_UNITS,
    TIME_UNITS,
    format_duration,
    parse_quantity,
)
from fibench.wording import as_toml, suggestion

NAME = re.compile(r"(?!\.{1,2}$)[a-z0-9._-]{1,64}", re.ASCII)
NAME_RULE = "1 to 64 of a-z, 0-9, '.', '_', '-'"
"""What names of backends and ids of claims look like: they become parts of paths."""

HOST = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:_-]{0,252}|::[0-9A-Fa-f.:]*", re.ASCII)
_LONGEST_TEXT = 2000
_LONGEST_PATH = 1000


def fault(what: str, hint: str = "") -> PydanticCustomError:
    """The error of a validator, worded to follow the name of the key."""
    return PydanticCustomError("fibench", "{what}", {"what": what, "hint": hint})


@dataclass(frozen=True, eq=False)
class Checked:
    """Annotation of a type: values pass `check` before anything else, and editors see `schema`.

    With schema None, editors see what the type itself says; with `or_one` a list, or one element.
    """

    check: Callable[[object], object]
    schema: Mapping[str, Any] | None = None
    or_one: bool = False

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Put the check before the type's own validation."""
        return core_schema.no_info_before_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        """What the JSON Schema says of the value."""
        seen: dict[str, Any] = dict(handler(schema) if self.schema is None else self.schema)
        return {"anyOf": [seen["items"], seen]} if self.or_one else seen


_KINDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a fraction",
    str: "text",
    list: "a list",
    dict: "a table",
}


def kind_of(value: object) -> str:
    """What a TOML value is, in words."""
    return _KINDS.get(type(value), "a date or time")


def whole(low: int, high: int) -> Checked:
    """A whole number within limits."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise fault(f"must be a whole number, not {kind_of(value)}")
        if not low <= value <= high:
            raise fault(f"{as_toml(value)} is outside {low} to {high}")
        return value

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Checked(check, schema)


def duration(low_s: float, high_s: float) -> Checked:
    """A duration within limits: text with a unit in the file, seconds afterwards."""

    def check(value: object) -> float:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            number = f"{value:g}" if abs(value) < 1e6 else "1"
            raise fault(f'needs a unit: write "{number}s" or "{number}ms"')
        if not isinstance(value, str):
            raise fault(f'must be a duration such as "0.7s", not {kind_of(value)}')
        seconds = parse_quantity(value, TIME_UNITS)
        if seconds is None:
            raise fault(
                f"{as_toml(value)} is no duration", 'write a number and a unit: "0.7s", "200ms"'
            )
        if not low_s <= seconds <= high_s:
            limits = f"{format_duration(low_s)} to {format_duration(high_s)}"
            raise fault(f"{as_toml(value)} is outside {limits}")
        return seconds

    schema = {"type": "string", "pattern": DURATION_PATTERN}
    return Checked(check, schema)


def rate(low: int, high: int) -> Checked:
    """Requests/s within limits: text with "/s" in the file, or a number; a float afterwards."""

    def check(value: object) -> float:
        number: float | None
        if isinstance(value, str):
            number = parse_quantity(value, RATE_UNITS)
            if number is None:
                raise fault(f"{as_toml(value)} is no rate", 'write "500/s", or 500')
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            raise fault(f'must be a rate such as "500/s", not {kind_of(value)}')
        else:
            number = value
        if not low <= number <= high:  # a number that is none is within no limits
            raise fault(f"{as_toml(value)} is outside {low}/s to {high}/s")
        return round(float(number), 6)  # fibload takes nine decimals

    bare = {"type": "number", "minimum": low, "maximum": high}
    return Checked(check, {"anyOf": [{"type": "string", "pattern": RATE_PATTERN}, bare]})


def true_or_false(value: object) -> bool:
    """The check of a truth."""
    if not isinstance(value, bool):
        raise fault(f"must be true or false, not {kind_of(value)}")
    return value


def flag() -> Checked:
    """true or false in the file; 1 or 0 afterwards, as a parameter."""
    return Checked(lambda value: int(true_or_false(value)), {"type": "boolean"})


def cpu_list() -> Checked:
    """A set of CPUs: "0,2-3", or "all"; in the kernel's shortest form afterwards."""

    def check(value: object) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            raise fault(f"must be text, not {kind_of(value)}", f'write cpus = "{as_toml(value)}"')
        if not isinstance(value, str):
            raise fault(f"must be text, not {kind_of(value)}", 'write cpus = "0,2-3" or "all"')
        try:
            return normalised_cpus(value)
        except CpuListError as error:
            hint = 'write for example "0", "0,2-3" or "all"'
            raise fault(f"{as_toml(value)} {error}", hint) from error

    return Checked(check, {"type": "string", "pattern": CPUS_PATTERN})


def interpreter() -> Checked:
    """What names a Python: a program, a version, or a path; whether there is one is seen later."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            hint = 'write interpreter = "3.13": as a number, 3.10 would be 3.1'
            raise fault(f"must be text, not {kind_of(value)}", hint)
        if not value or len(value) > _LONGEST_PATH:
            raise fault("is empty" if not value else f"is longer than {_LONGEST_PATH} characters")
        if value != value.strip() or value.startswith("-") or not value.isprintable():
            hint = 'write "python3.13", "3.13", or a path'
            raise fault(f"{as_toml(value)} is no name of a program", hint)
        return value

    return Checked(check, {"type": "string", "minLength": 1})


def choice(*names: str) -> Checked:
    """One word out of several."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise fault(f"must be text, not {kind_of(value)}", suggestion("", names))
        if value not in names:
            raise fault(f"{as_toml(value)} is unknown", suggestion(value, names))
        return value

    return Checked(check, {"enum": list(names)})


def pattern(expression: re.Pattern[str], allowed: str) -> Checked:
    """Text that matches an expression as a whole; `allowed` says so in words."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise fault(f"must be text, not {kind_of(value)}", f"allowed: {allowed}")
        if expression.fullmatch(value) is None:
            raise fault(f"{as_toml(value)} is not allowed", f"allowed: {allowed}")
        return value

    schema = {"type": "string", "pattern": f"^({expression.pattern})$"}
    return Checked(check, schema)


def prose(*, lines: bool) -> Checked:
    """Text for people: not empty, no control characters, `lines`: more than one."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise fault(f"must be text, not {kind_of(value)}")
        if not value.strip():
            raise fault("is empty")
        if len(value) > _LONGEST_TEXT:
            raise fault(f"is {len(value)} characters long; {_LONGEST_TEXT} are allowed")
        if not lines and "\n" in value:
            raise fault("must be one line")
        for character in value:
            if not character.isprintable() and character not in "\n\t":
                raise fault(f"contains the character U+{ord(character):04X}", "remove it")
        return value.strip()

    return Checked(check, {"type": "string"})


Name = Annotated[str, pattern(NAME, NAME_RULE)]
