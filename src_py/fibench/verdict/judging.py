# SPDX-License-Identifier: BSD-3-Clause
"""From samples and claims to verdicts: pure, no input or output.

The interval that is printed is the one that decides. It is simultaneous over all claims of the file
(Bonferroni: alpha is 0.05 divided by their number), so that a file of ten claims is not ten chances
to be lucky.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from fibench.experiment import Absent, cells_of
from fibench.experiment.absent import NOTHING
from fibench.metrics import METRICS, cores_text, exact, in_group
from fibench.parameters import FEWEST_BLOCKS
from fibench.verdict import estimate as estimates
from fibench.verdict._meter import why_invalid
from fibench.verdict.attempts.bearing import left_out_of, why_failed
from fibench.verdict.attempts.chosen import why_chosen
from fibench.verdict.attempts.counting import counted_by_block
from fibench.verdict.bounds import EITHER_SIDE
from fibench.verdict.crossover import Sides, find_crossover
from fibench.verdict.estimate import CONFIDENCE, Estimate, Sample
from fibench.verdict.foreign.telling import unquiet
from fibench.verdict.foreign.unknown import unknown_beside
from fibench.verdict.looks import FEWEST, Looks, blocks_needed, seen_from
from fibench.verdict.sample import Index, index
from fibench.verdict.sustaining.ruling import (
    decisive_cells,
    equivalent_sd,
    estimate_of,
    holds,
    sustained_sides,
    why_unclear,
)
from fibench.verdict.verdict import CLAIMS_SCHEMA, Outcome, Verdict, claims_json
from fibench.verdict.watched.batches import of_slices

if TYPE_CHECKING:
    from fibench.experiment import Cell, Claim

__all__ = ["CLAIMS_SCHEMA", "Outcome", "Verdict", "claims_json", "judge"]


def judge(  # noqa: PLR0913 - who judges, and on what
    claims: Sequence[Claim],
    samples: Iterable[Sample] | Index,
    cpus: int | None,
    *,
    complete: bool = True,
    total_claims: int | None = None,
    absent: Absent = NOTHING,
    looks: Looks | None = None,
) -> tuple[Verdict, ...]:
    """Judge every claim, in order.

    `cpus` is how many the run's machine has for it, None where that is not known; `total_claims` is
    how many the file has, if some of them were left out of this run; `absent` is what cannot be run
    here. A run that is not `complete` has no verdicts: stopping when the figures please would
    choose the outcome. Of a run that may stop, `looks` says when; its intervals bear with that, and
    deciding/decide.py is who asks at each look.
    """
    if not complete:
        return ()
    samples = index(samples)
    alpha = (1.0 - CONFIDENCE) / max(1, total_claims or 0, len(claims))
    return tuple(_judge_one(claim, samples, cpus, alpha, absent, looks) for claim in claims)


def _judge_one(
    claim: Claim,
    samples: Index,
    cpus: int | None,
    alpha: float,
    absent: Absent,
    looks: Looks | None,
) -> Verdict:
    verdict = Verdict(claim, "INCONCLUSIVE", alpha, looks=looks)
    obstacle = absent.obstacle(claim) or _too_few_cpus(claim, cpus)
    if obstacle is not None:
        return replace(verdict, outcome="NOT HERE", reason=obstacle)
    is_count = claim.kind in ("ratio", "value") and METRICS[claim.metric].is_count
    if is_count:
        verdict = _judge_count(verdict, samples, looks)
        if verdict.outcome == "REFUTED":  # a miss stays one, whatever became of other trials
            return verdict
    obstacle = _never_valid(claim, samples) or why_failed(claim, samples)
    if obstacle is not None:
        return replace(verdict, outcome="INVALID", reason=obstacle)
    if is_count:
        return verdict
    if of_slices(_metric(claim)):  # of one trial, which no other one replaces
        return _judge_figures(verdict, samples, looks)
    spoilt = left_out_of(claim, samples, FEWEST_BLOCKS if looks is None else looks.fewest)
    if spoilt.not_quiet is not None:
        return replace(verdict, reason=spoilt.not_quiet)
    every = samples
    if spoilt.trials:
        samples = samples.without(lambda one: (one.cell_key, one.block) in spoilt.trials)
    undecided = verdict
    verdict = _judge_figures(undecided, samples, looks)
    verdict = _unless_chosen(verdict, every, samples, undecided)
    labels = {cell.key: cell.label for cell in _decisive_cells(claim, verdict)}
    is_rate = claim.kind == "sustains"
    limit = spoilt.limited or why_invalid(samples, labels, _metric(claim), lag_is_in=is_rate)
    return _concluded(verdict, samples, limit)


def _judge_figures(verdict: Verdict, samples: Index, looks: Looks | None) -> Verdict:
    """By the figures of these samples alone."""
    if verdict.claim.kind == "crossover":
        return _judge_crossover(verdict, samples, looks)
    if verdict.claim.kind == "sustains":
        return _judge_sustains(verdict, samples, looks)
    return _judge_interval(verdict, samples, looks)


def _concluded(verdict: Verdict, samples: Index, limit: str | None) -> Verdict:
    """The verdict, unless the load generator was the limit; with what is not known beside it."""
    if limit is not None:
        return replace(verdict, outcome="INVALID", reason=limit)
    if verdict.outcome not in ("CONFIRMED", "REFUTED"):
        return verdict
    return replace(verdict, foreign_unknown=unknown_beside(verdict.claim, samples))


def _unless_chosen(verdict: Verdict, every: Index, rests_on: Index, undecided: Verdict) -> Verdict:
    """The verdict, if it does not stand by which trials were measured again."""
    claim, outcome = verdict.claim, verdict.outcome
    if verdict.reason is not None:
        return verdict

    def holds(low: float, high: float) -> bool:
        return _place(low, high, claim.low, claim.high) == outcome

    def stands(others: Index) -> bool:
        return _judge_figures(undecided, others, verdict.looks).outcome == outcome

    decisive = _decisive_cells(claim, verdict)
    why = why_chosen(claim, verdict.estimate, every, rests_on, decisive, holds, stands)
    if why is None:
        return verdict
    return replace(
        verdict,
        outcome="INCONCLUSIVE",
        reason=why,
        detectable=None,
        needed=None,
        blocks_needed=None,
    )


def _decisive_cells(claim: Claim, verdict: Verdict) -> Sequence[Cell]:
    """The cells whose figures decide a claim.

    Of a crossover these are the points around its interval and its bounds. Elsewhere one side is
    far ahead; a load generator that is the limit there makes that look less, and never turns it.
    """
    estimate = verdict.estimate
    if verdict.sustained:
        return decisive_cells(claim, verdict.sustained)
    if claim.kind != "crossover" or estimate is None or estimate.mean is None:
        return cells_of(claim)
    known = (estimate.low, estimate.mean, estimate.high, claim.low, claim.high)
    places = [place for place in known if place is not None]
    low, high = min(places), max(places)
    first = max((n for n, point in enumerate(claim.points) if point.at <= low), default=0)
    last = min(
        (n for n, point in enumerate(claim.points) if point.at >= high),
        default=len(claim.points) - 1,
    )
    return [cell for point in claim.points[first : last + 1] for cell in (point.left, point.right)]


def _too_few_cpus(claim: Claim, cpus: int | None) -> str | None:
    if cpus is None:
        unknown = f"needs {cores_text(claim.needs_cpus)}; how many could be used is not known"
        return unknown if claim.needs_cpus > 1 else None
    if claim.needs_cpus > cpus:
        return f"needs {cores_text(claim.needs_cpus)}; {cpus} can be used here"
    return None


def _never_valid(claim: Claim, samples: Index) -> str | None:
    for cell in cells_of(claim):
        if not samples.all(cell.key):
            return f"{cell.label} was not measured"
        if not samples.valid(cell.key):
            why = estimates.most_frequent_reason(samples.all(cell.key))
            return f"no trial of {cell.label} is valid: {why}"
    return None


def _judge_interval(verdict: Verdict, samples: Index, looks: Looks | None) -> Verdict:
    claim = verdict.claim
    metric = _metric(claim)
    left: float | None
    right: float | None = None
    if claim.right is None:
        estimate = estimates.value(samples, claim.left.key, metric, verdict.alpha, looks)
        left = estimate.mean
    else:
        sides = (samples, claim.left.key, claim.right.key, metric)
        estimate = estimates.contrast(*sides, verdict.alpha, looks)
        left, right = estimates.paired_values(*sides) if estimate.blocks else (None, None)
    outcome: Outcome = "INCONCLUSIVE"
    reason = estimate.absent
    if estimate.mean is None and not estimate.is_bound:
        pass
    elif not estimate.is_enough(_fewest(looks)) or estimate.low is None or estimate.high is None:
        reason = too_few_blocks(estimate.blocks, claim, samples, _fewest(looks))
    else:
        outcome = _place(estimate.low, estimate.high, claim.low, claim.high)
        reason = _unquiet(outcome, claim, estimate)
        if reason is None and estimate.is_bound and outcome == "INCONCLUSIVE":
            reason = EITHER_SIDE
    settling = _Settling() if reason is not None else _what_would_settle(claim, estimate)
    return replace(
        verdict,
        outcome=outcome,
        reason=reason,
        estimate=estimate,
        left=left,
        right=right,
        detectable=None if outcome == "INCONCLUSIVE" and reason else estimate.detectable,
        needed=settling.needed,
        blocks_needed=settling.blocks_needed,
    )


def _unquiet(outcome: Outcome, claim: Claim, estimate: Estimate) -> str | None:
    """Why a claim is not decided that would be, had nobody else used the machine."""

    def beyond(low: float, high: float) -> tuple[str, float | None] | None:
        without = _place(low, high, claim.low, claim.high)
        if without == "INCONCLUSIVE":
            return None
        bounds = [bound for bound in (claim.low, claim.high) if bound is not None]
        if claim.kind == "crossover" or min(low, high, *bounds) <= 0.0:
            return without, None
        return without, min(abs(math.log(end / bound)) for end in (low, high) for bound in bounds)

    if outcome != "INCONCLUSIVE":
        return None
    return unquiet(estimate.widened, estimate.widening, beyond)


def _place(low: float, high: float, above: float | None, below: float | None) -> Outcome:
    """Where the interval [low, high] lies: beyond the bounds, on their other side, or across."""
    if above is not None and below is not None:
        if above <= low and high <= below:
            return "CONFIRMED"
        return "REFUTED" if high < above or low > below else "INCONCLUSIVE"
    if above is not None:
        return "CONFIRMED" if low > above else "REFUTED" if high < above else "INCONCLUSIVE"
    assert below is not None, "a claim has a bound"
    return "CONFIRMED" if high < below else "REFUTED" if low > below else "INCONCLUSIVE"


@dataclass(frozen=True)
class _Settling:
    """What would settle a claim; None: it is not known."""

    needed: float | None = None
    """The effect from the estimate to the nearest bound."""
    blocks_needed: int | None = None
    """How many blocks would see it."""
    detectable: float | None = None
    """The smallest effect that this run could have seen."""


def _distance(claim: Claim, estimate: Estimate) -> float | None:
    """From the figure to the nearest bound, a logarithm; None where there is no such thing."""
    bounds = [bound for bound in (claim.low, claim.high) if bound is not None and bound > 0.0]
    if not estimate.mean or not bounds:  # a share may be 0
        return None
    return min(abs(math.log(estimate.mean / bound)) for bound in bounds)


def _what_would_settle(claim: Claim, estimate: Estimate) -> _Settling:
    """How far the estimate is from the nearest bound, and how many blocks would see that far."""
    distance = _distance(claim, estimate)
    if distance is None or estimate.sd_log is None:
        return _Settling()
    left = distance - estimate.widening
    blocks = blocks_needed(left, estimate.sd_log, estimate.alpha, estimate.looks)
    return _Settling(math.expm1(distance), blocks)


def _judge_crossover(verdict: Verdict, samples: Index, looks: Looks | None) -> Verdict:
    claim = verdict.claim
    assert claim.over is not None, "a crossover has an axis"
    if METRICS[claim.metric].is_count:
        reason = f"{claim.metric} may be zero and has no logarithm: it has no crossover"
        return replace(verdict, reason=reason)
    sides = [Sides(point.at, point.left.key, point.right.key) for point in claim.points]
    found = find_crossover(samples, claim.over, sides, _metric(claim), verdict.alpha, looks)
    estimate = found.estimate
    verdict = replace(verdict, crossover=found, estimate=estimate)
    if estimate.absent is not None:
        return replace(verdict, reason=estimate.absent)
    sd, log = found.equivalent_sd(), found.scale == "log"
    verdict = replace(verdict, **asdict(_settling_on_axis(claim, estimate, sd, log=log)))
    blocks = len(found.blocks)
    if blocks < _fewest(looks):
        return replace(verdict, reason=too_few_blocks(blocks, claim, samples, _fewest(looks)))
    if found.falls or estimate.low is None or estimate.high is None:
        first, last = (exact(point) for point in (found.points[0], found.points[-1]))
        reason = f"the advantage does not rise along {claim.over} from {first} to {last}"
        return replace(verdict, reason=reason)
    outcome = _place(estimate.low, estimate.high, claim.low, claim.high)
    # Of a first side that is not seen to win anywhere, it is not known that it ever begins to.
    if outcome == "CONFIRMED" and math.isinf(estimate.high):
        return replace(verdict, reason=f"it is not clear that it wins at any {claim.over} measured")
    why = _unquiet(outcome, claim, estimate)
    if why is not None:
        return replace(verdict, reason=why, detectable=None, needed=None, blocks_needed=None)
    return replace(verdict, outcome=outcome)


def _judge_sustains(verdict: Verdict, samples: Index, looks: Looks | None) -> Verdict:
    claim = verdict.claim
    sides = sustained_sides(claim, samples, verdict.alpha, looks)
    estimate = estimate_of(sides, verdict.alpha)
    verdict = replace(verdict, sustained=sides, estimate=estimate)
    if estimate.absent is not None:
        return replace(verdict, reason=estimate.absent)
    of_a_side = replace(estimate, alpha=sides[0].estimate.alpha)
    settling = _settling_on_axis(claim, of_a_side, equivalent_sd(sides), log=True)
    verdict = replace(verdict, **asdict(settling))
    if estimate.blocks < _fewest(looks):
        few = too_few_blocks(estimate.blocks, claim, samples, _fewest(looks))
        return replace(verdict, reason=few)
    outcomes: dict[bool | None, Outcome] = {True: "CONFIRMED", False: "REFUTED"}
    outcome = outcomes.get(holds(claim, estimate), "INCONCLUSIVE")
    return replace(verdict, outcome=outcome, reason=why_unclear(claim, sides))


def _settling_on_axis(
    claim: Claim, estimate: Estimate, sd: float | None, *, log: bool
) -> _Settling:
    """As `_what_would_settle`, on the scale of an axis, on which blocks vary by `sd`."""
    if sd is None or estimate.mean is None:
        return _Settling()
    alpha, looks = estimate.alpha, estimate.looks
    seen = seen_from(estimate.blocks, sd, alpha, looks)
    bounds = [b for b in (claim.low, claim.high) if b is not None and (b > 0.0 or not log)]
    if not bounds:
        return _Settling(detectable=math.expm1(seen) if log else seen)
    distance = min(
        abs(math.log(estimate.mean / bound)) if log else abs(estimate.mean - bound)
        for bound in bounds
    )
    return _Settling(
        needed=math.expm1(distance) if log else distance,
        blocks_needed=blocks_needed(distance, sd, alpha, looks),
        detectable=math.expm1(seen) if log else seen,
    )


def _judge_count(verdict: Verdict, samples: Index, looks: Looks | None) -> Verdict:
    """A count must meet its bound in every block; as a ratio, block by block without dividing."""
    claim = verdict.claim
    found = counted_by_block(claim, samples)
    counts = estimates.count_range(one.figure for one in found.values())
    verdict = replace(verdict, count=counts)
    if not found and any(samples.valid(cell.key) for cell in cells_of(claim)):
        return replace(verdict, reason=f"{claim.metric} was not measured")
    if len(found) < _fewest(looks):
        return replace(verdict, reason=too_few_blocks(len(found), claim, samples, _fewest(looks)))
    missed = sum(not one.is_met for one in found.values())
    if missed:
        reason = f"missed in {missed} of {len(found)} blocks"
        return replace(verdict, outcome="REFUTED", reason=reason)
    return replace(verdict, outcome="CONFIRMED")


def _fewest(looks: Looks | None) -> int:
    """The fewest complete blocks that a verdict needs."""
    return FEWEST if looks is None else looks.fewest


def too_few_blocks(blocks: int, claim: Claim, samples: Index, fewest: int) -> str:
    """Why a claim that has so many complete blocks has no verdict."""
    keys = dict.fromkeys(cell.key for cell in cells_of(claim))
    why = estimates.most_frequent_reason(trial for key in keys for trial in samples.all(key))
    complete = f"{blocks} complete block{'' if blocks == 1 else 's'}"
    return f"{complete}, a verdict needs {fewest}" + (f" ({why})" if why else "")


def _metric(claim: Claim) -> str:
    """The key under which samples have what is claimed."""
    return in_group(claim.group, claim.metric)
