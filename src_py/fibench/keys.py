# SPDX-License-Identifier: BSD-3-Clause
"""Every key of [server] and [load]: its type, limits, default and meaning, in one table.

A cell's parameters, the models of the file, its JSON Schema, the matrix, the sides of claims and
the options of the command line are all made from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from fibench.diagnostics import shown, suggestion
from fibench.quantities import DURATION_PATTERN, TIME_UNITS, format_duration, parse_quantity

NAME = re.compile(r"(?!\.{1,2}$)[a-z0-9._-]{1,64}", re.ASCII)
NAME_RULE = "1 to 64 of a-z, 0-9, '.', '_', '-'"
"""What names of backends and ids of claims look like: they become parts of paths."""

_HOST = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:_-]{0,252}|::[0-9A-Fa-f.:]*", re.ASCII)
_LONGEST_TEXT = 2000


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
            raise fault(f"{shown(value)} is outside {low} to {high}")
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
                f"{shown(value)} is no duration", 'write a number and a unit: "0.7s", "200ms"'
            )
        if not low_s <= seconds <= high_s:
            limits = f"{format_duration(low_s)} to {format_duration(high_s)}"
            raise fault(f"{shown(value)} is outside {limits}")
        return seconds

    schema = {"type": "string", "pattern": DURATION_PATTERN}
    return Checked(check, schema)


def choice(*names: str) -> Checked:
    """One word out of several."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise fault(f"must be text, not {kind_of(value)}", suggestion("", names))
        if value not in names:
            raise fault(f"{shown(value)} is unknown", suggestion(value, names))
        return value

    return Checked(check, {"enum": list(names)})


def pattern(expression: re.Pattern[str], allowed: str) -> Checked:
    """Text that matches an expression as a whole; `allowed` says so in words."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise fault(f"must be text, not {kind_of(value)}", f"allowed: {allowed}")
        if expression.fullmatch(value) is None:
            raise fault(f"{shown(value)} is not allowed", f"allowed: {allowed}")
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

Where = Literal["server", "load"]
Kinds = Literal["fibload", "process", "any"]


@dataclass(frozen=True)
class Key:
    """One key of [server] or [load]."""

    table: Where
    type: Any
    default: Any
    """The value where the file gives none; None: not passed on, `meaning` says what happens."""
    meaning: str
    varies: bool = True
    """Whether [[matrix]] may vary it."""
    own: bool = True
    """Whether it applies to a server of the user's own, which takes none of our options."""
    python: bool = False
    """Whether it applies to servers in Python only."""
    process: bool = False
    """Whether it applies to the load of kind "process", which is client_bench.sh."""


KEYS: Mapping[str, Key] = {
    "port": Key(
        "server",
        Annotated[int, whole(1, 65535)],
        None,
        "Port of the servers. Default: a fresh free one for each trial.",
        varies=False,
        process=True,
    ),
    "host": Key(
        "server",
        Annotated[str, pattern(_HOST, "an address or a host name")],
        "127.0.0.1",
        "Address to listen on and to connect to.",
        process=True,
    ),
    "framing": Key(
        "server",
        Annotated[str, choice("message", "line")],
        "message",
        '"message": a connection for each request, as in the course; "line": requests and replies '
        "are lines, and the connection stays open. Default for a server of your own: its own.",
        process=True,
    ),
    "workers": Key(
        "server",
        Annotated[int, whole(1, 1024)],
        None,
        "Size of the pool, number of loops or processes, where the design has them. Default: the "
        "physical cores available.",
        own=False,
        process=True,
    ),
    "io_wait": Key(
        "server",
        Annotated[float, duration(0, 60)],
        0.0,
        "How long the server waits before each reply without using the CPU; stands for a slow "
        "downstream call.",
        own=False,
        process=True,
    ),
    "backlog": Key(
        "server",
        Annotated[int, whole(1, 65535)],
        4096,
        "Backlog of listen(2), in connections.",
        own=False,
        process=True,
    ),
    "idle_timeout": Key(
        "server",
        Annotated[float, duration(0.001, 86400)],
        60.0,
        "A client that keeps the server waiting for so long is closed.",
        own=False,
        process=True,
    ),
    "max_connections": Key(
        "server",
        Annotated[int, whole(1, 1_000_000)],
        65536,
        "Connections above this number are refused, and counted.",
        own=False,
        process=True,
    ),
    "max_n": Key(
        "server",
        Annotated[int, whole(0, 45)],
        34,
        'Largest n served; above it the reply is "out of range".',
        own=False,
        process=True,
    ),
    "switch_interval": Key(
        "server",
        Annotated[float, duration(1e-6, 10)],
        None,
        "How long a Python thread may keep the GIL while others wait: sys.setswitchinterval. "
        "Servers in Python only. Default: the interpreter's.",
        own=False,
        python=True,
        process=True,
    ),
    "kind": Key(
        "load",
        Annotated[str, choice("fibload", "process")],
        "fibload",
        '"fibload": the load generator; "process": client_bench.sh, timed as a whole, as in the '
        "course. Of the load's keys only clients, n and timeout apply to the latter.",
        process=True,
    ),
    "clients": Key(
        "load",
        Annotated[int, whole(1, 20_000)],
        1,
        "How many clients ask at the same time, each waiting for its reply before it asks again.",
        process=True,
    ),
    "n": Key(
        "load",
        Annotated[int, whole(0, 45)],
        1,
        "Which Fibonacci number is asked for.",
        process=True,
    ),
    "duration": Key(
        "load",
        Annotated[float, duration(0.01, 3600)],
        1.0,
        "Length of the measured window of each trial.",
    ),
    "requests": Key(
        "load",
        Annotated[int, whole(1, 1_000_000_000)],
        None,
        "End each trial's window after so many replies, instead of after a duration.",
    ),
    "warmup": Key(
        "load",
        Annotated[float, duration(0, 3600)],
        0.2,
        "Time under load before the measured window.",
    ),
    "pipeline": Key(
        "load",
        Annotated[int, whole(1, 1024)],
        1,
        'Requests each client keeps in flight; more than 1 needs framing = "line".',
    ),
    "requests_per_connection": Key(
        "load",
        Annotated[int, whole(0, 1_000_000_000)],
        0,
        'Open a new connection after so many replies; 0: never. Needs framing = "line".',
    ),
    "threads": Key("load", Annotated[int, whole(1, 256)], 1, "Threads of the load generator."),
    "timeout": Key(
        "load",
        Annotated[float, duration(0.001, 60)],
        30.0,
        "A request without a reply for so long makes the trial invalid.",
        process=True,
    ),
}


def default_text(name: str) -> str | int | float | None:
    """A key's default as the file would write it."""
    key = KEYS[name]
    return format_duration(key.default) if isinstance(key.default, float) else key.default


def is_duration(name: str) -> bool:
    """Whether a key's value is text with a unit of time."""
    return name in _DURATIONS


_DURATIONS = frozenset(
    {"io_wait", "idle_timeout", "switch_interval", "duration", "warmup", "timeout"}
)


def shown_value(name: str, value: Any) -> str:
    """A parameter's value as it is written in tables and labels."""
    if isinstance(value, float):
        return format_duration(value)
    return "default" if value is None else str(value)
