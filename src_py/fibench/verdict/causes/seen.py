# SPDX-License-Identifier: BSD-3-Clause
"""What came of the causes of one claim, and the document in which that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fibench.json_values import Json, finite
from fibench.metrics import METRICS
from fibench.verdict.estimate import CountRange, Estimate, known_ends

if TYPE_CHECKING:
    from fibench.experiment import Cause

WasSeen = Literal["seen", "not seen", "not known"]
"""The figure lies where the file says; on the other side of the bound; or that cannot be said."""


@dataclass(frozen=True)
class SeenCause:
    """One figure by which a claim's cause is to be seen, and whether it was."""

    cause: Cause
    outcome: WasSeen
    reason: str | None = None
    """Why it is not known; None also where the interval lies on both sides of the bound."""
    estimate: Estimate | None = None
    """Of a count there is none."""
    count: CountRange | None = None


def seen_together(causes: Sequence[SeenCause]) -> WasSeen:
    """Whether the cause of a claim was seen that several figures make: all of them must have been,
    and one that was not is enough."""
    outcomes = {one.outcome for one in causes}
    if "not seen" in outcomes:
        return "not seen"
    return "not known" if "not known" in outcomes else "seen"


def cause_json(causes: Sequence[SeenCause]) -> dict[str, Json] | None:
    """What claims.json has of the causes of a claim; None of one that states none.

    ::

        {"outcome": "seen" | "not seen" | "not known",       of all together
         "figures": [{
            "cell": key | null, "label": text | null,        null: options took it from the run
            "metric": "waiting_for_gil",
            "above", "below": number | null,                 the bound
            "outcome": as above, "reason": text | null,
            "estimate": null | {
                "quantity": "waiting_for_gil_share",         the metric with its unit
                "mean", "at_least", "at_most", "low", "high",
                "confidence",
                "blocks", "slices"},                         as in an estimate of a claim
            "count": null | {"blocks", "least", "most", "total"}
         }]}
    """
    if not causes:
        return None
    return {
        "outcome": seen_together(causes),
        "figures": [
            {
                "cell": one.cause.cell.key if one.cause.cell else None,
                "label": one.cause.cell.label if one.cause.cell else None,
                "metric": one.cause.metric,
                "above": one.cause.low,
                "below": one.cause.high,
                "outcome": one.outcome,
                "reason": one.reason,
                "estimate": _estimate_of(one),
                "count": None if one.count is None else {**vars(one.count)},
            }
            for one in causes
        ],
    }


def _estimate_of(seen: SeenCause) -> dict[str, Json] | None:
    found = seen.estimate
    if found is None or (found.mean is None and not found.is_bound):
        return None
    metric = METRICS[seen.cause.metric]
    low, high = known_ends(found.low, found.high, linear=metric.is_share)
    return {
        "quantity": metric.name_with_unit,
        "mean": finite(found.mean),
        "at_least": finite(found.at_least),
        "at_most": finite(found.at_most),
        "low": low,
        "high": high,
        "confidence": 1.0 - found.alpha,
        "blocks": found.blocks,
        "slices": found.slices or None,
    }
