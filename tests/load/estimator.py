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
    gap = _first_gap(events, censored, entered)
    for index in sorted(events):
        if gap is not None and index > gap:
            return None
        at_risk = everyone - sum(count for at, count in entered.items() if at > index)
        at_risk -= sum(count for at, count in events.items() if at < index)
        at_risk -= sum(count for at, count in censored.items() if at < index)
        if at_risk == events[index] and any(at > index for at in entered):
            return None
        surviving *= 1 - events[index] / at_risk
        if (1 - surviving) * everyone >= wanted - 1e-6:
            return highest_at(index)
    return None


def _first_gap(
    events: dict[int, int], censored: dict[int, int], entered: dict[int, int]
) -> int | None:
    """After which step nobody was watched any more, though some were to enter later."""
    everyone = sum(events.values()) + sum(censored.values())
    for index in sorted({-1, *events, *censored}):
        later = sum(count for at, count in entered.items() if at > index)
        ended = sum(count for at, count in events.items() if at <= index)
        ended += sum(count for at, count in censored.items() if at <= index)
        if later > 0 and everyone - later - ended == 0 and index + 1 not in entered:
            return index
    return None


def check_percentiles(answer: Answer) -> None:
    """Hold the percentiles of an open loop to the estimator."""
    for part in (answer.report, *answer.report["groups"]):
        latency = part["latency"]
        mixed = latency["clock"] == "mixed"  # different clocks have no percentiles in common
        for name, percent in (("p50_ns", 50), ("p90_ns", 90), ("p99_ns", 99), ("p999_ns", 99.9)):
            expected = None if mixed else survival_percentile(latency, percent)
            assert latency[name] == expected
