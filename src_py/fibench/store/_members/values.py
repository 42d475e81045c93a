# SPDX-License-Identifier: BSD-3-Clause
"""What the members of a journal record may be: each is read by a function that makes a value of it.

Figures are within limits in which arithmetic works: no sum, logarithm or reciprocal of them
overflows.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeGuard, TypeVar

from fibench.json_values import Object
from fibench.parameters import Value

LONGEST_NAME = 1000
LONGEST_TEXT = 100_000
_LEAST_FIGURE, _LARGEST_FIGURE = 1e-15, 1e15
"""Of anything that is measured, in base units; and 0."""

T = TypeVar("T")


class Improper(Exception):
    """A value is not what a trial leaves behind."""


class Members:
    """The members of a document, each read by what makes a value of it; keeps which are wrong."""

    def __init__(self, document: Object) -> None:
        self._document = document
        self.wrong: list[str] = []

    def needed(self, name: str, read: Callable[[object], T], otherwise: T) -> T:
        """A member that must be there; `otherwise` stands in for one that is wrong."""
        try:
            return read(self._document.get(name, _ABSENT))
        except Improper:
            self.wrong.append(name)
            return otherwise

    def optional(self, name: str, read: Callable[[object], T], otherwise: T) -> T:
        """A member that may be absent or null: then `otherwise` is meant."""
        value = self._document.get(name)
        return otherwise if value is None else self.needed(name, read, otherwise)


_ABSENT = object()
"""No member has this value."""


def is_figure(value: object) -> TypeGuard[float]:
    """Whether a value can be computed with: 0, or within limits."""
    if type(value) is not float and type(value) is not int:
        return False
    return value == 0 or _LEAST_FIGURE <= value <= _LARGEST_FIGURE


def is_figure_or_none(value: object) -> TypeGuard[float | None]:
    return value is None or is_figure(value)


def is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= _LARGEST_FIGURE


def is_parameter(value: object) -> TypeGuard[Value]:
    """Text, or a number of any size that has a name in JSON."""
    if type(value) is float:
        return math.isfinite(value)
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return value is None or type(value) is int


def that(is_proper: Callable[[object], TypeGuard[T]]) -> Callable[[object], T]:
    def read(value: object) -> T:
        if is_proper(value):
            return value
        raise Improper

    return read


def all_of(is_proper: Callable[[object], TypeGuard[T]]) -> Callable[[object], Mapping[str, T]]:
    """An object whose members, whatever they are called, are all proper."""

    def read(value: object) -> Mapping[str, T]:
        if isinstance(value, dict) and all(map(is_proper, value.values())):
            return value
        raise Improper

    return read


def or_none(read: Callable[[object], T]) -> Callable[[object], T | None]:
    return lambda value: None if value is None else read(value)


def whole_between(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if type(value) is int and low <= value <= high:
            return value
        raise Improper

    return read


def text_up_to(longest: int) -> Callable[[object], str]:
    def read(value: object) -> str:
        if isinstance(value, str) and len(value) <= longest:
            return value
        raise Improper

    return read


def truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Improper


def moment(value: object) -> str:
    """A time that can be told in any zone."""
    if isinstance(value, str) and len(value) <= LONGEST_NAME:
        with contextlib.suppress(ValueError):
            if 1970 <= datetime.fromisoformat(value).year < 9999:
                return value
    raise Improper


def two_counts(value: object) -> tuple[int, int]:
    if isinstance(value, list) and len(value) == 2 and all(map(is_count, value)):
        return value[0], value[1]
    raise Improper


# What nobody computes with: what is not as it should be is not known.


def known_figure(value: object) -> float | None:
    return value if is_figure(value) else None


def known_whole(value: object) -> int | None:
    return value if type(value) is int else None
