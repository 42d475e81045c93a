# SPDX-License-Identifier: BSD-3-Clause
"""JSON as Python holds it: what is written, and what was read, which may be anything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""What can be written."""
Object: TypeAlias = Mapping[str, object]
"""An object that was read: of its members nothing is known."""


def object_or_none(value: object) -> Object | None:
    """The value if it is an object."""
    return value if isinstance(value, dict) else None


def object_or_empty(value: object) -> Object:
    """The value if it is an object, or else one without members."""
    return value if isinstance(value, dict) else {}


def list_or_empty(value: object) -> Sequence[object]:
    """The value if it is a list, or else an empty one."""
    return value if isinstance(value, list) else ()


def text_or_none(value: object) -> str | None:
    """The value if it is text."""
    return value if isinstance(value, str) else None


def objects_in(document: Object, name: str) -> list[Object]:
    """The objects in a list of a document; none where there is no such list."""
    return [value for value in list_or_empty(document.get(name)) if isinstance(value, dict)]


def number_in(document: Object, name: str) -> float:
    """A number of a document; 0 where there is none."""
    found = document.get(name)
    return found if isinstance(found, int | float) else 0


def whole_in(document: Object, name: str) -> int:
    """A whole number of a document; 0 where there is none."""
    found = document.get(name)
    return found if isinstance(found, int) else 0


def finite(figure: float | None) -> float | None:
    """A figure, or None for one that JSON has no number for."""
    return figure if figure is not None and math.isfinite(figure) else None
