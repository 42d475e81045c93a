# SPDX-License-Identifier: BSD-3-Clause
"""Which trials a claim can be borne by: not those that were disturbed still when they were measured
for the last time, and none at all where too many failed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from fibench.experiment import cells_of
from fibench.metrics import METRICS
from fibench.verdict.sample import Index, Sample, most_frequent_reason

if TYPE_CHECKING:
    from fibench.experiment import Claim

MOST_LEFT_OUT = 0.25
"""Of what a claim rests on, no larger a share may be left out."""
_UNBOUNDED = frozenset(("probe", "steal"))
"""What a disturbance of these kinds did to a figure, no interval can be widened by."""
_UNBOUNDED_TAIL = _UNBOUNDED | {"foreign"}
"""Nor that of CPU time of others to a high percentile."""


def is_left_out(sample: Sample, metric: str = "throughput") -> bool:
    """Whether a trial is left out of claims about a metric."""
    is_tail = METRICS[metric].is_percentile and metric != "p50"
    kinds = _UNBOUNDED_TAIL if is_tail else _UNBOUNDED
    return sample.valid and sample.disturbed is not None and sample.disturbed.kind in kinds


def _as_metric(claim: Claim) -> str:
    """The metric that is disturbed as a claim is: a rate that is sustained as the tail is.

    What others use makes a server sustain less, whichever percentile is asked for.
    """
    return "max" if claim.kind == "sustains" else claim.metric


def bearing(claim: Claim, samples: Index) -> Index:
    """The samples without those that are left out of a claim."""
    if METRICS[claim.metric].is_count or not samples.disturbed:
        return samples
    return samples.without(lambda one: is_left_out(one, _as_metric(claim)))


def why_not_quiet(claim: Claim, samples: Index) -> str | None:
    """Why too much is left out of a claim; None if it is not too much."""
    if METRICS[claim.metric].is_count or not samples.disturbed:
        return None
    trials = [one for cell in cells_of(claim) for one in samples.valid(cell.key).values()]
    left_out = [one for one in trials if is_left_out(one, _as_metric(claim))]
    if len(left_out) <= MOST_LEFT_OUT * len(trials):
        return None
    said = _commonest(one.disturbed.says for one in left_out if one.disturbed is not None)
    which = f"{len(left_out)} of {len(trials)} trials were disturbed in every attempt"
    return f"the machine was not quiet: {said}; {which}"


def why_failed(claim: Claim, samples: Index) -> str | None:
    """Why a claim rests on a cell of which too many trials failed; None if none does.

    To judge the others would be to leave out what went badly. What could not start is no result.
    """
    for cell in cells_of(claim):
        trials = [one for one in samples.all(cell.key) if not one.unstarted]
        failed = [one for one in trials if not one.valid]
        if failed and len(failed) > claim.tolerates * len(trials):
            share = f"{len(failed)} of {len(trials)} trials of {cell.label} failed"
            more = f", more than {claim.tolerates:.0%} are tolerated" if claim.tolerates else ""
            return f"{share}{more}: {most_frequent_reason(failed)}"
    return None


def _commonest(texts: Iterable[str]) -> str:
    found: Collection[str] = list(texts)
    return max(dict.fromkeys(found), key=list(found).count)
