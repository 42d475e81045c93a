# SPDX-License-Identifier: BSD-3-Clause
"""From samples and claims to verdicts: pure, no input or output.

The interval that is printed is the one that decides. It is simultaneous over all claims of the file
(Bonferroni: alpha is 0.05 divided by their number), so that a file of ten claims is not ten chances
to be lucky.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from fibench import estimate as estimates
from fibench.estimate import CONFIDENCE, FEWEST_BLOCKS, METRICS, CountRange, Estimate, Sample

if TYPE_CHECKING:
    from fibench.cells import Cell
    from fibench.experiment import Claim

CLAIMS_SCHEMA = 1

Outcome = Literal["CONFIRMED", "REFUTED", "INCONCLUSIVE", "NOT HERE", "INVALID"]


@dataclass(frozen=True)
class Verdict:
    """What a run says about one claim.

    `estimate` is the figure that decided, if there is one; `left` and `right` are the sides' own
    figures over the same blocks, in base units. For a claim about a count, `count` has the range
    over blocks, and there is no estimate. `reason` says in one line why there is no clear verdict.
    `detectable` is the smallest relative effect that the run could have seen (0.08: 8 %). `needed`
    is the effect that lies between the figure and the bound, and `blocks_needed` the number of
    blocks that would see it, None if no sensible number would.
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


def judge(
    claims: Sequence[Claim],
    samples: Iterable[Sample],
    cpus: int,
    *,
    complete: bool = True,
    total_claims: int | None = None,
    unavailable: Mapping[str, str] | None = None,
) -> tuple[Verdict, ...]:
    """Judge every claim, in order.

    `cpus` is how many this machine has for the run; `total_claims` is how many the file has, if
    some of them were left out of this run; `unavailable` says of backends that cannot run here why
    not. A run that is not `complete` has no verdicts: stopping when the figures please would
    choose the outcome.
    """
    if not complete:
        return ()
    samples = tuple(samples)
    alpha = (1.0 - CONFIDENCE) / max(1, total_claims or 0, len(claims))
    return tuple(_judge_one(claim, samples, cpus, alpha, unavailable or {}) for claim in claims)


def exit_code(verdicts: Iterable[Verdict], failed_trials: int, interrupted: bool) -> int:
    """The exit status of a run: the first of 130, 5, 3 and 4 that applies, else 0."""
    outcomes = {verdict.outcome for verdict in verdicts}
    if interrupted:
        return 130
    if failed_trials > 0:
        return 5
    if "REFUTED" in outcomes:
        return 3
    if outcomes & {"INCONCLUSIVE", "INVALID"}:
        return 4
    return 0


def claims_json(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The document kept as claims.json.

    ::

        {"schema": 1,
         "confidence": 0.95,                 simultaneous over the file's claims
         "claims": [{
            "id", "says", "because",         as in the file; because may be null
            "kind": "ratio" | "value",
            "metric": "throughput",
            "needs_cpus": 1,
            "above", "below": number | null  the bounds; both for `within`
            "outcome": "CONFIRMED" | "REFUTED" | "INCONCLUSIVE" | "NOT HERE" | "INVALID",
            "reason": text | null,
            "left":  {"cell": key, "label": text, "throughput_per_s": number | null},
            "right": the same | null,        null for a value
            "estimate": null | {
                "quantity": "ratio" | "throughput_per_s",
                "mean", "low", "high",       low and high null if there is no interval, or no end
                "confidence", "blocks",
                "sd_log"},                   of the logarithms, over blocks
            "count": null | {"blocks", "least", "most", "total"},      per block, for counts
            "smallest_detectable_effect",    relative: 0.08 is 8 %; null if not known
            "effect_asked_for",              relative: from the figure to the bound
            "blocks_needed"                  to see it; null if unknown or beyond reason
         }]}

    Units are in the names: `_per_s`, `_s`, `_bytes`; cores and counts are bare numbers.
    """
    return {
        "schema": CLAIMS_SCHEMA,
        "confidence": CONFIDENCE,
        "claims": [_verdict_json(verdict) for verdict in verdicts],
    }


def _judge_one(
    claim: Claim,
    samples: Sequence[Sample],
    cpus: int,
    alpha: float,
    unavailable: Mapping[str, str],
) -> Verdict:
    verdict = Verdict(claim, "INCONCLUSIVE", alpha)
    obstacle = _not_here(claim, cpus, unavailable)
    if obstacle is not None:
        return replace(verdict, outcome="NOT HERE", reason=obstacle)
    obstacle = _never_valid(claim, samples)
    if obstacle is not None:
        return replace(verdict, outcome="INVALID", reason=obstacle)
    if METRICS[claim.metric].is_count:
        return _judge_count(verdict, samples)
    return _judge_interval(verdict, samples)


def _not_here(claim: Claim, cpus: int, unavailable: Mapping[str, str]) -> str | None:
    for cell in _cells(claim):
        if cell.backend in unavailable:
            return f"{cell.backend}: {unavailable[cell.backend]}"
    if claim.needs_cpus > cpus:
        return f"needs {claim.needs_cpus} CPUs; {cpus} can be used here"
    return None


def _never_valid(claim: Claim, samples: Sequence[Sample]) -> str | None:
    for cell in _cells(claim):
        trials = [sample for sample in samples if sample.cell_key == cell.key]
        if not trials:
            return f"{cell.label} was not measured"
        if not any(trial.valid for trial in trials):
            return f"no trial of {cell.label} is valid: {estimates.most_frequent_reason(trials)}"
    return None


def _judge_interval(verdict: Verdict, samples: Sequence[Sample]) -> Verdict:
    claim = verdict.claim
    left: float | None
    right: float | None = None
    if claim.right is None:
        estimate = estimates.value(samples, claim.left.key, claim.metric, verdict.alpha)
        left = estimate.mean
    else:
        sides = (samples, claim.left.key, claim.right.key, claim.metric)
        estimate = estimates.contrast(*sides, verdict.alpha)
        left, right = estimates.paired_values(*sides) if estimate.blocks else (None, None)
    verdict = replace(verdict, estimate=estimate, left=left, right=right)
    if estimate.mean is None:
        return replace(verdict, reason=estimate.absent)
    verdict = replace(
        verdict, detectable=estimate.detectable, **_what_would_settle(claim, estimate)
    )
    if estimate.blocks < FEWEST_BLOCKS or estimate.low is None or estimate.high is None:
        return replace(verdict, reason=_too_few_blocks(estimate.blocks, claim, samples))
    return replace(verdict, outcome=_place(estimate.low, estimate.high, claim.low, claim.high))


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


def _what_would_settle(claim: Claim, estimate: Estimate) -> dict[str, Any]:
    """How far the estimate is from the nearest bound, and how many blocks would see that far."""
    bounds = [bound for bound in (claim.low, claim.high) if bound is not None and bound > 0.0]
    if estimate.mean is None or estimate.sd_log is None or not bounds:
        return {}
    distance = min(abs(math.log(estimate.mean / bound)) for bound in bounds)
    return {
        "needed": math.expm1(distance),
        "blocks_needed": estimates.blocks_needed(distance, estimate.sd_log, estimate.alpha),
    }


def _judge_count(verdict: Verdict, samples: Sequence[Sample]) -> Verdict:
    """A count must meet its bound in every block; as a ratio, block by block without dividing."""
    claim = verdict.claim
    lefts = _counts(claim.left, claim.metric, samples)
    blocks = sorted(lefts)
    scales = dict.fromkeys(blocks, 1)
    if claim.right is not None:
        scales = _counts(claim.right, claim.metric, samples)
        blocks = [block for block in blocks if block in scales]
    counts = estimates.count_range(lefts[block] for block in blocks)
    verdict = replace(verdict, count=counts)
    if len(blocks) < FEWEST_BLOCKS:
        return replace(verdict, reason=_too_few_blocks(len(blocks), claim, samples))
    missed = [b for b in blocks if not _meets(lefts[b], scales[b], claim.low, claim.high)]
    if missed:
        reason = f"missed in {len(missed)} of {len(blocks)} blocks"
        return replace(verdict, outcome="REFUTED", reason=reason)
    return replace(verdict, outcome="CONFIRMED")


def _counts(cell: Cell, name: str, samples: Sequence[Sample]) -> dict[int, int]:
    trials = estimates.valid_by_block(samples, cell.key)
    return {block: trial.counts[name] for block, trial in trials.items() if name in trial.counts}


def _meets(figure: int, scale: int, above: float | None, below: float | None) -> bool:
    """Whether figure ÷ scale meets the bounds; a scale of zero, as of a count, hides nothing."""
    low = None if above is None else above * scale
    high = None if below is None else below * scale
    if low is not None and high is not None:
        return low <= figure <= high
    return (low is None or figure > low) and (high is None or figure < high)


def _too_few_blocks(blocks: int, claim: Claim, samples: Sequence[Sample]) -> str:
    keys = {cell.key for cell in _cells(claim)}
    why = estimates.most_frequent_reason(s for s in samples if s.cell_key in keys)
    complete = f"{blocks} complete block{'' if blocks == 1 else 's'}"
    return f"{complete}, a verdict needs {FEWEST_BLOCKS}" + (f" ({why})" if why else "")


def _cells(claim: Claim) -> tuple[Cell, ...]:
    return (claim.left,) if claim.right is None else (claim.left, claim.right)


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    claim = verdict.claim
    return {
        "id": claim.id,
        "says": claim.says,
        "because": claim.because,
        "kind": claim.kind,
        "metric": claim.metric,
        "needs_cpus": claim.needs_cpus,
        "above": claim.low,
        "below": claim.high,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "left": _side_json(claim, claim.left, verdict.left),
        "right": None if claim.right is None else _side_json(claim, claim.right, verdict.right),
        "estimate": _estimate_json(claim, verdict.estimate),
        "count": None if verdict.count is None else vars(verdict.count).copy(),
        "smallest_detectable_effect": _finite(verdict.detectable),
        "effect_asked_for": _finite(verdict.needed),
        "blocks_needed": verdict.blocks_needed,
    }


def _side_json(claim: Claim, cell: Cell, figure: float | None) -> dict[str, Any]:
    side: dict[str, Any] = {"cell": cell.key, "label": cell.label}
    if not METRICS[claim.metric].is_count:
        side[METRICS[claim.metric].name_with_unit] = _finite(figure)
    return side


def _estimate_json(claim: Claim, estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None or estimate.mean is None:
        return None
    return {
        "quantity": "ratio" if claim.right else METRICS[claim.metric].name_with_unit,
        "mean": _finite(estimate.mean),
        "low": _finite(estimate.low),
        "high": _finite(estimate.high),
        "confidence": 1.0 - estimate.alpha,
        "blocks": estimate.blocks,
        "sd_log": estimate.sd_log,
    }


def _finite(figure: float | None) -> float | None:
    """JSON has no infinity: a bound that is not finite is null."""
    return figure if figure is not None and math.isfinite(figure) else None
