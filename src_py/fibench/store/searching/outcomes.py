# SPDX-License-Identifier: BSD-3-Clause
"""What one trial of a search says of a limit. Pure."""

from __future__ import annotations

from fibench.experiment.searching.search import SearchTarget
from fibench.metrics import METRICS
from fibench.plan.searching.steps import Shows
from fibench.record import GroupFigures, LatencyBounds, Record

MARGIN = 1.05
"""A latency that is less than so many times above or below its limit is too near to tell."""
LEAST_LAG_S = 100e-6
"""A lag of the load generator that is less is in every latency."""


def outcome_of(record: Record, target: SearchTarget) -> Shows:
    """Whether the limit was held in an open loop."""
    if not record.valid:
        return "unknown"
    if record.checks.generator_bound is not None:
        return "beyond"
    gave = _of_group(record, target.group)
    if gave is None:
        return "unknown"
    about = gave if isinstance(gave, GroupFigures) else record.checks
    if about.saturated is not None:
        return "exceeded"
    metric = METRICS[target.metric]
    if gave.counts.get("window_ok", 0) < metric.least_requests:
        return "unknown"  # which is withheld of a server that keeps up
    name = metric.name_with_unit
    lag_s = about.lag_p99_s or 0.0
    figure = gave.metrics.get(name)
    if figure is not None:
        lag_s = lag_s if lag_s > LEAST_LAG_S else 0.0
        return _between(LatencyBounds(figure - lag_s, figure), target.limit_s)
    bounds = gave.bounds.get(name)
    return "unknown" if bounds is None else _between(bounds, target.limit_s)


def _of_group(record: Record, group: str | None) -> Record | GroupFigures | None:
    return record if group is None else record.groups.get(group)


def _between(found: LatencyBounds, limit_s: float) -> Shows:
    if found.at_least > limit_s * MARGIN:
        return "exceeded"
    if found.at_most is not None and found.at_most * MARGIN < limit_s:
        return "held"
    return "both"
