# SPDX-License-Identifier: BSD-3-Clause
"""What a run says about one claim, and the document in which that is kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fibench.json_values import Json, finite
from fibench.metrics import METRICS
from fibench.verdict.causes.seen import SeenCause, cause_json
from fibench.verdict.estimate import CONFIDENCE, CountRange, Estimate, known_ends
from fibench.verdict.foreign.widening import Widened
from fibench.verdict.looks import Looks

if TYPE_CHECKING:
    from fibench.experiment import Cell, Claim, Row
    from fibench.verdict.crossover import Crossover
    from fibench.verdict.sustaining.sustained import Sustained

CLAIMS_SCHEMA = 2
SUSTAINED = "rate_per_s"
"""What the estimate of a rate that one server sustains is of."""

Outcome = Literal["CONFIRMED", "REFUTED", "INCONCLUSIVE", "NOT HERE", "INVALID"]


_NEAR = 2.0
"""Within so many half widths of a value its bound is near."""


@dataclass(frozen=True)
class FarBlock:
    """A block that is far from the others."""

    block: int
    """From 1."""
    figure: float
    """The claim's figure in it, in base units."""
    trials: tuple[int, ...]
    """Its trials that are far from the others of their cells, by their places in the plan."""
    evidence: tuple[str, ...]
    """What was measured beside these that differs from the others, each as a clause."""


@dataclass(frozen=True)
class FarBlocks:
    """The blocks by which a claim is INCONCLUSIVE (explaining/far.py), and where the others lie."""

    blocks: tuple[FarBlock, ...]
    least: float
    most: float


@dataclass(frozen=True)
class Verdict:
    """What a run says about one claim.

    `estimate` is the figure that decided, if there is one; `left` and `right` are the sides' own
    figures over the same blocks, in base units. For a claim about a count, `count` has the range
    over blocks, and there is no estimate. A crossover has its blocks in `crossover`, and its
    estimate is a place on the axis; `sustains` has its sides in `sustained`, and its estimate is a
    rate, or the ratio of two. `reason` says in one line why there is no clear verdict.

    `detectable` is the smallest relative effect that the run could have seen (0.08: 8 %), in four
    of five such runs. `needed` is the effect that lies between the figure and the bound, and
    `blocks_needed` the number of blocks that would see it, None if no sensible number would. Of a
    crossover on a linear axis both effects are distances on that axis.
    """

    claim: Claim
    outcome: Outcome
    alpha: float
    reason: str | None = None
    estimate: Estimate | None = None
    count: CountRange | None = None
    left: float | None = None
    right: float | None = None
    detectable: float | None = None
    needed: float | None = None
    blocks_needed: int | None = None
    crossover: Crossover | None = None
    sustained: tuple[Sustained, ...] = ()
    decided: int | None = None
    """After how many blocks of the run it was decided; None: it was not, or nobody kept count."""
    far: FarBlocks | None = None
    """Where it is INCONCLUSIVE by a few blocks: those."""
    needed_s: float | None = None
    """About how long `blocks_needed` would take."""
    looks: Looks | None = None
    """When the run was looked at, if it could end before its last block."""
    foreign_unknown: str | None = None
    """Where it was decided without knowing what others used: a clause that says so."""
    causes: tuple[SeenCause, ...] = ()
    """Whether the causes that it states were seen, in order; that changes nothing of the rest."""

    @property
    def blocks(self) -> int:
        """How many complete blocks it rests on."""
        found = self.count or self.estimate
        return 0 if found is None else found.blocks

    @property
    def missed_below(self) -> float | None:
        """Of a count that met its bound in every block: the share of trials that may miss it.

        With a true share of this or more, so many blocks without a miss have a chance of at most
        alpha (exact binomial, one-sided): 1 - alpha^(1/blocks).
        """
        if self.outcome != "CONFIRMED" or self.count is None or self.count.blocks == 0:
            return None
        return -math.expm1(math.log(self.alpha) / self.count.blocks)

    @property
    def near_bound(self) -> bool:
        """Whether the bound of a value lies within one more half width of its interval's ends:
        near enough that the interval, which holds less often than a ratio's, may decide wrongly."""
        claim, found = self.claim, self.shown_estimate
        if claim.kind != "value" or found is None or not found.mean or not found.high:
            return False
        if found.slices:  # of one trial: a ratio would be no surer
            return False
        bounds = [bound for bound in (claim.low, claim.high) if bound is not None and bound > 0.0]
        if not bounds or math.isinf(found.high):
            return False
        distance = min(abs(math.log(found.mean / bound)) for bound in bounds)
        return distance <= _NEAR * math.log(found.high / found.mean)

    @property
    def shown_estimate(self) -> Estimate | None:
        """The estimate, where it says anything: a mean, or an end of its interval."""
        found = self.estimate
        if found is None or (found.mean is None and found.low is None):
            return None
        return found

    @property
    def known_ends(self) -> tuple[float | None, float | None]:
        """The ends of what is shown, None for one that there is not."""
        found = self.shown_estimate
        return (None, None) if found is None else self.ends(found.low, found.high)

    def ends(self, low: float | None, high: float | None) -> tuple[float | None, float | None]:
        """The ends of an interval of its figure, likewise."""
        linear = self.crossover is not None and self.crossover.scale == "linear"
        return known_ends(low, high, linear=linear)

    @property
    def quantity(self) -> str:
        """What the estimate is of: `ratio`, a metric with its unit, or the axis of a crossover."""
        claim = self.claim
        if claim.kind == "crossover":
            return claim.over or ""
        if claim.kind == "sustains" and claim.right is None:
            return SUSTAINED
        return "ratio" if claim.right else METRICS[claim.metric].name_with_unit


def claims_json(verdicts: Sequence[Verdict], *, added_afterwards: bool = False) -> dict[str, Json]:
    """The document kept as claims.json.

    ::

        {"schema": 2,
         "confidence": 0.95,                 simultaneous over the file's claims
         "claims_added_afterwards": false,   they are not those that the run was begun with
         "claims": [{
            "id", "says", "because",         as in the file; because may be null
            "kind": "ratio" | "value" | "crossover" | "sustains", "metric": "throughput",
            "group": text | null,            the client group that it is about
            "needs_cpus": 1, "needs_backend": [name], "needs_interpreter": [text],
            "above", "below": number | null  the bounds; both for `within`
            "outcome": "CONFIRMED" | "REFUTED" | "INCONCLUSIVE" | "NOT HERE" | "INVALID",
            "decided": number | null,        after how many blocks; null: it was not
            "reason": text | null,
            "foreign_unknown": text | null,  decided without knowing what others used
            "left":  {"cell": key, "label": text, "throughput_per_s": number | null},
            "right": the same | null,        null for a value
            "estimate": null | {
                "quantity": "ratio" | "throughput_per_s" | "rate_per_s" | the axis of a crossover,
                "mean", "low", "high",       low and high null if there is no interval, or no end
                "at_least", "at_most",       means of bounds, where the figure is not known: then
                                             mean is null; null where an end is not known either
                "confidence", "blocks",      at all looks together, where there were several
                "widened": null | {      of an interval that was widened for what others used
                    "low", "high",       what it was before
                    "foreign_cores", "names"},
                "slices", "sd_log"},         of one trial, else null; of logarithms, over blocks
            "count": null | {"blocks", "least", "most", "total",       per block, for counts
                "missed_below"},             if CONFIRMED: a smaller share of trials miss it
            "crossover": null | {
                "over": "n",                 the axis
                "scale": "linear" | "log",   on which it is interpolated and averaged
                "points": [{"at", "left": key, "right": key}],
                "blocks": [{"block", "at": number | null,
                            "wins": null | "everywhere" | "nowhere"}],
                "incomplete_blocks",         left out: a point is missing
                "falls"},                    the advantage does not rise along the axis
            "limit", "sustained": null | …   of `sustains`: seconds, and its sides (_sustained_json)
            "smallest_detectable_effect",    relative: 0.08 is 8 %; null if not known
            "effect_asked_for",              relative: from the figure to the bound
            "blocks_needed",                 to see it; null if unknown or beyond reason
            "needed_s",                      about how long these take
            "near_bound",                    a value whose bound is near: a ratio would be surer
            "far_blocks": null | {           by which it is INCONCLUSIVE; "others": least, most
                "blocks": [{"block", "figure", "trials": [place], "evidence": [text]}]},
            "cause": null | …                whether the stated cause was seen (cause_json)
         }]}

    Units are in the names: `_per_s`, `_s`, `_bytes`; cores and counts are bare numbers. Of a
    crossover on a linear axis the two effects are distances on the axis.
    """
    return {
        "schema": CLAIMS_SCHEMA,
        "confidence": CONFIDENCE,
        "claims_added_afterwards": added_afterwards,
        "claims": [claim_json(verdict) for verdict in verdicts],
    }


def claim_json(verdict: Verdict) -> dict[str, Json]:
    """One of the claims of that document."""
    claim = verdict.claim
    return {
        "id": claim.id,
        "says": claim.says,
        "because": claim.because,
        "kind": claim.kind,
        "metric": claim.metric,
        "group": claim.group,
        "needs_cpus": claim.needs_cpus,
        "needs_backend": list(claim.needs_backend),
        "needs_interpreter": list(claim.needs_interpreter),
        "above": claim.low,
        "below": claim.high,
        "limit": claim.limit,
        "outcome": verdict.outcome,
        "decided": verdict.decided,
        "reason": verdict.reason,
        "foreign_unknown": verdict.foreign_unknown,
        "left": _side_json(claim, claim.left, verdict.left),
        "right": None if claim.right is None else _side_json(claim, claim.right, verdict.right),
        "estimate": _estimate_json(verdict),
        "count": _count_json(verdict),
        "crossover": _crossover_json(claim, verdict.crossover),
        "sustained": [
            _sustained_json(row, side)
            for row, side in zip(claim.rows, verdict.sustained, strict=False)
        ]
        or None,
        "smallest_detectable_effect": finite(verdict.detectable),
        "effect_asked_for": finite(verdict.needed),
        "blocks_needed": verdict.blocks_needed,
        "needed_s": finite(verdict.needed_s),
        "near_bound": verdict.near_bound,
        "far_blocks": _far_json(verdict.far),
        "cause": cause_json(verdict.causes),
    }


def _count_json(verdict: Verdict) -> dict[str, Json] | None:
    if verdict.count is None:
        return None
    return {**vars(verdict.count), "missed_below": verdict.missed_below}


def _far_json(far: FarBlocks | None) -> dict[str, Json] | None:
    if far is None:
        return None
    return {
        "blocks": [
            {
                "block": one.block,
                "figure": finite(one.figure),
                "trials": list(one.trials),
                "evidence": list(one.evidence),
            }
            for one in far.blocks
        ],
        "others": {"least": finite(far.least), "most": finite(far.most)},
    }


def _side_json(claim: Claim, cell: Cell, figure: float | None) -> dict[str, Json]:
    side: dict[str, Json] = {"cell": cell.key, "label": cell.label}
    if not METRICS[claim.metric].is_count:
        side[METRICS[claim.metric].name_with_unit] = finite(figure)
    return side


def _estimate_json(verdict: Verdict) -> dict[str, Json] | None:
    estimate = verdict.shown_estimate
    if estimate is None:
        return None
    low, high = verdict.known_ends
    return {
        "quantity": verdict.quantity,
        "mean": finite(estimate.mean),
        "at_least": finite(estimate.at_least),
        "at_most": finite(estimate.at_most),
        "low": low,
        "high": high,
        "confidence": 1.0 - estimate.alpha,
        "blocks": estimate.blocks,
        "slices": estimate.slices or None,
        "sd_log": estimate.sd_log,
        "widened": _widened_json(verdict, estimate.widened),
    }


def _widened_json(verdict: Verdict, widened: Widened | None) -> dict[str, Json] | None:
    if widened is None:
        return None
    low, high = verdict.ends(widened.low, widened.high)
    return {
        "low": low,
        "high": high,
        "foreign_cores": widened.foreign_cores,
        "names": list(widened.names),
    }


def _crossover_json(claim: Claim, found: Crossover | None) -> dict[str, Json] | None:
    if found is None:
        return None
    return {
        "over": found.over,
        "scale": found.scale,
        "points": [
            {"at": point.at, "left": point.left.key, "right": point.right.key}
            for point in claim.points
        ],
        "blocks": [vars(block).copy() for block in found.blocks],
        "incomplete_blocks": found.incomplete,
        "falls": found.falls,
    }


def _sustained_json(row: Row, found: Sustained) -> dict[str, Json]:
    """One side of `sustains`, rates in 1/s.

    ::

        {"rates": [{"at", "cell": key, "saturated",      in every block
                    "growing",                what waits may grow without end
                    "too_slow"}],             it takes no part: windows had too few replies
         "at", "at_least", "at_most",         the rate, or the bracket in which it lies
         "low", "high",                       null for an end that there is not
         "blocks": [{"block", "at", "at_least", "at_most"}],
         "incomplete_blocks",                 left out: a rate is missing
         "falls"}                             exceeded at the first rate, or held at the last
    """
    estimate = found.estimate
    low, high = known_ends(estimate.low, estimate.high)
    return {
        "rates": [
            {
                "at": step.at,
                "cell": step.cell.key,
                "saturated": step.at in found.saturated,
                "growing": step.at in found.growing,
                "too_slow": step.at in found.too_slow,
            }
            for step in row
        ],
        "at": finite(estimate.mean),
        "at_least": finite(estimate.at_least),
        "at_most": finite(estimate.at_most),
        "low": low,
        "high": high,
        "blocks": [
            {"block": block, "at": one.at, "at_least": one.least, "at_most": one.most}
            for block, one in found.blocks.items()
        ],
        "incomplete_blocks": found.incomplete,
        "falls": found.falls,
    }
