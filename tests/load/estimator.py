# SPDX-License-Identifier: BSD-3-Clause
"""The product-limit estimator, written again from its definition, to hold fibload's to."""

import bisect
import itertools
from collections.abc import Callable
from typing import Any

from .conftest import Answer
from .geometry import highest_at


def survival_percentile(latency: dict[str, Any], percent: float) -> int | None:
    """The product-limit estimate from what a report tells, written again from its definition."""
    events, censored, entered = parts_of(latency).values()
    ended_by, left_by, entered_by = _up_to(events), _up_to(censored), _up_to(entered)
    everyone = sum(events.values()) + sum(censored.values())
    wanted = max(1, int(percent / 100 * everyone + 0.5))
    surviving = 1.0
    gap = _first_gap(events, censored, entered)
    for index in sorted(events):
        if gap is not None and index > gap:
            return None
        at_risk = everyone - (sum(entered.values()) - entered_by(index))
        at_risk -= ended_by(index - 1) + left_by(index - 1)
        if at_risk == events[index] and index < max(entered, default=index):
            return None
        surviving *= 1 - events[index] / at_risk
        if (1 - surviving) * everyone >= wanted - 1e-6:
            return highest_at(index)
    return None


def bounded_percentile(latency: dict[str, Any], bound: str, percent: float) -> int | None:
    """The same, if what was cut off ends now ("at_least"), or never ("at_most"); or of the ages at
    which all were last seen."""
    parts = parts_of(latency)
    events, censored = parts["histogram"], parts["censored"]
    if bound == "at_most":  # beyond every reply, which is where they do not count
        beyond = max(events, default=0) + 1
        parts["censored"] = {beyond: sum(censored.values())} if censored else {}
    else:
        steps = events.keys() | censored.keys()
        parts["histogram"] = {s: events.get(s, 0) + censored.get(s, 0) for s in steps}
        parts["censored"] = {}
        parts["entered"] = parts["entered"] if bound == "at_least" else {}
    counts = {name: {"counts": list(part.items())} for name, part in parts.items()}
    return survival_percentile(counts, percent)


def parts_of(latency: dict[str, Any]) -> dict[str, dict[int, int]]:
    """The replies, late ones to requests of the window among them, and what else was seen."""
    names = ("histogram", "censored", "entered")
    parts = {name: dict(latency[name]["counts"]) for name in names}
    for step, count in latency.get("late", {"counts": []})["counts"]:
        parts["histogram"][step] = parts["histogram"].get(step, 0) + count
    return parts


def _up_to(counts: dict[int, int]) -> Callable[[int], int]:
    """Tells how many there are up to a step, and at it."""
    steps = sorted(counts)
    sums = [0, *itertools.accumulate(counts[step] for step in steps)]
    return lambda step: sums[bisect.bisect_right(steps, step)]


def _first_gap(
    events: dict[int, int], censored: dict[int, int], entered: dict[int, int]
) -> int | None:
    """After which step nobody was watched any more, though some were to enter later."""
    ended_by, left_by, entered_by = _up_to(events), _up_to(censored), _up_to(entered)
    everyone = sum(events.values()) + sum(censored.values())
    for index in sorted({-1, *events, *censored}):
        later = sum(entered.values()) - entered_by(index)
        ended = ended_by(index) + left_by(index)
        if later > 0 and everyone - later - ended == 0 and index + 1 not in entered:
            return index
    return None


def check_percentiles(answer: Answer) -> None:
    """Hold the percentiles of all and of each group to the estimator."""
    for part in (answer.report, *answer.report["groups"]):
        latency = part["latency"]
        mixed = latency["clock"] == "mixed"  # different clocks have no percentiles in common
        for name, percent in (("p50_ns", 50), ("p90_ns", 90), ("p99_ns", 99), ("p999_ns", 99.9)):
            expected = None if mixed else survival_percentile(latency, percent)
            assert latency[name] == expected
            for bound in ("at_least", "at_most", "last_seen"):
                if part["open_loop"] is None:
                    assert latency[bound] is None
                else:
                    told = None if mixed else bounded_percentile(latency, bound, percent)
                    assert latency[bound][name] == told
