# SPDX-License-Identifier: BSD-3-Clause
"""The highest rate at which a latency stays below a limit, with its interval: pure.

It is found as a crossover is (crossover.py): between two measured rates log d is interpolated along
the logarithm of the rate, in each block; at every rate Student's t over blocks tells whether the
limit is clearly held or clearly exceeded; and the interval is made of the rates at which it is
neither (Fieller 1954). A curve of latency goes to infinity where the server is saturated, and
nothing can be interpolated up to there. So

- a rate at which the server was saturated in every block is exceeded, whatever the limit: each
  trial has shown that by itself, with far more than chance (trial/overload.py);
- one at which it was saturated in some blocks is never held; it is exceeded where the lower bounds
  say so, each of them being at least the limit;
- between a rate that is held and one that is not known as a figure nothing is decided: both are
  ends of the interval, as far as it does not reach further. They are the bracket.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from fibench.experiment import Row
from fibench.verdict.crossover import crossing, undecided
from fibench.verdict.estimate import Estimate, deviation
from fibench.verdict.looks import Looks, critical
from fibench.verdict.sample import Index
from fibench.verdict.sustaining.measured import Curve, Excess, curves, fast_enough, why_withheld
from fibench.verdict.sustaining.steady import steadiness

Stand = Literal["held", "exceeded"]


@dataclass(frozen=True)
class Reach:
    """How far a limit is held, in 1/s: up to a rate, or to one between two that were measured."""

    at: float | None
    """Where it is interpolated."""
    least: float | None
    """It is held there; None: at no rate measured."""
    most: float | None
    """It is not held there; None: it is at all rates measured."""


@dataclass(frozen=True)
class Sustained:
    """The rate that a run shows one side to sustain.

    The estimate's mean is None where the limit is not passed between two rates with known
    latencies: `at_least` and `at_most` are the bracket then. An end of its interval is 0 or
    infinite where the rates do not bound it; both are None if what is exceeded at the first rate is
    held later. Its `sd_log` is None, since it is not that of a ratio.
    """

    rates: tuple[float, ...]
    blocks: Mapping[int, Reach]
    """How far each block holds the limit by itself."""
    incomplete: int
    """Blocks that do not count, since a rate is missing in them."""
    estimate: Estimate
    saturated: tuple[float, ...] = ()
    """The rates at which the server was saturated in every block."""
    growing: tuple[float, ...] = ()
    """The rates at which it is not clear that the server keeps up: what waits may grow without end,
    however short it was when the windows ended (sustaining/steady.py)."""
    too_slow: tuple[float, ...] = ()
    """The slowest rates that were measured, which are none of `rates`: they had too few replies."""
    half: float | None = None
    """Half the width of the interval, a logarithm; None if an end is missing, or of a bracket."""
    final: bool = False
    """Every rate is clearly held or exceeded, and between the two nothing is interpolated: more
    blocks would not change the interval."""

    @property
    def falls(self) -> bool:
        """The limit is clearly exceeded at the first rate, or held at the last, and not
        throughout."""
        found = self.estimate
        return found.absent is None and found.blocks > 1 and found.low is None

    def equivalent_sd(self) -> float | None:
        """The standard deviation over blocks, of logarithms, that gives an interval so wide."""
        if self.half is None:
            return None
        blocks = self.estimate.blocks
        errors = critical(blocks, self.estimate.alpha, self.estimate.looks)
        return self.half * math.sqrt(blocks) / errors


def find_sustained(
    samples: Index, row: Row, key: str, limit_s: float, alpha: float, looks: Looks | None = None
) -> Sustained:
    """The rate that one side sustains, at confidence 1 - alpha.

    `key` is the metric, with its client group. A block counts only with all its rates, but for
    those that are too slow for the metric.
    """
    slow, row = row, fast_enough(samples, row, key)
    rates = tuple(step.at for step in row)
    begun = {block for step in row for block in samples.valid(step.cell.key)}
    found = curves(samples, row, key, limit_s)
    absent = why_withheld(samples, row, key)
    if absent is None and not found:
        absent = f"no block has {key} at every rate"
    known = Sustained(
        rates,
        {block: _reach(rates, curve) for block, curve in found.items()},
        len(begun) - len(found),
        Estimate(0, None, None, None, None, alpha, absent, looks),
        too_slow=tuple(step.at for step in slow[: len(slow) - len(row)]),
    )
    if absent is not None:
        return known
    if len(found) == 1:
        return _with_figure(known, list(found.values()))
    errors = critical(len(found), alpha, looks)
    steady = steadiness(found, samples, row, key, limit_s, errors)
    known = _with_figure(replace(known, growing=steady.growing), list(steady.likely.values()))
    blocks = list(steady.sure.values())
    return _with_interval(known, known.estimate, blocks, _mean(blocks))


def _with_figure(known: Sustained, blocks: Sequence[Curve]) -> Sustained:
    """The same with what the mean over blocks holds."""
    shared = _mean(blocks)
    full = tuple(at for at, one in zip(known.rates, shared, strict=True) if one.saturated)
    reach = _reach(known.rates, shared)
    estimate = replace(known.estimate, blocks=len(blocks), mean=reach.at)
    if reach.at is None:
        estimate = replace(estimate, at_least=reach.least, at_most=reach.most)
    return replace(known, saturated=full, estimate=estimate)


def _mean(blocks: Sequence[Curve]) -> list[Excess]:
    """d at each rate over blocks: saturated if it is in all of them."""
    return [
        Excess(
            math.fsum(one.low for one in column) / len(column),
            math.fsum(one.high for one in column) / len(column),
            all(one.saturated for one in column),
            all(one.drawn for one in column),
        )
        for column in zip(*blocks, strict=True)
    ]


def _reach(rates: Sequence[float], curve: Curve) -> Reach:
    """How far one curve holds its limit.

    Up to the first rate whose latency is not known as a figure the rising curve nearest to it
    decides, as in a crossover; from there on what bounds say for certain.
    """
    size = next((i for i, one in enumerate(curve) if not one.known), len(curve))
    if size > 0:
        places = [math.log(rate) for rate in rates[:size]]
        at = crossing(places, [one.low for one in curve[:size]])
        if at == "everywhere":  # above its limit, which is what `crossing` takes for a win
            return Reach(None, None, rates[0])
        if not isinstance(at, str):
            rate = math.exp(at)
            least = max((one for one in rates if one <= rate), default=rates[0])
            return Reach(rate, least, min(one for one in rates if one >= rate))
    held = size
    while held < len(curve) and curve[held].high < 0.0:
        held += 1
    beyond = next((i for i in range(held, len(curve)) if _is_above(curve[i])), None)
    return Reach(None, rates[held - 1] if held else None, None if beyond is None else rates[beyond])


def _is_above(excess: Excess) -> bool:
    return excess.saturated or excess.low > 0.0


def _with_interval(
    known: Sustained, estimate: Estimate, blocks: Sequence[Curve], shared: Curve
) -> Sustained:
    """The same with the interval of all rates at which the limit is neither held nor exceeded."""
    errors = critical(len(blocks), estimate.alpha, estimate.looks)
    places = [math.log(rate) for rate in known.rates]
    standings, found = _places(places, blocks, shared, errors)
    brackets = [
        place
        for i, (one, other) in enumerate(pairwise(standings))
        if not (shared[i].known and shared[i + 1].known) and (one is None or one != other)
        for place in (places[i], places[i + 1])
    ]
    every = found + brackets
    first, last = standings[0], standings[-1]
    if not every:
        low, high = (places[-1], math.inf) if first == "held" else (-math.inf, places[0])
    elif first == "exceeded" or last == "held":
        return replace(known, estimate=replace(estimate, mean=None, at_least=None, at_most=None))
    else:
        low = min(every) if first == "held" else -math.inf
        high = max(every) if last == "exceeded" else math.inf
    ends = _rate(low, known.rates), _rate(high, known.rates)
    interpolated = math.isfinite(low) and math.isfinite(high) and {low, high}.isdisjoint(brackets)
    return replace(
        known,
        estimate=replace(estimate, low=ends[0], high=ends[1]),
        half=(high - low) / 2.0 if interpolated else None,
        final=None not in standings and not found and len(brackets) <= 2,
    )


def _rate(place: float, rates: Sequence[float]) -> float:
    """From the scale to the axis, where a measured rate is itself again."""
    rate = math.exp(place) if place < math.inf else math.inf
    return next((one for one in rates if math.log(one) == place), rate)


def _places(
    places: Sequence[float], blocks: Sequence[Curve], shared: Curve, errors: float
) -> tuple[list[Stand | None], list[float]]:
    """How the limit stands at each rate, and where between rates with known latencies it is
    neither held nor exceeded."""
    standings: list[Stand | None] = []
    found: list[float] = []
    i = 0
    while i < len(places):
        j = i
        while j < len(places) and shared[j].known:
            j += 1
        if j > i:
            mean = [one.low for one in shared[i:j]]
            own = [[one.low for one in curve[i:j]] for curve in blocks]
            decided, between = undecided(places[i:j], mean, own, [0.0] * (j - i), errors)
            for sure, d in zip(decided, mean, strict=True):
                standings.append(("held" if d < 0.0 else "exceeded") if sure else None)
            found += between
            i = j
        else:
            standings.append(_of_bounds([curve[i] for curve in blocks], errors))
            i += 1
    return standings, found


def _of_bounds(column: Sequence[Excess], errors: float) -> Stand | None:
    """How the limit stands at a rate of which bounds alone are known in some blocks."""
    if all(one.saturated for one in column):
        return "exceeded"
    if _end([one.low for one in column], -errors) > 0.0:
        return "exceeded"
    return "held" if _end([one.high for one in column], errors) < 0.0 else None


def _end(figures: Sequence[float], errors: float) -> float:
    """So many standard errors above the mean."""
    mean = math.fsum(figures) / len(figures)
    if not math.isfinite(mean):
        return math.inf if mean > 0.0 else -math.inf
    return mean + errors * deviation(figures, mean) / math.sqrt(len(figures))
