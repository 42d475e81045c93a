# SPDX-License-Identifier: BSD-3-Clause
"""The bounds of a claim: numbers with or without a unit, as what they bound has one or not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from fibench.document import ClaimTable, Source
from fibench.document.locate import Path
from fibench.metrics import METRICS
from fibench.parameters import KEYS
from fibench.quantities import RATE_UNITS, TIME_UNITS, parse_quantity
from fibench.wording import as_toml

_RATIO = "a ratio"
_EXAMPLES = {"s": "5ms", "B": "30MiB", "/s": "500/s"}
_UNITS_MEANT = {"s": "ms", "B": "MiB", "/s": "/s"}
"""By a unit of what is bounded, that which a number without one has most often."""
_PERCENT = re.compile(r"[ \t]*([0-9]{1,4}(?:\.[0-9]{1,4})?)[ \t]*%[ \t]*", re.ASCII)
_AXIS_UNITS: Mapping[str, Mapping[str, float]] = {"": {}, "s": TIME_UNITS, "/s": RATE_UNITS}


def bounds_of(
    table: ClaimTable, index: int, source: Source
) -> tuple[float | None, float | None] | None:
    """The lower and upper bound, in base units; None if they are wrong, which is reported."""
    given = [name for name in ("above", "below", "within") if table.has(name)]
    if len(given) != 1:
        what = "the claim has no bound" if not given else f"{' and '.join(given)} are both given"
        path = ("claim", index, given[1]) if given else ("claim", index)
        hint = "give one of above = 1.3, below = 1.1, within = [0.95, 1.05]"
        source.report(path, what, hint, key=True)
        return None
    path = ("claim", index, given[0])
    if given == ["within"]:
        low = _bound(table, (*path, 0), table.within[0], source)
        high = _bound(table, (*path, 1), table.within[1], source)
        if low is None or high is None:
            return None
        if not low < high:
            source.report(path, "within is empty: its first number is not below its second")
            return None
        return low, high
    bound = _bound(table, path, table.above if given == ["above"] else table.below, source)
    if bound is None:
        return None
    return (bound, None) if given == ["above"] else (None, bound)


def _bound(table: ClaimTable, path: Path, given: float | str, source: Source) -> float | None:
    """One bound in base units; None if it is wrong, which is reported."""
    name = str(path[2])
    subject, units, example = _measured(table)
    if isinstance(given, str):
        number = parse_quantity(given, units) if units else None
        if number is None and units:
            what = f"{name} {as_toml(given)} is no measure of {subject}"
            meant = _with_unit(given, units)
            example = f'write for example {name} = "{meant}"; ' if meant else ""
            source.report(path, what, f"{example}units: {', '.join(units)}")
        elif number is None:
            what = f"{name} of {subject} is a number without unit, not {as_toml(given)}"
            told = _as_share(given) if _is_share(table) else _in_factors(given)
            source.report(path, what, told or f"write {name} = {example}")
        if number is None:
            return None
    elif units and "/s" not in units:
        what = f"{name} needs a unit, since {subject} has one"
        meant = _with_unit(str(given), units) or example
        source.report(path, what, f'write for example {name} = "{meant}"')
        return None
    else:
        number = float(given) if abs(given) < 1e30 else math.inf
    lowest_allowed = subject != _RATIO and path[2] != "below"
    if not math.isfinite(number) or number < 0 or (number == 0 and not lowest_allowed):
        what = f"{name} {as_toml(given)} is no bound: it must be above 0"
        source.report(path, what)
        return None
    if number > 1 and _is_share(table):
        what = f"{name} {as_toml(given)} is no bound: {subject} is a share, from 0 to 1"
        source.report(path, what, _as_share(f"{given}%") or "")
        return None
    return number


def _with_unit(given: str, units: Mapping[str, float]) -> str | None:
    """What a number that was written without its unit may have meant; None: it is no number."""
    unit = next((meant for known, meant in _UNITS_MEANT.items() if known in units), None)
    meant = f"{given.strip()}{unit}"
    return None if parse_quantity(meant, units) is None else meant


def _in_factors(given: str) -> str | None:
    """How to write a percentage as a ratio, which is a factor; None: it is none."""
    percent = _PERCENT.fullmatch(given)
    if percent is None:
        return None
    share = float(percent[1]) / 100.0
    more = f"a ratio is a factor: {percent[1]} % more is above = {1.0 + share:.6g}"
    return f"{more}, {percent[1]} % less is below = {1.0 - share:.6g}" if share < 1.0 else more


def _is_share(table: ClaimTable) -> bool:
    """Whether the bounds of a claim are shares themselves."""
    return table.value is not None and METRICS[table.metric].is_share


def _as_share(given: str) -> str | None:
    """How to write a percentage as a share; None: it is none, or more than all."""
    percent = _PERCENT.fullmatch(given)
    share = math.inf if percent is None else float(percent[1]) / 100.0
    return f"a share is a number from 0 to 1: {share:.6g}" if share <= 1.0 else None


def _measured(table: ClaimTable) -> tuple[str, Mapping[str, float], str]:
    """What the bounds of a claim are about, the units they may have, and an example."""
    if table.ratio is not None:
        return _RATIO, {}, "1.3"
    if table.sustains is not None:
        two = len(table.sustains.of) == 2
        return (_RATIO, {}, "1.5") if two else (table.sustains.over, RATE_UNITS, "150/s")
    if table.crossover is not None:
        key = KEYS.get(table.crossover.over)  # an axis of the user's own has numbers without a unit
        units = _AXIS_UNITS[(key.kind.unit if key else None) or ""]
        return table.crossover.over, units, _example(units, "22")
    units = METRICS[table.metric].bound_units
    bare = "0.6" if METRICS[table.metric].is_share else "1.1"
    return table.metric, units, _example(units, bare)


def _example(units: Mapping[str, float], bare: str) -> str:
    return next((text for unit, text in _EXAMPLES.items() if unit in units), bare)
