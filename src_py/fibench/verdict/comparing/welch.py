# SPDX-License-Identifier: BSD-3-Clause
"""Ratios of independent sides with their intervals: Welch's t on logarithms. Pure.

Each side is a list of runs, each run the logarithms of its trials. What varies from run to run, as
where a program lies in memory or a neighbour on the same host, is the same in all trials of a run,
so that no number of trials shows it: only several runs do. Hence two intervals.

`over_trials` speaks of these very runs: the error of each run's mean is that of its trials.
`over_runs` speaks of whatever the runs were taken from, a machine or a day: a run's mean is one
figure, whose spread over runs has both the variation from run to run and what the trials leave; its
degrees of freedom come from the numbers of runs. That is the random-effects model analysed by the
means of its groups: exact where groups are of one size, and without an estimate of its parts.

Sources: B. L. Welch, Biometrika 34 (1947), 28-35; F. E. Satterthwaite, Biometrics Bulletin 2
(1946), 110-114; on groups analysed by their means H. Scheffé, The Analysis of Variance (1959),
chapter 7; T. Kalibera and R. Jones, Rigorous Benchmarking in Reasonable Time, ISMM 2013, on why
runs are the unit where they vary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fibench.verdict.estimate import exp
from fibench.verdict.looks import t_quantile

_SAME_LOG = 1e-9
"""Ratios nearer to 1 than this are rounding."""
FEWEST_OF_A_SIDE = 2
"""Of fewer trials, or runs, nothing is known of how they vary."""

Runs = Sequence[Sequence[float]]
"""The logarithms of a side: of each run those of its trials, at least one."""


@dataclass(frozen=True)
class Ratio:
    """second ÷ first of a metric; the ends are None where it is not known how a side varies."""

    mean: float
    low: float | None
    high: float | None
    degrees: float | None
    """Satterthwaite's; None without an interval or where nothing varies."""

    @property
    def differs(self) -> bool | None:
        """Whether the interval excludes 1; None: there is no interval that could."""
        if self.low is None or self.high is None:
            return None
        return self.low > math.exp(_SAME_LOG) or self.high < math.exp(-_SAME_LOG)


@dataclass(frozen=True)
class _Part:
    """What one estimated variance adds to the squared error of the ratio."""

    square: float
    degrees: int


def over_trials(
    first: Runs, second: Runs, alpha: float, grains: tuple[float, float] = (0.0, 0.0)
) -> Ratio:
    """exp(mean of second - mean of first) with the interval at 1 - alpha that holds for these runs.

    A side's mean is that of its runs' means. No trials are taken to vary less than the grain of
    their side, a standard deviation.
    """
    parts = []
    for runs, grain in zip((first, second), grains, strict=True):
        if any(len(logs) < FEWEST_OF_A_SIDE for logs in runs):
            return Ratio(math.exp(_centre(second) - _centre(first)), None, None, None)
        for logs in runs:
            square = max(_variance(logs), grain**2) / len(logs) / len(runs) ** 2
            parts.append(_Part(square, len(logs) - 1))
    return _ratio(first, second, parts, alpha)


def over_runs(
    first: Runs, second: Runs, alpha: float, grains: tuple[float, float] = (0.0, 0.0)
) -> Ratio:
    """The same ratio, with the interval that takes in how runs vary: at least two on each side."""
    parts = []
    for runs, grain in zip((first, second), grains, strict=True):
        if len(runs) < FEWEST_OF_A_SIDE:
            return Ratio(math.exp(_centre(second) - _centre(first)), None, None, None)
        trials = math.fsum(len(logs) for logs in runs) / len(runs)
        square = max(_variance([_mean(logs) for logs in runs]), grain**2 / trials) / len(runs)
        parts.append(_Part(square, len(runs) - 1))
    return _ratio(first, second, parts, alpha)


def _ratio(first: Runs, second: Runs, parts: Sequence[_Part], alpha: float) -> Ratio:
    centre = _centre(second) - _centre(first)
    squared_error = math.fsum(part.square for part in parts)
    if squared_error == 0.0:
        return Ratio(math.exp(centre), math.exp(centre), math.exp(centre), None)
    # The degrees, from shares, so that no tiny variance is squared to nothing.
    degrees = 1.0 / math.fsum((part.square / squared_error) ** 2 / part.degrees for part in parts)
    half = t_quantile(1.0 - alpha / 2.0, degrees) * math.sqrt(squared_error)
    return Ratio(math.exp(centre), exp(centre - half), exp(centre + half), degrees)


def side_mean(runs: Runs) -> float | None:
    """The geometric mean of a side; None if it has nothing."""
    return exp(_centre(runs)) if runs else None


def _centre(runs: Runs) -> float:
    return math.fsum(_mean(logs) for logs in runs) / len(runs)


def _mean(logs: Sequence[float]) -> float:
    return math.fsum(logs) / len(logs)


def _variance(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
