# SPDX-License-Identifier: BSD-3-Clause
"""Ratios of what was measured in the same rounds, and whether they keep a limit. Pure.

A machine's speed changes from minute to minute: what is compared lies within one round, and what
counts is the median over rounds. Its interval is that of order statistics, which asks nothing of
the distribution: a median lies below all n figures with probability 1/2^n. Source: David and
Nagaraja, Order Statistics, 3rd ed., 7.1.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """A median with its interval."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"x{self.middle:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True)
class Limit:
    """What a ratio is held to."""

    most: float = math.inf
    least: float = 0.0

    def __str__(self) -> str:
        words = [f"at least x{self.least:.2f}"] if self.least > 0 else []
        words += [f"at most x{self.most:.2f}"] if self.most < math.inf else []
        return " and ".join(words)

    def holds(self, ratio: float) -> bool:
        """Whether a ratio is within it."""
        return self.least <= ratio <= self.most

    def keeps(self, spread: Spread) -> bool:
        """Whether the median is within it."""
        return self.holds(spread.middle)

    def verdict(self, spread: Spread) -> str:
        """In words; where a part of the interval is on the other side, it is said."""
        kept = self.keeps(spread)
        agreed = {self.holds(spread.low), self.holds(spread.high)} == {kept}
        return ("kept" if kept else "MISSED") + ("" if agreed else ", not for sure")


def ratios(own: Sequence[float], floor: Sequence[float]) -> list[float]:
    """Round by round."""
    return [above / below for above, below in zip(own, floor, strict=True)]


def spread(values: Sequence[float]) -> Spread:
    """The median, and its interval at CONFIDENCE; of fewer than six, the smallest and largest."""
    ordered, left_out = sorted(values), _left_out(len(values))
    return Spread(
        statistics.median(ordered), ordered[left_out], ordered[len(ordered) - 1 - left_out]
    )


def confidence(rounds: int) -> float:
    """Of the interval over so many rounds."""
    return 1.0 - 2.0 * _beyond(rounds, _left_out(rounds))


def _left_out(count: int) -> int:
    """How many figures at either end the interval can do without."""
    left_out = 0
    while 2 * _beyond(count, left_out + 1) <= 1.0 - CONFIDENCE:
        left_out += 1
    return left_out


def _beyond(count: int, left_out: int) -> float:
    """The probability that at most `left_out` of `count` figures lie below the median."""
    return sum(math.comb(count, below) for below in range(left_out + 1)) / 2.0**count
