# SPDX-License-Identifier: BSD-3-Clause
"""The bounds of a claim: numbers with or without a unit, as what they bound has one or not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fibench.document import CauseTable, ClaimTable, Source
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
_CAUSES = "above = 0.6, below = 0.05"
_AXIS_UNITS: Mapping[str, Mapping[str, float]] = {"": {}, "s": TIME_UNITS, "/s": RATE_UNITS}


@dataclass(frozen=True)
class _Measured:
    """What bounds are about, the units that they may have, and an example of one."""

    subject: str
    units: Mapping[str, float]
    example: str
    is_share: bool = False


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
    path, measured = ("claim", index, given[0]), _measured(table)
    if given == ["within"]:
        low = _bound(measured, (*path, 0), table.within[0], source)
        high = _bound(measured, (*path, 1), table.within[1], source)
        if low is None or high is None:
            return None
        if not low < high:
            source.report(path, "within is empty: its first number is not below its second")
            return None
        return low, high
    return _one_end(table, measured, path, source)


def bounds_of_cause(
    cause: CauseTable, path: Path, source: Source
) -> tuple[float | None, float | None] | None:
    """The lower and the upper bound of a cause, which has one of them; None if that is wrong."""
    given = [name for name in ("above", "below") if cause.has(name)]
    if len(given) != 1:
        what = "the cause has no bound" if not given else "above and below are both given"
        at = (*path, given[1]) if given else path
        source.report(at, what, f"give one of {_CAUSES}", key=True)
        return None
    return _one_end(cause, _figure_of(cause.metric), (*path, given[0]), source)


def _one_end(
    table: CauseTable | ClaimTable, measured: _Measured, path: Path, source: Source
) -> tuple[float | None, float | None] | None:
    """The bounds of what is above or below something, as the path's end says."""
    is_low = path[-1] == "above"
    bound = _bound(measured, path, table.above if is_low else table.below, source)
    if bound is None:
        return None
    return (bound, None) if is_low else (None, bound)


def _bound(measured: _Measured, path: Path, given: float | str, source: Source) -> float | None:
    """One bound in base units; None if it is wrong, which is reported."""
    name = str(path[-1] if isinstance(path[-1], str) else path[-2])
    subject, units, example = measured.subject, measured.units, measured.example
    if isinstance(given, str):
        number = parse_quantity(given, units) if units else None
        if number is None and units:
            what = f"{name} {as_toml(given)} is no measure of {subject}"
            meant = _with_unit(given, units)
            example = f'write for example {name} = "{meant}"; ' if meant else ""
            source.report(path, what, f"{example}units: {', '.join(units)}")
        elif number is None:
            what = f"{name} of {subject} is a number without unit, not {as_toml(given)}"
            told = _as_share(given) if measured.is_share else _in_factors(given)
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
    lowest_allowed = subject != _RATIO and name != "below"
    if not math.isfinite(number) or number < 0 or (number == 0 and not lowest_allowed):
        what = f"{name} {as_toml(given)} is no bound: it must be above 0"
        source.report(path, what)
        return None
    if number > 1 and measured.is_share:
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


def _as_share(given: str) -> str | None:
    """How to write a percentage as a share; None: it is none, or more than all."""
    percent = _PERCENT.fullmatch(given)
    share = math.inf if percent is None else float(percent[1]) / 100.0
    return f"a share is a number from 0 to 1: {share:.6g}" if share <= 1.0 else None


def _measured(table: ClaimTable) -> _Measured:
    """What the bounds of a claim are about."""
    if table.ratio is not None:
        return _Measured(_RATIO, {}, "1.3")
    if table.sustains is not None:
        two = len(table.sustains.of) == 2
        over = table.sustains.over
        return _Measured(_RATIO, {}, "1.5") if two else _Measured(over, RATE_UNITS, "150/s")
    if table.crossover is not None:
        key = KEYS.get(table.crossover.over)  # an axis of the user's own has numbers without a unit
        units = _AXIS_UNITS[(key.kind.unit if key else None) or ""]
        return _Measured(table.crossover.over, units, _example(units, "22"))
    return _figure_of(table.metric)


def _figure_of(metric: str) -> _Measured:
    """The figure of one cell."""
    units, is_share = METRICS[metric].bound_units, METRICS[metric].is_share
    return _Measured(metric, units, _example(units, "0.6" if is_share else "1.1"), is_share)


def _example(units: Mapping[str, float], bare: str) -> str:
    return next((text for unit, text in _EXAMPLES.items() if unit in units), bare)
