# SPDX-License-Identifier: BSD-3-Clause
"""Figures as people read them: three digits and a unit that suits."""

import math
from collections.abc import Sequence

from fibench.metrics import DIGITS, Scale, Unit, exact, number, quantity, scale_for
from fibench.parameters import KEYS
from fibench.verdict import Estimate
from fibench.verdict.looks import half_width

NO_FIGURE = "–"
_MOST_DIGITS = 6
_WIDE_LOG = 0.5
"""Beyond this half width, on logarithms, a percentage would mislead: a factor is shown."""


RATIO = Scale(1.0, "")


def axis_scale(over: str, at: float) -> Scale:
    """The unit for places on the axis of a crossover."""
    return (
        scale_for(at, "s") if over in KEYS and KEYS[over].kind.unit == "s" and at > 0.0 else RATIO
    )


def bound_quantity(bound: float, scale: Scale) -> str:
    """A claim's bound, as exact as it was written: `1.3`, `5 ms`."""
    return exact(bound / scale.size) + scale.suffix


def with_interval(
    estimate: Estimate,
    scale: Scale,
    sign: str,
    bounds: Sequence[float],
    digits: int | None = None,
) -> str:
    """An estimate with its interval: `×1.83 [1.74, 1.93]`, `24.9 ms [24.1, 25.7]`.

    More digits are shown where three would make an end of the interval look equal to a bound.
    """
    assert estimate.mean is not None
    if estimate.low is None or estimate.high is None:
        return f"{sign}{number(estimate.mean / scale.size)}{scale.suffix}"
    ends = (estimate.low / scale.size, estimate.high / scale.size)
    limits = [bound / scale.size for bound in bounds]
    digits = DIGITS if digits is None else digits
    while digits < _MOST_DIGITS and any(
        end != limit and number(end, digits) == number(limit, digits)
        for end in ends
        for limit in limits
    ):
        digits += 1
    mean = number(estimate.mean / scale.size, digits)
    low, high = (number(end, digits) for end in ends)
    return f"{sign}{mean}{scale.suffix} [{low}, {high}]"


def bound_text(estimate: Estimate, scale: Scale, sign: str = "") -> str:
    """What is known of a figure by bounds alone: `> 812 ms`, `160 to 168 ms`, `< ×0.31`."""
    least, most = (
        None if end is None else sign + number(end / scale.size) + scale.suffix
        for end in (estimate.at_least, estimate.at_most)
    )
    if least is not None and most is not None:
        return f"{least} to {most}"
    return f"> {least}" if least is not None else f"< {most}"


def bounds_with_interval(estimate: Estimate, sign: str, unit: Unit | None = None) -> str:
    """The same with the ends of its interval: `> 812 ms [744, ∞]`; a ratio has no unit."""
    known = estimate.at_least if estimate.at_least is not None else estimate.at_most
    assert known is not None
    scale = RATIO if unit is None else scale_for(known, unit)
    told = bound_text(estimate, scale, sign)
    if estimate.low is None or estimate.high is None:
        return told
    return f"{told} [{number(estimate.low / scale.size)}, {number(estimate.high / scale.size)}]"


def lower_bound(estimate: Estimate, unit: Unit) -> str:
    """What a table has of it: `> 812 ms`."""
    return NO_FIGURE if estimate.at_least is None else f"> {quantity(estimate.at_least, unit)}"


def spread(estimate: Estimate) -> str:
    """The interval as a share of the figure: `±3 %`; as a factor, `×÷1.9`, where it is wide.

    It is rounded to one digit below 10 %, and never shown as less than 0.1 %.
    """
    if estimate.sd_log is None:
        return ""
    half = half_width(estimate.blocks, estimate.sd_log, estimate.alpha, estimate.looks)
    half += estimate.widening
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


def time_span(shortest_s: float, longest_s: float) -> str:
    """From when to when something may end: `2 to 6 min`, `20 to 75 s`."""
    if longest_s < 99.5:
        return f"{max(1, round(shortest_s))} to {max(1, round(longest_s))} s"
    return f"{max(1, round(shortest_s / 60))} to {round(longest_s / 60)} min"


def time_taken(duration_s: float) -> str:
    """A duration of a run: `8.2 s`, `2 min 05 s`."""
    if duration_s < 99.95:
        return f"{duration_s:.1f} s"
    minutes, rest = divmod(round(duration_s), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
