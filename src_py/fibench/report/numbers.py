# SPDX-License-Identifier: BSD-3-Clause
"""Figures as people read them: three digits and a unit that suits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fibench.metrics import Unit
from fibench.parameters import KEYS
from fibench.verdict import Estimate
from fibench.verdict.estimate import half_width

ABSENT = "–"
DIGITS = 3
_MOST_DIGITS = 6
_WIDE_LOG = 0.5
"""Beyond this half width, on logarithms, a percentage would mislead: a factor is shown."""


@dataclass(frozen=True)
class Scale:
    """A unit to show a figure in: the figure is divided by `size` and `suffix` put behind it."""

    size: float
    suffix: str


_SCALES: dict[Unit, tuple[Scale, ...]] = {
    "1/s": (Scale(1.0, "/s"),),
    "s": (Scale(1.0, " s"), Scale(1e-3, " ms"), Scale(1e-6, " µs"), Scale(1e-9, " ns")),
    "bytes": (
        Scale(2.0**30, " GiB"),
        Scale(2.0**20, " MiB"),
        Scale(2.0**10, " KiB"),
        Scale(1.0, " B"),
    ),
    "cores": (Scale(1.0, ""),),
    "count": (Scale(1.0, ""),),
    "1/request": (Scale(1.0, ""),),
}
RATIO = Scale(1.0, "")


def scale_for(figure: float, unit: Unit) -> Scale:
    """The largest unit in which the figure, rounded as it will be shown, is at least one."""
    scales = _SCALES[unit]
    fitting = (s for s in scales if float(f"{figure / s.size:.{DIGITS}g}") >= 1.0)
    return next(fitting, scales[-1])


def axis_scale(over: str, at: float) -> Scale:
    """The unit for places on the axis of a crossover."""
    return scale_for(at, "s") if KEYS[over].kind.unit == "s" and at > 0.0 else RATIO


def number(figure: float, digits: int = DIGITS) -> str:
    """A bare number to that many significant digits, never in exponents: 0.0312, 1.98, 38,900."""
    if math.isinf(figure):
        return "∞" if figure > 0.0 else "-∞"
    if figure == 0.0 or not math.isfinite(figure):
        return f"{figure:g}"
    rounded = float(f"{figure:.{digits}g}")
    places = digits - 1 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:,.{min(max(places, 0), 9)}f}"


def quantity(figure: float, unit: Unit) -> str:
    """A figure in base units with a unit that suits: `24.9 ms`, `71.3/s`, `9.13 MiB`."""
    scale = scale_for(figure, unit)
    return number(figure / scale.size) + scale.suffix


def bound_quantity(bound: float, scale: Scale) -> str:
    """A claim's bound, as exact as it was written: `1.3`, `5 ms`."""
    return f"{bound / scale.size:.6g}{scale.suffix}"


def with_interval(estimate: Estimate, scale: Scale, sign: str, bounds: Sequence[float]) -> str:
    """An estimate with its interval: `×1.83 [1.74, 1.93]`, `24.9 ms [24.1, 25.7]`.

    More digits are shown where three would make an end of the interval look equal to a bound.
    """
    assert estimate.mean is not None
    if estimate.low is None or estimate.high is None:
        return f"{sign}{number(estimate.mean / scale.size)}{scale.suffix}"
    ends = (estimate.low / scale.size, estimate.high / scale.size)
    limits = [bound / scale.size for bound in bounds]
    digits = DIGITS
    while digits < _MOST_DIGITS and any(
        end != limit and number(end, digits) == number(limit, digits)
        for end in ends
        for limit in limits
    ):
        digits += 1
    mean = number(estimate.mean / scale.size, digits)
    low, high = (number(end, digits) for end in ends)
    return f"{sign}{mean}{scale.suffix} [{low}, {high}]"


def spread(estimate: Estimate) -> str:
    """The interval as a share of the figure: `±3 %`; as a factor, `×÷1.9`, where it is wide.

    It is rounded to one digit below 10 %, and never shown as less than 0.1 %.
    """
    if estimate.sd_log is None:
        return ""
    half = half_width(estimate.blocks, estimate.sd_log, estimate.alpha, estimate.looks)
    if half < _WIDE_LOG:
        figure = 100.0 * half
        return f"±{figure:.0f} %" if figure >= 0.95 else f"±{max(figure, 0.1):.1f} %"
    return f"×÷{number(math.exp(half), 2)}" if half < math.log(100.0) else "×÷ >100"


def percent(share: float) -> str:
    """A share as a percentage of at most two digits: `8 %`, `0.3 %`, `140 %`."""
    figure = 100.0 * share
    if figure >= 9.95:
        return f"{figure:,.0f} %"
    if figure >= 0.95:
        return f"{figure:.1f}".removesuffix(".0") + " %"
    return f"{figure:.1g} %" if figure >= 0.05 else "<0.1 %"


def effect(share: float) -> str:
    """A relative effect: `8 %`, or `a factor of 5.2` where a percentage would be hard to read."""
    return percent(share) if share < 1.0 else f"a factor of {number(1.0 + share, 2)}"


def time_taken(duration_s: float) -> str:
    """A duration of a run: `8.2 s`, `2 min 05 s`."""
    if duration_s < 99.95:
        return f"{duration_s:.1f} s"
    minutes, rest = divmod(round(duration_s), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
