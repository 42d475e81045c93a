# SPDX-License-Identifier: BSD-3-Clause
"""The rates that stand in for those that a run is to look for, until it has found them. Pure.

With them a file is checked, its claims are resolved, and its trials are counted as if the rates
were there already. They are rates that nobody writes, over all that a file may ask for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fibench.parameters.kinds import SEARCH, Scalar

STAND_INS = (1.000_001, 10.000_001, 100.000_001, 10_000.000_001, 999_999.999_999)
"""In 1/s: as many as a search chooses."""
AXIS = "rate"
SHOWN = "searched"
"""What tables and labels have for such a rate."""


def with_stand_ins(axes: Mapping[str, Sequence[Scalar]]) -> dict[str, list[Scalar]]:
    """The axes of a [[matrix]] table with rates where it says "search"."""
    found = {name: list(values) for name, values in axes.items()}
    if SEARCH in found.get(AXIS, ()):
        fixed = [value for value in found[AXIS] if value != SEARCH]
        found[AXIS] = [*fixed, *STAND_INS]
    return found


def stands_in(name: str, value: object) -> bool:
    """Whether a value of an axis is one that a run is to look for."""
    return name == AXIS and value in STAND_INS
