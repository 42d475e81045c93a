# SPDX-License-Identifier: BSD-3-Clause
"""From a figure to a place across a drawing, in per cent, and the ticks of an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

_EXACT = 12
"""Digits behind the point to which ticks are round."""


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis from `low` to `high`, which are placed at `first` and `last`.

    Raises ValueError for an axis that has no length, or that a logarithm does not have.
    """

    low: float
    high: float
    log: bool = False
    first: float = 1.5
    last: float = 98.5

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"an axis from {self.low} to {self.high}")
        if self.log and self.low <= 0.0:
            raise ValueError(f"a logarithmic axis from {self.low}")

    def at(self, figure: float) -> float:
        """The place of a figure, which may lie outside of the axis."""
        if not self.log:
            share = (figure - self.low) / (self.high - self.low)
        elif figure <= 0.0:
            share = -math.inf
        else:
            share = math.log(figure / self.low) / math.log(self.high / self.low)
        return self.first + share * (self.last - self.first)

    def clipped(self, figure: float) -> float:
        """The same, at an end where it lies outside."""
        return min(max(self.at(figure), self.first), self.last)

    def has(self, figure: float) -> bool:
        """Whether a figure is on the axis."""
        return self.low <= figure <= self.high

    def ticks(self, most: int = 6) -> list[float]:
        """Round figures on the axis, rising: at most so many, and one more."""
        if not self.log or self.high / self.low < 6.0:
            return round_figures(self.low, self.high, most)
        return _of_decades(self.low, self.high, most)


def round_figures(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten from low to high."""
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next((m * size for m in (1.0, 2.0, 2.5, 5.0) if m * size >= rough), 10.0 * size)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = _EXACT - math.floor(math.log10(step))
    return [round(k * step, max(digits, 0)) for k in range(first, last + 1)]


def _of_decades(low: float, high: float, most: int) -> list[float]:
    """1, 2 and 5 of each decade, or fewer of it, or fewer decades."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        found = [
            figure
            for exponent in range(first, last + 1)
            for step in steps
            if low * (1.0 - 1e-9) <= (figure := step * 10.0**exponent) <= high * (1.0 + 1e-9)
        ]
        if len(found) <= most + 1:
            return found
    apart = math.ceil(len(found) / most)
    return found[::apart]


def around(low: float, high: float, *, log: bool, room: float = 0.04, first: float = 1.0) -> Axis:
    """An axis with some room on both sides; of one figure alone, a piece around it."""
    if not log:
        top = high if high > 0.0 else 1.0
        return Axis(0.0, top * (1.0 + room), first=0.3, last=99.0)
    if not low < high:
        low, high = low / 1.25, high * 1.25
    more = max((high / low) ** room, 1.01)
    return Axis(low / more, high * more, True, first, 99.0)
