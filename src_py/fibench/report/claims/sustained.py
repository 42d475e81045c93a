# SPDX-License-Identifier: BSD-3-Clause
"""How far a limit is held, in words: `py-mt holds p99 < 50 ms up to 170/s [160, 180]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fibench.metrics import number, scale_for
from fibench.report.numbers import RATIO, bound_quantity, bounds_with_interval, with_interval
from fibench.report.output import glued
from fibench.verdict import Estimate
from fibench.verdict.sustaining.sustained import Sustained
from fibench.verdict.verdict import Verdict
from fibench.wording import counted, listed_with, shown

_PER_S = scale_for(1.0, "1/s")


class Names(NamedTuple):
    """What a claim's sides are called, and at what both were measured: `py-mt`, ``, ` at n=20`."""

    left: str
    right: str
    at: str


def sustained_figures(verdict: Verdict, names: Names, needed: str) -> str:
    """What was found of one side, or of both and their ratio; `needed` is the claim's bound."""
    claim, found = verdict.claim, verdict.estimate
    if found is None or found.absent is not None or claim.limit is None:
        return ""
    metric = claim.metric + (f" of {shown(claim.group)}" if claim.group is not None else "")
    limit = bound_quantity(claim.limit, scale_for(claim.limit, "s"))
    held = glued(f"{metric} < {limit}")
    bounds = [bound for bound in (claim.low, claim.high) if bound is not None]
    if len(verdict.sustained) == 1:
        said = f"{names.left} holds {held}{names.at} {_reach(verdict.sustained[0], bounds)}"
        needed = f"{', ' if found.at_least is None else '; '}{needed}"
        return said + needed + _incomplete(verdict.sustained)
    one, other = (_reach(side, []) for side in verdict.sustained)
    sides = f"{names.left} holds {held}{names.at} {one}, {names.right} {other}"
    return f"{sides}: {_ratio(found, bounds)}, {needed}{_incomplete(verdict.sustained)}"


def _incomplete(sides: Sequence[Sustained]) -> str:
    """`; 5 blocks have every rate, 1 does not`, where that is so: of the side that lacks most; and
    `; 62/s and 91/s had too few replies`."""
    slow = [_rate(at) for at in sorted({at for side in sides for at in side.too_slow})]
    too_slow = f"; {listed_with('and', slow)} had too few replies" if slow else ""
    side = max(sides, key=lambda one: one.incomplete)
    if side.incomplete == 0:
        return too_slow
    verb = "does" if side.incomplete == 1 else "do"
    whole = counted(len(side.blocks), "block")
    have = "has" if len(side.blocks) == 1 else "have"
    return f"; {whole} {have} every rate, {side.incomplete} {verb} not{too_slow}"


def _reach(side: Sustained, bounds: Sequence[float]) -> str:
    """`up to 170/s [160, 180]`, `up to 160/s [160, 180], is saturated at 180/s`, `not even at
    20/s`, `up to at least 200/s, the highest measured`."""
    found = side.estimate
    first, last = side.rates[0], side.rates[-1]
    if found.mean is not None:
        return glued(f"up to {with_interval(found, _PER_S, '', bounds)}")
    if side.falls:
        return glued(f"at some rates from {_rate(first)} to {_rate(last)}")
    if found.at_least is None:
        clear = found.low == 0.0 and found.high == first
        return glued(f"not even at {_rate(first)}" + _interval(found, clear=clear))
    clear = found.at_most is None and found.low == last
    interval = _interval(found, clear=clear)
    if found.at_most is None:
        return glued(f"up to at least {_rate(last)}{interval}") + ", the highest measured"
    beyond = "is saturated at" if found.at_most in side.saturated else "not at"
    reach = glued(f"up to {_rate(found.at_least)}{interval}")
    return f"{reach}, {glued(f'{beyond} {_rate(found.at_most)}')}"


def _rate(figure: float) -> str:
    return bound_quantity(figure, _PER_S)


def _interval(found: Estimate, *, clear: bool) -> str:
    """The interval, where it says more than the words before it."""
    if clear or found.low is None or found.high is None:
        return ""
    return f" [{number(found.low)}, {number(found.high)}]"


def _ratio(found: Estimate, bounds: Sequence[float]) -> str:
    if found.mean is not None:
        return glued(with_interval(found, RATIO, "×", bounds))
    if found.is_bound:
        return glued(bounds_with_interval(found, "×"))
    return "their ratio may be anything"


def sustained_hint(verdict: Verdict, names: Names) -> str:
    """What would settle it, where that is no further block alone: other rates."""
    if verdict.outcome != "INCONCLUSIVE":
        return ""
    said, grow = [], []
    for side, name in zip(verdict.sustained, (names.left, names.right), strict=False):
        which = _other_rates(side)
        if which:
            of = f" of {name}" if names.right else ""
            said.append(f"rates{of} {which}")
        grow += _growing(side, f" of {name}" if names.right else "")
    other = [f"{' and '.join(said)} would show where"] if said else []
    return "; ".join(other + grow)


def _growing(side: Sustained, of: str) -> list[str]:
    """The lowest rate of which windows so short do not tell that the server keeps up."""
    if not side.growing:
        return []
    whether = f"whether what waits{of} stops to grow at {_rate(side.growing[0])}"
    return [f"longer windows, or more blocks, would show {whether}"]


def _other_rates(side: Sustained) -> str:
    """`below 100/s`, `above 400/s` or `between 200/s and 400/s`: where rates are missing."""
    found = side.estimate
    if found.low is None or found.high is None or side.half is not None:
        return ""
    if found.low == 0.0 and found.at_least is None:
        return f"below {_rate(side.rates[0])}"
    if found.high > side.rates[-1]:
        return f"above {_rate(side.rates[-1])}"
    return f"between {_rate(found.low)} and {_rate(found.high)}" if side.final else ""
