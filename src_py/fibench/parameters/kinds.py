# SPDX-License-Identifier: BSD-3-Clause
"""The kinds of values that keys have: their limits, how they are written, how their faults read."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Generic, Literal, TypeVar

from fibench.parameters.cpu_list import CPUS_PATTERN, CpuListError, normalised_cpus
from fibench.quantities import (
    DURATION_PATTERN,
    RATE_PATTERN,
    RATE_UNITS,
    TIME_UNITS,
    decimal,
    format_duration,
    parse_quantity,
)
from fibench.wording import as_toml, escaped, suggestion

Scalar = str | int | float
AxisUnit = Literal["", "s", "/s"]
"""What a number is in: itself, seconds, or per second."""
T_co = TypeVar("T_co", bound=Hashable, covariant=True)
Word = TypeVar("Word", bound=str)

NAME = re.compile(r"(?!\.{1,2}$)[a-z0-9._-]{1,64}", re.ASCII)
NAME_RULE = "1 to 64 of a-z, 0-9, '.', '_', '-'"
"""What names of backends, requests and ids of claims look like: they become parts of paths."""
HOST = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:_-]{0,252}|::[0-9A-Fa-f.:]*", re.ASCII)
_LONGEST_PATH = 1000
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)


class Fault(Exception):
    """What is wrong with a value, worded to follow the name of its key."""

    def __init__(self, what: str, hint: str = "") -> None:
        """Keep what is wrong, and what to do about it."""
        super().__init__(what)
        self.what = what
        self.hint = hint


def _as_it_is(word: str) -> object:
    return word


@dataclass(frozen=True, eq=False)
class Kind(Generic[T_co]):
    """What the values of a key are, wherever they are written."""

    type: type[T_co] | UnionType
    """What a value is once it has been taken from the file."""
    check: Callable[[object], T_co]
    """From a value as TOML has it. Raises Fault."""
    schema: Mapping[str, object]
    """What editors are told of a value in the file."""
    unit: AxisUnit | None = None
    """What its numbers are in; None: they are none that could be an axis."""
    word: Callable[[str], object] = _as_it_is
    """From a word of the command line to what the file would have. Raises Fault, which names it."""
    commas: bool = False
    """Whether a value is written with commas, so that an option cannot give several."""
    shown: Callable[[Scalar], str] = str
    """A value as tables and labels have it."""
    filed: Callable[[Scalar], Scalar] = lambda value: value
    """A value as the file would have it."""

    def holds(self, value: object) -> bool:
        """Whether a value of JSON is what `check` returns, as far as its type says."""
        return type(value) is self.type or (self.type is float and type(value) is int)


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


def whole(low: int, high: int) -> Kind[int]:
    """A whole number within limits."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Fault(f"must be a whole number, not {kind_of(value)}", _whole_meant(value))
        if not low <= value <= high:
            raise Fault(f"{as_toml(value)} is outside {low} to {high}")
        return value

    def word(text: str) -> int:
        if _WHOLE.fullmatch(text) is None:
            raise Fault(f'"{escaped(text[:40])}" is not a whole number')
        return int(text)

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Kind(int, check, schema, unit="", word=word)


def _whole_meant(value: object) -> str:
    """What may be meant by what is no whole number: one in quotes, or several of them."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return f"write {int(value)}, without quotes"
    numbers = re.findall("[0-9]{1,18}", value) if isinstance(value, str) else []
    if len(numbers) > 1:
        return f"several values are a list, in [[matrix]]: [{', '.join(numbers[:4])}]"
    return "several values belong in [[matrix]]" if isinstance(value, list) else ""


def duration(low_s: float, high_s: float) -> Kind[float]:
    """A duration within limits: text with a unit in the file, seconds afterwards."""

    def check(value: object) -> float:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            raise Fault(f"needs a unit: write {_with_unit(value, low_s, high_s)}")
        if not isinstance(value, str):
            raise Fault(f'must be a duration such as "0.7s", not {kind_of(value)}')
        seconds = parse_quantity(value, TIME_UNITS)
        if seconds is None:
            raise Fault(
                f"{as_toml(value)} is no duration", 'write a number and a unit: "0.7s", "200ms"'
            )
        if not low_s <= seconds <= high_s:
            limits = f"{format_duration(low_s)} to {format_duration(high_s)}"
            raise Fault(f"{as_toml(value)} is outside {limits}")
        return seconds

    def shown(value: Scalar) -> str:
        return format_duration(value) if isinstance(value, float) else str(value)

    schema = {"type": "string", "pattern": DURATION_PATTERN}
    return Kind(float, check, schema, unit="s", shown=shown, filed=shown)


AUTO: Literal["auto"] = "auto"
"""A duration, or a number of blocks, that is found out."""


@dataclass(frozen=True, eq=False)
class _DurationOrAuto(Kind[float | str]):
    def holds(self, value: object) -> bool:
        return value == AUTO or type(value) in (float, int)


def duration_or_auto(low_s: float, high_s: float) -> Kind[float | str]:
    """A duration within limits, or "auto"; seconds afterwards, or "auto". It is no axis: where
    "auto" lies on it is not known beforehand."""
    given = duration(low_s, high_s)

    def check(value: object) -> float | str:
        if value == AUTO:
            return AUTO
        try:
            return given.check(value)
        except Fault as fault:
            hint = f'{fault.hint}, or "{AUTO}"' if fault.hint else ""
            raise Fault(fault.what, hint) from fault

    schema = {"anyOf": [{"enum": [AUTO]}, dict(given.schema)]}
    return _DurationOrAuto(float | str, check, schema, shown=given.shown, filed=given.filed)


def _with_unit(number: float, low_s: float, high_s: float) -> str:
    """What a number without unit may have meant, of what is allowed."""
    if 0 < number < 1:  # a person who has seconds in mind
        meant = [format_duration(number)] * (low_s <= number <= high_s)
    else:
        units = {"s": 1.0, "ms": 1e-3}
        meant = [
            f"{decimal(number)}{unit}"
            for unit, size in units.items()
            if low_s <= number * size <= high_s
        ]
    return " or ".join(f'"{text}"' for text in meant) or 'for example "0.7s"'


def rate(low: int, high: int) -> Kind[float]:
    """Requests/s within limits: text with "/s" in the file, or a number; a float afterwards."""

    def check(value: object) -> float:
        number: float | None
        if isinstance(value, str):
            number = parse_quantity(value, RATE_UNITS)
            if value == SEARCH:
                raise Fault(f'"{SEARCH}" is no one rate', f'write rate = "{SEARCH}" in [[matrix]]')
            if number is None:
                raise Fault(f"{as_toml(value)} is no rate", 'write "500/s", or 500')
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Fault(f'must be a rate such as "500/s", not {kind_of(value)}')
        else:
            number = value
        if not low <= number <= high:  # a number that is none is within no limits
            raise Fault(f"{as_toml(value)} is outside {low}/s to {high}/s")
        return round(float(number), 6)  # fibload takes nine decimals

    def word(text: str) -> object:
        return float(text) if _NUMBER.fullmatch(text) else text

    def shown(value: Scalar) -> str:
        return f"{decimal(value)}/s" if isinstance(value, int | float) else value

    bare = {"type": "number", "minimum": low, "maximum": high}
    schema = {"anyOf": [{"type": "string", "pattern": RATE_PATTERN}, bare]}
    return Kind(float, check, schema, unit="/s", word=word, shown=shown, filed=shown)


SEARCH: Literal["search"] = "search"
"""Of an axis in [[matrix]]: a run looks for its values before it measures."""


@dataclass(frozen=True, eq=False)
class _OrSearch(Kind[Scalar]):
    def holds(self, value: object) -> bool:
        return value == SEARCH or type(value) in (float, int)


def or_search(kind: Kind[Scalar]) -> Kind[Scalar]:
    """The same kind, or "search"."""

    def check(value: object) -> Scalar:
        if value == SEARCH:
            return SEARCH
        try:
            return kind.check(value)
        except Fault as fault:
            hint = f'{fault.hint}, or "{SEARCH}"' if fault.hint else ""
            if isinstance(value, dict):
                hint = f'to search, write "{SEARCH}": where to begin and to end is found out'
            raise Fault(fault.what, hint) from fault

    schema = {"anyOf": [{"enum": [SEARCH]}, dict(kind.schema)]}
    return _OrSearch(Scalar, check, schema, word=kind.word, shown=kind.shown, filed=kind.filed)


def share(most: float) -> Kind[float]:
    """A share of a whole, from 0 to `most`."""

    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Fault(f"must be a share such as 0.1, not {kind_of(value)}")
        if not 0.0 <= value <= most:  # a number that is none is within no limits
            raise Fault(f"{as_toml(value)} is outside 0 to {decimal(most)}")
        return float(value)

    def word(text: str) -> object:
        return float(text) if _NUMBER.fullmatch(text) else text

    def shown(value: Scalar) -> str:
        return decimal(value) if isinstance(value, int | float) else value

    schema = {"type": "number", "minimum": 0, "maximum": most}
    return Kind(float, check, schema, word=word, shown=shown)


def true_or_false(value: object) -> bool:
    """The check of a truth. Raises Fault."""
    if not isinstance(value, bool):
        raise Fault(f"must be true or false, not {kind_of(value)}")
    return value


def flag() -> Kind[int]:
    """true or false in the file; 1 or 0 afterwards, as a parameter."""

    def check(value: object) -> int:
        return int(true_or_false(value))

    def word(text: str) -> object:
        return {"true": True, "false": False}.get(text, text)

    def shown(value: Scalar) -> str:
        return "true" if value else "false"

    return Kind(int, check, {"type": "boolean"}, word=word, shown=shown, filed=bool)


def cpu_list() -> Kind[str]:
    """A set of CPUs: "0,2-3", or "all"; in the kernel's shortest form afterwards."""

    def check(value: object) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            raise Fault(f"must be text, not {kind_of(value)}", f'write cpus = "{as_toml(value)}"')
        if not isinstance(value, str):
            raise Fault(f"must be text, not {kind_of(value)}", 'write cpus = "0,2-3" or "all"')
        try:
            return normalised_cpus(value)
        except CpuListError as error:
            hint = 'write for example "0", "0,2-3" or "all"'
            raise Fault(f"{as_toml(value)} {error}", hint) from error

    return Kind(str, check, {"type": "string", "pattern": CPUS_PATTERN}, commas=True)


def interpreter(key: str = "interpreter") -> Kind[str]:
    """What names a Python: a program, a version, or a path; whether there is one is seen later.

    `key` is what the file calls it.
    """

    def check(value: object) -> str:
        if not isinstance(value, str):
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            text = as_toml(value) if is_number else "3.13"
            hint = f'write {key} = "{text}": as a number, 3.10 would be 3.1'
            raise Fault(f"must be text, not {kind_of(value)}", hint)
        if not value or len(value) > _LONGEST_PATH:
            raise Fault("is empty" if not value else f"is longer than {_LONGEST_PATH} characters")
        if value != value.strip() or value.startswith("-") or not value.isprintable():
            hint = 'write "python3.13", "3.13", or a path'
            raise Fault(f"{as_toml(value)} is no name of a program", hint)
        return value

    return Kind(str, check, {"type": "string", "minLength": 1})


@dataclass(frozen=True, eq=False)
class _Choice(Kind[Word]):
    names: tuple[Word, ...] = ()

    def holds(self, value: object) -> bool:
        return value in self.names


def choice(*names: Word, found: Mapping[Word, str] | None = None) -> Kind[Word]:
    """One word out of several. Those `found` nobody gives: they follow from what each says."""
    follows = found or {}

    def check(value: object) -> Word:
        if not isinstance(value, str):
            raise Fault(f"must be text, not {kind_of(value)}", suggestion("", names))
        for name in names:
            if value == name:
                return name
        for name, reason in follows.items():
            if value == name:
                raise Fault(f"{as_toml(value)} is not given: it follows", reason)
        raise Fault(f"{as_toml(value)} is unknown", suggestion(value, names))

    kind: type[Word] = type(names[0])
    return _Choice(kind, check, {"enum": list(names)}, names=(*names, *follows))


@dataclass(frozen=True, eq=False)
class _NumberOrText(Kind[int | str]):
    def holds(self, value: object) -> bool:
        return type(value) in (int, str)


LONGEST_AXIS_VALUE = 200


def of_own_axis() -> Kind[int | str]:
    """A value of an axis of the user's own: what stands in its place in a command, or a request."""

    def check(value: object) -> int | str:
        if isinstance(value, bool) or not isinstance(value, int | str):
            hint = "text stands for anything else: " + as_toml(as_toml(value))
            raise Fault(f"must be a whole number or text, not {kind_of(value)}", hint)
        if isinstance(value, int):
            if not -(2**63) <= value < 2**63:
                raise Fault(f"{as_toml(value)} has more than 64 bits", "write it as text")
            return value
        if len(value) > LONGEST_AXIS_VALUE:
            raise Fault(f"is longer than {LONGEST_AXIS_VALUE} characters")
        if not value.isprintable():
            raise Fault(f"{as_toml(value)} has characters that no label can show")
        return value

    schema = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    return _NumberOrText(int | str, check, schema, unit="")


def pattern(expression: re.Pattern[str], allowed: str) -> Kind[str]:
    """Text that matches an expression as a whole; `allowed` says so in words."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise Fault(f"must be text, not {kind_of(value)}", f"allowed: {allowed}")
        if expression.fullmatch(value) is None:
            raise Fault(f"{as_toml(value)} is not allowed", f"allowed: {allowed}")
        return value

    return Kind(str, check, {"type": "string", "pattern": f"^({expression.pattern})$"})
