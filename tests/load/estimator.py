# SPDX-License-Identifier: BSD-3-Clause
"""The product-limit estimator, written again from its definition, to hold fibload's to."""

from typing import Any

from .conftest import Answer
from .test_honest import highest_at


def survival_percentile(latency: dict[str, Any], percent: float) -> int | None:
    """The product-limit estimate from what a report tells, written again from its definition."""
    events = dict(latency["histogram"]["counts"])
    censored = dict(latency["censored"]["counts"])
    entered = dict(latency["entered"]["counts"])
    everyone = sum(events.values()) + sum(censored.values())
    wanted = max(1, int(percent / 100 * everyone + 0.5))
    surviving = 1.0
    for index in sorted(events):
        at_risk = everyone - sum(count for at, count in entered.items() if at > index)
        at_risk -= sum(count for at, count in events.items() if at < index)
        at_risk -= sum(count for at, count in censored.items() if at < index)
        if at_risk == events[index] and any(at > index for at in entered):
            return None
        surviving *= 1 - events[index] / at_risk
        if (1 - surviving) * everyone >= wanted - 1e-6:
            return highest_at(index)
    return None


def check_percentiles(answer: Answer) -> None:
    """Hold the percentiles of an open loop to the estimator."""
    for part in (answer.report, *answer.report["groups"]):
        latency = part["latency"]
        for name, percent in (("p50_ns", 50), ("p90_ns", 90), ("p99_ns", 99), ("p999_ns", 99.9)):
            assert latency[name] == survival_percentile(latency, percent)
