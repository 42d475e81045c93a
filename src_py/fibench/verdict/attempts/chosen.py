# SPDX-License-Identifier: BSD-3-Clause
"""Whether a claim stands by which of its trials were measured again, or left out. Pure.

Who burns CPU in each trial whose outcome is unwelcome has it measured again, by the very rule that
is to keep noise out, and may choose among up to three outcomes of a trial; or none of them, of a
claim that a disturbed trial is left out of, or whose figure he keeps from being read (bearing.py);
or he keeps the second trial of a block from starting where the first went badly. That he does so
shows in no figure; how far it can have carried him does, since every attempt stays in the journal.

- Where no more than FEW of the trials that a claim could rest on were measured again or left out,
  nothing is done: a machine on which one trial in 74 is disturbed is no suspect.
- Above that, a verdict must hold without them, too: of each trial that was measured again the worst
  attempt is put in place of the last one, for either end of the interval, at the end of what others
  can have taken from it (foreign/widening.py). A block that was left out is put back, each of its
  trials at the worst of all its attempts, or at the mean of the others where none is worse, as one
  that never began is; an attempt whose figure was not read might have had any. The interval is
  moved by the mean of that, and not widened by its spread: an attempt that was slowed down to a
  half would else spoil what measuring again has mended.
- Above MANY, nothing is decided.

Of a crossover and of a rate that is sustained, whose axis all of their points have a part in, the
shares are those of each point which decides, as if it was claimed by itself: the figures of a point
with more than FEW are moved so, to either end, and the claim is judged once more.
docs/statistics.md says what that leaves to who chooses, and what it takes from who does not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from fibench.experiment import cells_of
from fibench.metrics import in_group, metric_of
from fibench.record import LatencyBounds
from fibench.verdict.attempts.bearing import blocks_begun
from fibench.verdict.attempts.made_again import kinds_counted
from fibench.verdict.foreign.widening import Gain, is_widened, log_gain, of_sides
from fibench.verdict.sample import Index, Sample, log_of

if TYPE_CHECKING:
    from fibench.experiment import Cell, Claim
    from fibench.verdict.estimate import Estimate

FEW = 0.05
"""Up to this share of the trials that a claim rests on, which of them were measured again is no
matter."""
MANY = 0.25
"""Above this share nothing is decided."""
_MISSING = frozenset(("unread", "unstarted", "beside"))
"""Why a trial has no figure, or none that its block can be compared by."""
_FAR = 30.0
"""A figure on an axis is moved by no more than this, a logarithm: far beyond all others."""
_ANY_FIGURE = 700.0
"""Moved up by more than this, a logarithm, the end of an interval is none."""


def why_chosen(  # noqa: PLR0913 - what was found, of what, and what asks again
    claim: Claim,
    estimate: Estimate | None,
    every: Index,
    rests_on: Index,
    decisive: Sequence[Cell],
    holds: Callable[[float, float], bool],
    stands: Callable[[Index], bool],
) -> str | None:
    """Why a claim cannot be decided by this estimate; None: it can.

    The share is of `every` trial of whole blocks, valid or not begun; the estimate is of those that
    the claim `rests_on`, without what was left out of it. The figures of the `decisive` cells
    decide it. `holds` tells whether an interval says the same; of what has points along an axis
    `stands` does whether other figures do.
    """
    metric = in_group(claim.group, claim.metric)
    shares = [_share(cells, every, rests_on, metric) for cells in _points(claim, decisive)]
    share = max(shares, key=lambda one: one.part)
    is_on_axis = claim.kind in ("crossover", "sustains")
    if share.part > MANY:
        return f"{share.says(named=is_on_axis)}, more than a quarter"
    if share.part <= FEW or estimate is None or estimate.low is None:
        return None
    assert estimate.high is not None
    if is_on_axis:
        gains = _gains(every, rests_on, [one for one in shares if one.part > FEW], metric)
        is_clear = all(
            stands(_shifted(rests_on, _shifts(claim, gains, sign), metric)) for sign in (1.0, -1.0)
        )
    else:
        sides = _sides(every, rests_on, [cell.key for cell in share.cells], metric)
        moved = sides[0] if len(sides) == 1 else of_sides(*sides)
        low, high = estimate.low * math.exp(-moved.down), _raised(estimate.high, moved.up)
        is_clear = holds(low, high)
    if is_clear:
        return None
    of_these = "what they may have been" if share.is_missing else "their other attempts"
    return f"{share.says(named=is_on_axis)}, and by {of_these} it is not decided"


def _points(claim: Claim, decisive: Sequence[Cell]) -> Sequence[Sequence[Cell]]:
    """The cells that decide together: those of a value or a ratio, or of one point of an axis."""
    if claim.kind == "sustains":
        return [(cell,) for cell in decisive]
    if claim.kind == "crossover":
        keys = {cell.key for cell in decisive}
        return [(point.left, point.right) for point in claim.points if point.left.key in keys]
    return [cells_of(claim)]


@dataclass(frozen=True)
class _Share:
    """Which of the trials of some cells, in whole blocks, were measured again or left out."""

    cells: Sequence[Cell]
    trials: int
    again: Sequence[Sample]
    kinds: Counter[str]
    """Of what disturbed these first."""

    @property
    def part(self) -> float:
        return len(self.again) / max(1, self.trials)

    @property
    def is_missing(self) -> bool:
        """Whether it is for want of figures alone that they count among these."""
        return self.kinds.keys() <= _MISSING

    def says(self, *, named: bool = False) -> str:
        """In words, with the kinds first; the cells are `named` or not."""
        of = " of " + " and ".join(cell.label for cell in self.cells) if named else ""
        trials = f"{len(self.again)} of {self.trials} trials{of}"
        if self.is_missing:
            return f"{trials} count for nothing ({kinds_counted(self.kinds)})"
        or_left_out = "" if all(one.superseded for one in self.again) else " or left out"
        were = f"were measured again{or_left_out} ({kinds_counted(self.kinds)})"
        return f"the machine was not quiet: {trials} {were}"


def _share(cells: Sequence[Cell], every: Index, rests_on: Index, metric: str) -> _Share:
    keys = [cell.key for cell in cells]
    whole = blocks_begun(every, keys)
    again = [
        trial
        for key in keys
        for block, trial in _trials(every, key).items()
        if block in whole and (trial.superseded or block not in rests_on.valid(key))
    ]
    kinds = Counter(_kind(trial, metric) for trial in again)
    return _Share(cells, len(keys) * len(whole), again, kinds)


def _trials(samples: Index, key: str) -> dict[int, Sample]:
    """By block, those of a cell that are valid, or could not start."""
    unstarted = {one.block: one for one in samples.all(key) if one.unstarted}
    return unstarted | dict(samples.valid(key))


def _kind(trial: Sample, metric: str) -> str:
    """The kind of what first disturbed a trial that was measured again or left out, or of what else
    keeps it from counting."""
    first = trial.superseded[0] if trial.superseded else trial
    if first.disturbed is not None:
        return first.disturbed.kind
    if first.not_full is not None:
        return "generator"
    if first.crowded is not None:
        return "foreign"
    if first.unstarted:
        return "unstarted"
    return "unread" if _ends(first, metric) == _ANY else "beside"


def _raised(high: float, up: float) -> float:
    return math.inf if up > _ANY_FIGURE else high * math.exp(up)


def _gains(
    every: Index, rests_on: Index, shares: Sequence[_Share], metric: str
) -> Mapping[str, Gain]:
    """How far the figures of each cell of some points might be from what they are."""
    found: dict[str, Gain] = {}
    for share in shares:
        keys = [cell.key for cell in share.cells]
        found.update(zip(keys, _sides(every, rests_on, keys, metric), strict=True))
    return found


def _shifts(claim: Claim, gains: Mapping[str, Gain], sign: float) -> Mapping[str, float]:
    """How far to move the logarithms of each cell: the left side's up and the right side's down, or
    the other way round if the `sign` is negative."""
    right = {point.right.key for point in claim.points}
    right |= {step.cell.key for row in claim.rows[1:] for step in row}
    found = {}
    for key, gain in gains.items():
        is_up = (sign > 0.0) != (key in right)
        found[key] = min(gain.up, _FAR) if is_up else -min(gain.down, _FAR)
    return found


def _shifted(samples: Index, shifts: Mapping[str, float], metric: str) -> Index:
    """The samples with the figures of some cells moved."""
    return samples.mapped(
        lambda one: (
            _times(one, math.exp(shifts[one.cell_key]), metric) if one.cell_key in shifts else one
        )
    )


def _times(one: Sample, times: float, metric: str) -> Sample:
    """A trial with a figure that is so many times what it is, or the bounds of it."""
    figure, bound = one.metrics.get(metric), one.bounds.get(metric)
    if figure is not None:
        return replace(one, metrics={**one.metrics, metric: figure * times})
    if bound is None:
        return one
    most = None if bound.at_most is None else bound.at_most * times
    moved = LatencyBounds(bound.at_least * times, most)
    return replace(one, bounds={**one.bounds, metric: moved})


def _sides(every: Index, rests_on: Index, keys: Sequence[str], metric: str) -> Sequence[Gain]:
    """How far the figures of these cells, which are compared, might be from what they are, had the
    trials that were measured again or left out been as bad for either end as their worst attempts.
    """
    known = [_known(rests_on, key, metric) for key in keys]
    kept = set.intersection(*map(set, known))
    if not kept:
        return [Gain()] * len(keys)
    begun = blocks_begun(every, keys)
    lost = [block for block in begun if any(block not in rests_on.valid(key) for key in keys)]
    sides = []
    for key, own in zip(keys, known, strict=True):
        trials, widened = _trials(every, key), is_widened(every, key, metric)
        middle = _mean([own[block] for block in kept])
        reaches = [
            _reach(own[block], trials[block].superseded, metric, widened=widened) for block in kept
        ]
        reaches += [
            _reach(middle, _attempts(trials[block]), metric, widened=widened) for block in lost
        ]
        up = math.fsum(each.up for each in reaches) / len(reaches)
        sides.append(Gain(up, math.fsum(each.down for each in reaches) / len(reaches)))
    return sides


def _attempts(trial: Sample) -> Sequence[Sample]:
    """Those at a trial of a block that was left out; one that never began had no figure."""
    return trial.superseded if trial.unstarted else (*trial.superseded, trial)


class _Ends(NamedTuple):
    """The logarithms between which a figure lies, both the same where it is known."""

    low: float
    high: float


_ANY = _Ends(-math.inf, math.inf)


def _ends(trial: Sample, metric: str) -> _Ends:
    log, bound = trial.log(metric), trial.bounds.get(metric)
    if log is not None:
        return _Ends(log, log)
    if bound is None:
        return _ANY
    least, most = log_of(bound.at_least), log_of(bound.at_most)
    return _Ends(-math.inf if least is None else least, math.inf if most is None else most)


def _known(samples: Index, key: str, metric: str) -> Mapping[int, _Ends]:
    """Those of a cell by block, where anything is known."""
    found = {block: _ends(trial, metric) for block, trial in samples.valid(key).items()}
    return {block: ends for block, ends in found.items() if ends != _ANY}


def _mean(ends: Collection[_Ends]) -> _Ends:
    low, high = (math.fsum(each) / len(ends) for each in zip(*ends, strict=True))
    return _Ends(low, high)


def _reach(last: _Ends, before: Sequence[Sample], metric: str, *, widened: bool) -> Gain:
    """How far above and below the logarithm of the last attempt those before it can have been."""
    rises = metric_of(metric).rises_alone
    up = down = 0.0
    for attempt in before:
        ends = _ends(attempt, metric)
        gain = log_gain(attempt) if widened else None
        taken = 0.0 if gain is None else max(0.0, min(gain))
        up = max(up, _above(ends.high + (taken if rises else 0.0), last.high))
        down = max(down, _above(last.low, ends.low - (0.0 if rises else taken)))
    return Gain(up, down)


def _above(one: float, other: float) -> float:
    """By how much; of what has no end on either side nothing is known to be above the other."""
    return 0.0 if one == other else one - other
