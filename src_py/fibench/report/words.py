# SPDX-License-Identifier: BSD-3-Clause
"""Verdicts in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from fibench import called
from fibench.metrics import METRICS, Scale, number, quantity, scale_for
from fibench.parameters.blocks import MOST_LOOKED_AT
from fibench.report.claims.causes import cause_words
from fibench.report.claims.names import label_axes, side_names
from fibench.report.claims.sustained import Names, sustained_figures, sustained_hint
from fibench.report.claims.why import about, meaning_lines
from fibench.report.numbers import (
    RATIO,
    axis_scale,
    bound_quantity,
    bounds_with_interval,
    effect,
    percent,
    with_interval,
)
from fibench.report.output import glued
from fibench.verdict import CONFIDENCE, Crossover, Estimate, TwinCheck
from fibench.verdict.crossover import Wins
from fibench.verdict.foreign.telling import widened_for
from fibench.verdict.looks import Looks
from fibench.verdict.twin import ALPHA
from fibench.verdict.verdict import Verdict
from fibench.wording import counted, prose, shown

if TYPE_CHECKING:
    from fibench.experiment import Cell, Claim
    from fibench.verdict import Review


NOT_DECIDED = "not decided"
"""Said of a claim that had no verdict yet when its run was interrupted."""
_UNBOUNDED = "an axis that reaches further, or more blocks, would show where"


class VerdictWords(NamedTuple):
    """What is said of a verdict."""

    figures: str
    """What was found, beside what was needed; empty where there is no figure."""
    told: Sequence[str]
    """Why it is not clear, what it means, and what would settle it: each a clause."""
    because: str
    """The explanation that the file gives, if it does."""
    cause: str
    """Whether the cause was seen that the file states, if it does."""


def verdict_words(verdict: Verdict) -> VerdictWords:
    """The same that stands under a claim on the terminal, in parts."""
    figures, told = _figures(verdict), []
    found = verdict.estimate
    if verdict.reason is not None:
        told.append(shown(verdict.reason))
    elif found is not None and (widened := widened_for(found.widened, found.widening)):
        told.append(shown(widened))
    if verdict.foreign_unknown is not None:
        told.append(verdict.foreign_unknown)
    told += meaning_lines(verdict)
    told += filter(None, [_hint(verdict)])
    because = prose(verdict.claim.because) if verdict.claim.because else ""
    if because and verdict.outcome != "CONFIRMED":
        because = f"Expected because: {because}"
    figures += decided_words(verdict) if figures else ""
    return VerdictWords(figures, told, because, cause_words(verdict))


def verdict_lines(verdict: Verdict) -> list[str]:
    """What stands under a claim: the figures, what they could not show, the explanation, and
    whether that was seen."""
    said = verdict_words(verdict)
    return list(filter(None, [said.figures, *said.told, said.because, said.cause]))


def claim_needs(claim: Claim) -> str:
    """What a claim needs to hold: `throughput py-mp ÷ py-mt at n=27: > 1.3`."""
    metric = claim.metric + (f" of {shown(claim.group)}" if claim.group is not None else "")
    if claim.kind == "crossover" and claim.over is not None:
        left, right, shared = _crossover_names(claim)
        begins = f"{left} begins to beat {right} in {metric}{f' at {shared}' if shared else ''}"
        scale = axis_scale(claim.over, claim.points[-1].at)
        return f"{begins} at {shown(claim.over)} {needed_in(claim, scale)}"
    if claim.kind == "sustains" and claim.limit is not None:
        names, limit = _row_names(claim), bound_quantity(claim.limit, scale_for(claim.limit, "s"))
        held = f"{metric} < {limit}{names.at}"
        if claim.right is None:
            needed = needed_in(claim, scale_for(1.0, "1/s")).replace(">", "≥")
            return f"{names.left} holds {held} up to {needed}"
        return f"rate with {held}, {names.left} ÷ {names.right}: {needed_in(claim, RATIO)}"
    left, right, shared = side_names(claim.left, claim.right)
    sides = f"{left} ÷ {right}" if right else left
    every = " in every block" if METRICS[claim.metric].is_count else ""
    return f"{metric} {sides}{f' at {shared}' if shared else ''}: {needed_in(claim, RATIO)}{every}"


def to_judge(claims: Iterable[Claim]) -> list[dict[str, str]]:
    """What is to be judged, as `plan` tells it."""
    return [{"id": one.id, "says": one.says, "judged": claim_needs(one)} for one in claims]


def decided_words(verdict: Verdict) -> str:
    """After which block a claim was decided, where that was not fixed beforehand; and by how many
    of them, where it does not rest on all."""
    if verdict.decided is None:
        return ""
    found = verdict.estimate
    if found is not None and found.slices:
        return f"; {glued(f'by {found.slices} slices')} of one untimed trial"
    lacks = verdict.blocks < verdict.decided
    after = counted(verdict.decided, "block")
    if verdict.looks is None:
        return f"; {glued(f'by {verdict.blocks} of {after}')}" if lacks else ""
    return f"; {glued(f'decided after {after}')}" + (f", by {verdict.blocks}" if lacks else "")


def tally(verdicts: Sequence[Verdict], undecided: Sequence[Claim] = ()) -> str:
    """`3 of 5 claims confirmed, 4 testable here`, or `2 not decided`."""
    confirmed = sum(verdict.outcome == "CONFIRMED" for verdict in verdicts)
    testable = sum(verdict.outcome != "NOT HERE" for verdict in verdicts)
    every = counted(len(verdicts) + len(undecided), "claim")
    rest = f"{len(undecided)} not decided" if undecided else f"{testable} testable here"
    return f"{confirmed} of {every} confirmed, {rest}"


def interval_words(verdicts: Sequence[Verdict]) -> str:
    """For what the intervals beside claims hold."""
    share = percent(CONFIDENCE)
    said = f"the intervals beside claims hold for all claims of the file at once, at {share}"
    if any(verdict.looks is not None for verdict in verdicts):
        said += (
            ", and at every block after which the run was looked at: they are repeated intervals, "
            "wider than those of one look"
        )
    return said


def _figures(verdict: Verdict) -> str:
    claim = verdict.claim
    left, right, shared = side_names(claim.left, claim.right)
    at = f" at {shared}" if shared else ""
    if claim.group is not None:
        at = f" of {shown(claim.group)}{at}"
    if verdict.count is not None:
        return _count_figures(verdict, left, right, at)
    if verdict.crossover is not None:
        return _crossover_figures(verdict, verdict.crossover)
    if verdict.sustained:
        needed = needed_in(claim, RATIO if claim.right else scale_for(1.0, "1/s"))
        if claim.right is None:  # a rate that was measured and is held is sustained
            needed = needed.replace(">", "≥")
        return sustained_figures(verdict, _row_names(claim), glued(f"needed {needed}"))
    if verdict.estimate is not None and verdict.estimate.is_bound:
        return _bounds_figures(verdict, verdict.estimate, at)
    if verdict.estimate is None or verdict.estimate.mean is None:
        return ""
    unit = METRICS[claim.metric].unit
    scale = scale_for(verdict.estimate.mean, unit) if claim.right is None else RATIO
    sides = left
    if claim.right is not None and verdict.left is not None and verdict.right is not None:
        one, other = quantity(verdict.left, unit), quantity(verdict.right, unit)
        sides = f"{glued(f'{left} {one}')}, {glued(f'{right} {other}')}"
    sign = "" if claim.right is None else "×"
    estimate = glued(_estimate(verdict.estimate, claim, scale, sign))
    return f"{claim.metric} {sides}{at}: {estimate}, {glued(f'needed {needed_in(claim, scale)}')}"


def _row_names(claim: Claim) -> Names:
    """The names of the sides, without the rates by which their cells differ."""

    def without_rate(cell: Cell) -> Cell:
        axes = [axis for axis in label_axes(cell) if not axis.startswith(f"{claim.over}=")]
        return replace(cell, label=" ".join([cell.backend, *axes]))

    right = None if claim.right is None else without_rate(claim.right)
    left, other, shared = side_names(without_rate(claim.left), right)
    return Names(left, other, f" at {shared}" if shared else "")


def _bounds_figures(verdict: Verdict, estimate: Estimate, at: str) -> str:
    """`p50 c-mp-pool at rate=200: > 812 ms [744, ∞], needed > 200 ms`."""
    claim = verdict.claim
    left, right, _ = side_names(claim.left, claim.right)
    unit = METRICS[claim.metric].unit if claim.right is None else None
    known = bounds_with_interval(estimate, "" if unit else "×", unit)
    sides = left if claim.right is None else f"{left}, {right}"
    needed = glued(f"needed {needed_in(claim, RATIO)}")
    return f"{claim.metric} {sides}{at}: {glued(known)}, {needed}"


def _estimate(estimate: Estimate, claim: Claim, scale: Scale, sign: str) -> str:
    bounds = [bound for bound in (claim.low, claim.high) if bound is not None]
    return with_interval(estimate, scale, sign, bounds)


def _bound_quantity(claim: Claim, bound: float, scale: Scale) -> str:
    """A bound of a value in the unit that suits it: `5 ms`, where the figure is in µs."""
    own = scale_for(bound, METRICS[claim.metric].unit) if claim.kind == "value" else scale
    return bound_quantity(bound, own)


def needed_in(claim: Claim, scale: Scale) -> str:
    """What a claim asks for: `> 1.3`, `0.9 to 1.1`; of values in units that suit the bounds."""
    if claim.low is not None and claim.high is not None:
        low, high = (
            _bound_quantity(claim, claim.low, scale),
            _bound_quantity(claim, claim.high, scale),
        )
        return f"{low} to {high}"
    if claim.low is not None:
        return f"> {_bound_quantity(claim, claim.low, scale)}"
    assert claim.high is not None, "a claim has a bound"
    return f"< {_bound_quantity(claim, claim.high, scale)}"


def _count_figures(verdict: Verdict, left: str, right: str, at: str) -> str:
    counts, claim = verdict.count, verdict.claim
    if counts is None or counts.blocks == 0:
        return ""
    needed = f"needed {needed_in(claim, RATIO)}{f' × that of {right}' if right else ''}"
    span = f"{counts.least} to {counts.most}" if counts.least != counts.most else f"{counts.most}"
    figures = f"{span} in each block, {counts.total} in all"
    return f"{claim.metric} {left}{at}: {figures}, {needed} in every block"


def _crossover_figures(verdict: Verdict, found: Crossover) -> str:
    """`py-mp begins to beat py-sync at n = 21.3 [20.9, 21.7], needed > 15`, or why it does not."""
    claim, estimate = verdict.claim, found.estimate
    left, right, shared = _crossover_names(claim)
    metric = "" if claim.metric == "throughput" else f" in {claim.metric}"
    metric += f" of {shown(claim.group)}" if claim.group is not None else ""
    at = f" at {shared}" if shared else ""
    axis = shown(found.over)
    said = []
    if estimate.mean is not None:
        scale = axis_scale(found.over, estimate.mean)
        place = _estimate(estimate, claim, scale, sign="")
        said.append(
            f"{left} begins to beat {right}{metric}{at} at {glued(f'{axis} = {place}')}, "
            f"{glued(f'needed {needed_in(claim, scale)}')}"
        )
    said += [words for wins in ("everywhere", "nowhere") if (words := _censored(found, wins, left))]
    if found.incomplete:
        said.append(f"{len(found.blocks)} blocks have every point, {found.incomplete} do not")
    if estimate.mean is None and estimate.absent is None:
        scale = axis_scale(found.over, found.points[-1])
        ends = "; ".join(said) or f"{left} is not seen to begin to beat {right}{metric}{at}"
        return f"{ends}; {glued(f'needed {axis} {needed_in(claim, scale)}')}"
    return "; ".join(said)


def _crossover_names(claim: Claim) -> tuple[str, str, str]:
    """As `side_names`, without the axis of the crossover."""
    left, right, shared = side_names(claim.left, claim.right)
    words = [word for word in shared.split() if not word.startswith(f"{claim.over}=")]
    return left, right, " ".join(words)


def _censored(found: Crossover, wins: Wins, left: str) -> str:
    """`py-mp wins at no n up to 30 in 2 of 5 blocks`."""
    count, blocks = found.won(wins), len(found.blocks)
    if count == 0:
        return ""
    if wins == "nowhere":
        last = bound_quantity(found.points[-1], axis_scale(found.over, found.points[-1]))
        words = f"{left} wins at no {shown(found.over)} up to {last}"
    else:
        first = bound_quantity(found.points[0], axis_scale(found.over, found.points[0]))
        words = f"{left} wins at every {shown(found.over)} from {first} on"
    return f"{words} in {count} of {blocks} blocks"


def _hint(verdict: Verdict) -> str:
    """What such a run shows, and what it would take: for verdicts that are not a win."""
    if verdict.outcome not in ("INCONCLUSIVE", "REFUTED", "INVALID"):
        return ""
    if verdict.estimate is not None and verdict.estimate.absent is not None:
        if verdict.estimate.bounded:
            return ""
        few = METRICS[verdict.claim.metric].least_requests > 0 and verdict.outcome != "INVALID"
        return "more --duration or --requests would do" if few else ""
    if verdict.crossover is not None and verdict.crossover.half is None:
        return "" if verdict.crossover.falls else _UNBOUNDED
    rates = sustained_hint(verdict, _row_names(verdict.claim)) if verdict.sustained else ""
    if rates or verdict.detectable is None:
        return rates
    if verdict.outcome == "REFUTED" and verdict.looks is not None:
        return ""  # it ended as soon as it could
    shown_by_most = (
        f"four of five such runs show a difference of {_effect(verdict, verdict.detectable)}"
    )
    told = "" if verdict.outcome == "INVALID" else _what_it_takes(verdict)
    return f"{shown_by_most}; {told}" if told else shown_by_most


def _what_it_takes(verdict: Verdict) -> str:
    """How many blocks show what lies between a figure and its bound; empty where none is asked."""
    needed, blocks = verdict.needed, verdict.blocks_needed
    if needed is None:
        return ""
    if verdict.outcome == "REFUTED":
        far = f"{_effect(verdict, needed)}, as far as the bound is"
        return "" if blocks is None else f"{blocks} blocks would have been enough for {far}"
    if blocks is None:
        too_near = "the figure is too near the bound for any sensible number of blocks"
        return _of_others(verdict, needed) or too_near
    more = _more_blocks(verdict.looks, blocks)
    return f"{more} would show {_effect(verdict, needed)}{about(verdict.needed_s)}"


def _of_others(verdict: Verdict, needed: float) -> str:
    """`the bound is 0.6 % away, and 1.7 % is what others may have taken`; empty where that is not
    more than it."""
    taken = 0.0 if verdict.estimate is None else verdict.estimate.widening
    if verdict.crossover is not None or verdict.sustained or taken < math.log1p(needed):
        return ""
    away = f"the bound is {effect(needed)} away"
    return f"{away}, and {effect(math.expm1(taken))} is what others may have taken"


def _more_blocks(looks: Looks | None, blocks: int) -> str:
    """What would show what this run did not: so many blocks at most, where it had its own."""
    if looks is None or blocks > MOST_LOOKED_AT:
        return f"with --blocks {blocks} they"
    if blocks <= looks.most:
        return "the same run anew"
    return f"with --blocks {looks.least}..{blocks} they"


def _effect(verdict: Verdict, size: float) -> str:
    """An effect; of a crossover on a linear axis, a distance on it: `0.4 of n`."""
    found = verdict.crossover
    if found is None or found.scale == "log":
        return effect(size)
    return f"{number(size, 2)} of {shown(found.over)}"


def twin_line(twin: TwinCheck) -> str:
    """What comparing a cell with itself came to, in one line."""
    label, share = shown(twin.label), percent(1.0 - ALPHA)
    ratio = glued(with_interval(twin.estimate, RATIO, "×", [1.0]))
    if not twin.differs:
        told = "measured twice in each block is itself"
        return f"A/A: {label} {told}: {twin.metric} {ratio} ({share})"
    return (
        f"A/A: {label} measured twice in each block differs from itself: {twin.metric} {ratio} "
        f"({share}). Something else than the servers decides here: do not trust differences of "
        f"that size; `{called.command('doctor')}` says what may disturb"
    )


def notes_of(review: Review) -> list[str]:
    """What a reader of a run's figures must know, one line each: first how its twin did."""
    twin = review.findings.twin
    return [*([prose(twin_line(twin))] if twin else []), *review.notes]
