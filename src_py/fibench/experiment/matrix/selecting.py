# SPDX-License-Identifier: BSD-3-Clause
"""Which cells a selector of the file selects, and why it selects none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fibench.experiment.cells import Cell, Combination
from fibench.parameters import KEYS, Value, shown_value
from fibench.parameters.stand_ins import SHOWN, stands_in
from fibench.wording import as_toml, meant


def selectable(one: Cell | Combination, name: str) -> Value:
    """The value of a parameter that a selector of the file is compared with."""
    return one.written[name] if name in one.written else one.parameters.value_of(name)


def shown_on_axis(name: str, value: Value) -> str:
    """A value of an axis, for people."""
    return SHOWN if stands_in(name, value) else shown_value(name, value)


def matches(selector: Mapping[str, Value], one: Cell | Combination) -> bool:
    """Whether a cell has all of the selector's values."""
    return all(selectable(one, name) == value for name, value in selector.items())


def describe(one: Combination) -> str:
    """A combination in a message: the backend and what the matrix gives it."""
    given = [name for name, path in one.paths.items() if path[0] == "matrix" and name != "backend"]
    words = [f"{name}={shown_on_axis(name, selectable(one, name))}" for name in given]
    return " ".join([one.backend, *words])


def shown_selector(selector: Mapping[str, Value]) -> str:
    """A selector as the file writes it."""
    parts = []
    for name, value in selector.items():
        kind = KEYS[name].kind if name in KEYS else None
        filed = value if kind is None or value is None else kind.filed(value)
        parts.append(f"{name} = {as_toml(filed)}")
    return f"{{ {', '.join(parts)} }}"


def lacking(selector: Mapping[str, Value], cells: Sequence[Cell | Combination]) -> str:
    """Why a selector matches none of some cells: which value is missing, and what there is."""
    if not cells:
        return ""
    for name, value in selector.items():
        if all(selectable(cell, name) != value for cell in cells):
            return _values_hint(name, value, cells)
    left = list(cells)
    fixed: dict[str, Value] = {}
    for name, value in selector.items():
        narrowed = [cell for cell in left if selectable(cell, name) == value]
        if not narrowed:
            return f"with {shown_selector(fixed)}, {name} is {_values(name, left)}"
        fixed[name] = value
        left = narrowed
    return ""


def _values_hint(name: str, value: Value, cells: Sequence[Cell | Combination]) -> str:
    there = [str(selectable(cell, name)) for cell in cells]
    hint = meant(value, there) if isinstance(value, str) else ""
    return f"{hint} {name} is {_values(name, cells)}".lstrip()


def _values(name: str, cells: Sequence[Cell | Combination]) -> str:
    """The values that cells have for a parameter, in their order, a long list cut short."""
    every = list(dict.fromkeys(shown_on_axis(name, selectable(cell, name)) for cell in cells))
    if len(every) > 8:
        return f"{', '.join(every[:8])}, …"
    return " or ".join([", ".join(every[:-1]), every[-1]]) if len(every) > 1 else every[0]
