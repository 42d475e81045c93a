# SPDX-License-Identifier: BSD-3-Clause
"""Whether a claim stands by which of its trials were measured again. Pure.

Who burns CPU in each trial whose outcome is unwelcome has it measured again, by the very rule that
is to keep noise out, and may choose among up to three outcomes of a trial. That he does so shows in
no figure; how far it can have carried him does, since every attempt stays in the journal.

- Where no more than FEW of the trials that a claim rests on were measured again, nothing is done: a
  machine on which one trial in 74 is disturbed is no suspect.
- Above that, a verdict must hold without them, too: of each trial that was measured again the worst
  attempt is put in place of the last one, for either end of the interval, at the end of what others
  can have taken from it (foreign/widening.py). The interval is moved by the mean of that, and not
  widened by its spread: an attempt that was slowed down to a half would else spoil what measuring
  again has mended.
- Above MANY, nothing is decided.

Of a crossover and of a rate that is sustained, whose axis all of their points have a part in, MANY
alone is held against the share.
docs/statistics.md says what that leaves to who chooses, and what it takes from who does not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fibench.experiment import cells_of
from fibench.metrics import in_group, metric_of
from fibench.verdict.attempts.made_again import kinds_counted
from fibench.verdict.foreign.widening import Gain, is_widened, log_gain, of_sides
from fibench.verdict.sample import Index, Sample, log_of

if TYPE_CHECKING:
    from fibench.experiment import Claim
    from fibench.verdict.estimate import Estimate

FEW = 0.05
"""Up to this share of the trials that a claim rests on, which of them were measured again is no
matter."""
MANY = 0.25
"""Above this share nothing is decided."""
_NO_LIMIT = Gain(math.inf, math.inf)


def why_chosen(
    claim: Claim,
    estimate: Estimate | None,
    every: Index,
    rests_on: Index,
    holds: Callable[[float, float], bool],
) -> str | None:
    """Why a claim cannot be decided by this estimate; None: it can.

    The share is of `every` valid trial of whole blocks; the estimate is of those that the claim
    `rests_on`, without what was left out of it. `holds` tells whether an interval says the same.
    """
    keys = list(dict.fromkeys(cell.key for cell in cells_of(claim)))
    whole = set.intersection(*(set(every.valid(key)) for key in keys))
    trials = [every.valid(key)[block] for key in keys for block in whole]
    again = [trial for trial in trials if trial.superseded]
    if len(again) <= FEW * len(trials):
        return None
    kinds = Counter(
        one.superseded[0].disturbed.kind for one in again if one.superseded[0].disturbed
    )
    share = f"{len(again)} of {len(trials)} trials were measured again ({kinds_counted(kinds)})"
    if len(again) > MANY * len(trials):
        return f"the machine was not quiet: {share}, more than a quarter"
    if claim.kind in ("crossover", "sustains") or estimate is None or estimate.low is None:
        return None
    assert estimate.high is not None
    metric = in_group(claim.group, claim.metric)
    moved = _moved(rests_on, keys, metric)
    low, high = estimate.low * math.exp(-moved.down), _raised(estimate.high, moved.up)
    if holds(low, high):
        return None
    return f"the machine was not quiet: {share}, and by their other attempts it is not decided"


def _raised(high: float, up: float) -> float:
    return math.inf if math.isinf(up) else high * math.exp(up)


def _moved(samples: Index, keys: Sequence[str], metric: str) -> Gain:
    """How far the figure of a value or a ratio of these cells might be from what it is, had the
    trials that were measured again been as bad for either end as their worst attempts."""
    logs = [samples.logs(key, metric) for key in keys]
    blocks = [block for block in logs[0] if all(block in own for own in logs)]
    if not blocks:
        return Gain()
    sides = []
    for key, own in zip(keys, logs, strict=True):
        widened = is_widened(samples, key, metric)
        reaches = [
            _reach(own[block], samples.valid(key)[block].superseded, metric, widened=widened)
            for block in blocks
        ]
        up = math.fsum(each.up for each in reaches) / len(blocks)
        sides.append(Gain(up, math.fsum(each.down for each in reaches) / len(blocks)))
    return sides[0] if len(sides) == 1 else of_sides(*sides)


def _reach(last: float, before: Sequence[Sample], metric: str, *, widened: bool) -> Gain:
    """How far above and below the logarithm of the last attempt those before it can have been."""
    up = down = 0.0
    for attempt in before:
        log = log_of(attempt.metrics.get(metric))
        gain = log_gain(attempt) if widened else None
        taken = 0.0 if gain is None else max(0.0, min(gain))
        if log is None:
            return _NO_LIMIT
        rises = metric_of(metric).more_is_better or metric_of(metric).name == "cores"
        up = max(up, log + (taken if rises else 0.0) - last)
        down = max(down, last - log + (0.0 if rises else taken))
    return Gain(up, down)
