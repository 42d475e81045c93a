# SPDX-License-Identifier: BSD-3-Clause
"""Which rate a search asks for next, and what it has found. Pure.

It goes along the E24 series, of which each rate is about 10 % above the one before: from a start in
steps that grow until one rate is held and a higher one is not, and then by halves until these two
are neighbours. As long as they are far from each other, its windows are short; what was seen in a
short one, and what was seen to be exceeded once, is looked at again at the end, as far as there are
trials left. Noise makes latencies longer, not shorter: a rate that was held once in a whole window
can be held. One of which a trial tells neither is both: the limit is passed about there.

No rate is asked for, or chosen, at which a whole window is not due to give the replies that the
metric needs, chance included: `least` is the lowest place on the grid that is.

That is what an MLRsearch does (draft-ietf-bmwg-mlrsearch), with latencies instead of loss, and
without its promise: nothing is judged by what a search has seen. It chooses rates; the blocks, each
of them measured anew, decide.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fibench.parameters.stand_ins import STAND_INS

_LOWER = (10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30)
_UPPER = (33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91)
GRID = (
    *(one * 10**decade / 10 for decade in range(6) for one in (*_LOWER, *_UPPER)),
    1_000_000.0,
)
"""Every rate that is asked for, in 1/s."""
MOST_SEARCH_TRIALS = 8
"""For each target of a search."""
CHOSEN = len(STAND_INS)
"""How many rates a search chooses."""
START = 100.0
"""In 1/s: where a search begins that has no closed loop before it."""
OF_CLOSED = 0.7
"""A search begins at so much of what a closed loop gives: the server is busy, and few wait."""
_NEAR = 3
"""Places on the grid: the first step from a start that is known, and how far from each other two
rates are at most that windows are no longer short for."""
_FAR = 7
"""The first step from a start that is not known: it doubles the rate."""

Shows = Literal["held", "exceeded", "both", "beyond", "unknown"]
"""Of a trial at a rate. "both": it is too near to the limit to tell. "beyond": the load generator
was the limit. "unknown": it has no figure."""


@dataclass(frozen=True)
class Shown:
    """What a trial of a search has shown."""

    at: int | None
    """The place of its rate on the grid; None: a closed loop."""
    outcome: Shows
    short: bool = False
    per_s: float | None = None
    """What a closed loop gave."""


@dataclass(frozen=True)
class Ask:
    """A trial that a search asks for."""

    at: int | None
    short: bool
    again: bool = False
    """It was there before, in a window as long."""


@dataclass(frozen=True)
class Bracket:
    """Between which places of the grid a limit is passed."""

    low: int | None
    """The limit is held there; None: nowhere."""
    high: int | None
    """It is not held there; None: it was everywhere."""
    beyond: int | None = None
    """The lowest place at which the load generator was the limit."""
    lost: bool = False
    """A trial had no figure, which ended the search."""


def least_place(per_s: float) -> int:
    """The lowest place on the grid that is not below a rate."""
    return min(bisect_left(GRID, per_s), len(GRID) - 1)


def next_step(seen: Sequence[Shown], *, closed_first: bool, least: int = 0) -> Ask | None:
    """The trial that a search asks for after those that it has made; None: none any more."""
    if not seen and closed_first:
        return Ask(None, short=True)
    found = bracket_of(seen, least)
    if len(seen) >= MOST_SEARCH_TRIALS or found.lost:
        return None
    low, high = found.low, found.high if found.high is not None else found.beyond
    if low is None and high is None:
        return Ask(start_of(seen, least), short=True)
    if low is not None and high is not None:
        if high - low > 1 and not _is_both(seen, low, high):
            return Ask((low + high) // 2, short=high - low > 2 * _NEAR)
        return _confirmation(seen, low, high)
    if high is None:
        assert low is not None
        up = min(low + _step(seen, low, least), len(GRID) - 1)
        return Ask(up, short=True) if low < up else None
    down = max(high - _step(seen, high, least), least)
    return Ask(down, short=True) if down < high else None


def start_of(seen: Sequence[Shown], least: int = 0) -> int:
    """Where on the grid a search begins."""
    known = next((one.per_s for one in seen if one.at is None and one.per_s), None)
    rate = START if known is None else OF_CLOSED * known
    return max(bisect_right(GRID, rate) - 1, least)


def _step(seen: Sequence[Shown], edge: int, least: int) -> int:
    """How far from the last rate the next one is: the farther, the farther the start is."""
    known = any(one.at is None and one.per_s for one in seen)
    return (_NEAR if known else _FAR) + abs(edge - start_of(seen, least))


def _is_both(seen: Sequence[Shown], low: int, high: int) -> bool:
    """Whether the limit is passed where a trial did not tell on which side of it that is."""
    return any(one.outcome == "both" and one.at is not None and low < one.at < high for one in seen)


def _confirmation(seen: Sequence[Shown], low: int, high: int) -> Ask | None:
    """The trial that looks again at an end of a bracket that is as narrow as it may be."""
    whole = {at: [one for one in seen if one.at == at and not one.short] for at in (low, high)}
    above = [one for one in seen if one.at == high]
    if all(one.outcome == "exceeded" for one in above) and len(above) == 1:
        return Ask(high, short=False, again=bool(whole[high]))
    if not whole[low]:
        return Ask(low, short=False)
    return None


def bracket_of(seen: Sequence[Shown], least: int = 0) -> Bracket:
    """Between what the trials of a search have the limit."""
    lost = any(one.outcome == "unknown" and one.at is not None for one in seen)
    rates = {one.at for one in seen if one.at is not None and one.outcome != "unknown"}
    stands = {at: _stand(seen, at) for at in sorted(rates)}
    beyond = min((at for at, stand in stands.items() if stand == "beyond"), default=None)
    both = [at for at, stand in stands.items() if stand == "both"]
    held = [at for at, stand in stands.items() if stand == "held"]
    low = max(held, default=None)
    exceeded = [at for at, s in stands.items() if s == "exceeded" and (low is None or at > low)]
    high = min(exceeded, default=None)
    near = [at for at in both if (low is None or at > low) and (high is None or at < high)]
    if near:
        low = max(min(near) - 1, least) if low is None else max(low, min(near) - 1)
        most = min(max(near) + 1, len(GRID) - 1)
        high = most if high is None else min(high, most)
    return Bracket(low, high, beyond if high is None else None, lost)


def _stand(seen: Sequence[Shown], at: int) -> Shows:
    """What the trials at a rate say together: whole windows where there are any."""
    every = [one for one in seen if one.at == at and one.outcome != "unknown"]
    outcomes = {one.outcome for one in every if not one.short} or {one.outcome for one in every}
    if len(outcomes) == 1:
        return next(iter(outcomes))
    return "held" if "held" in outcomes else "both"


def rates_about(found: Bracket, start: int, least: int = 0) -> tuple[float, ...]:
    """The rates that the blocks are to measure, in 1/s, by rising rate: both ends of the bracket,
    and others about it, since a search may be wrong by some steps."""
    low, high = found.low, found.high
    if low is None and high is None:
        places = [start + _NEAR * step for step in (-2, -1, 0, 1, 2)]
    elif high is None:
        assert low is not None
        up = (-4, -2, 0, 2, 4) if found.beyond is None else (-6, -4, -2, -1, 0)
        places = [low + step for step in up]
    elif low is None:
        places = [high + step for step in (-8, -4, -2, -1, 0)]
    elif high - low == 1:
        places = [low - 3, low - 1, low, high, high + 2]
    elif high - low <= _NEAR:
        places = [low - 2, low, low + 1, high, high + 2]
    else:
        places = [low + round((high - low) * part / 4) for part in range(5)]
    return tuple(GRID[at] for at in _apart(places, least))


def _apart(places: Sequence[int], least: int) -> list[int]:
    """As many different places, all of them on the grid."""
    kept = sorted({min(max(at, least), len(GRID) - 1) for at in places})
    middle = kept[len(kept) // 2]
    others = sorted(set(range(least, len(GRID))) - set(kept), key=lambda at: abs(at - middle))
    return sorted([*kept, *others[: CHOSEN - len(kept)]])


def with_named(rates: Sequence[float], named: Sequence[float]) -> tuple[float, ...]:
    """The rates that were chosen, and of those that claims name the ones between them."""
    near = [rate for rate in named if rates[0] <= rate <= rates[-1]]
    return tuple(sorted({*rates, *near}))
