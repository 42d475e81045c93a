# SPDX-License-Identifier: BSD-3-Clause
"""Was the meter the limit? Judged for each trial that a figure rests on; pure."""

from __future__ import annotations

from collections.abc import Mapping

from fibench.metrics import metric_of, quantity
from fibench.verdict.sample import Index, Sample

LAG_FLOOR_S = 100e-6
"""A lag below this is never held against a trial: waking takes some time on every machine."""
LAG_SHARE = 0.05
"""The lag may be this share of the percentile that is claimed."""


def limited_by_meter(trial: Sample, metric: str) -> str | None:
    """Why a metric of this trial says more of the load generator than of the server, or None.

    CPU, memory and counts are the server's own, whoever was the limit.
    """
    about = metric_of(metric)
    if not about.rests_on_meter:
        return None
    if trial.bound is not None:
        return trial.bound
    figure = _latency_s(trial, metric)
    group = metric.rpartition("/")[0]
    if not about.is_percentile or figure is None:
        return None
    of_group = f" of group {group}" if group else ""
    beyond = f"above {LAG_SHARE * 100:.0f} % of {about.name}{of_group}, {quantity(figure, 's')}"
    lag_s = lag_in_latency_s(trial, metric)
    if lag_s > 0.0:
        return (
            f"the generator woke up late (lag p99 {quantity(lag_s, 's')}, {beyond}): "
            "a CPU of its own (cpus in [load]) or spin = true would help"
        )
    rank, read_lag_s = _read_lag_s(trial, group, about.name)
    if read_lag_s > max(LAG_FLOOR_S, LAG_SHARE * figure):
        return (
            f"replies waited for the generator (lag {rank} {quantity(read_lag_s, 's')}, {beyond}): "
            "a CPU of its own (cpus in [load]), fewer clients or more threads would help"
        )
    return None


def lag_in_latency_s(trial: Sample, metric: str) -> float:
    """How late the generator of an open loop woke up, at the 99th percentile, where that is more
    than a latency may have in it; else 0.

    A request's time runs from when it was due, so that what the server took is less than the
    latency by as much, at most.
    """
    group = metric.rpartition("/")[0]
    lag_s = trial.group_lags_p99_s.get(group) if group else trial.lag_p99_s
    figure = _latency_s(trial, metric)
    if lag_s is None or figure is None:
        return 0.0
    return lag_s if lag_s > max(LAG_FLOOR_S, LAG_SHARE * figure) else 0.0


def _latency_s(trial: Sample, metric: str) -> float | None:
    """The figure, or the least that it can be."""
    figure = trial.metrics.get(metric)
    if figure is None and metric in trial.bounds:
        return trial.bounds[metric].at_least
    return figure


def _read_lag_s(trial: Sample, group: str, metric: str) -> tuple[str, float]:
    """How long replies of a closed loop waited, at the rank of a percentile; 0 of an open one.

    Every latency has it in it: where half of the replies waited for less, the median is that of the
    server however long the others waited.
    """
    p50_s, p99_s = trial.read_lags_s.get(group, (0.0, None))
    return ("p50", p50_s) if metric == "p50" or p99_s is None else ("p99", p99_s)


def why_invalid(
    samples: Index, cells: Mapping[str, str], metric: str, *, lag_is_in: bool = False
) -> str | None:
    """Why a claim about these cells (key to label) rests on what the meter could not measure.

    Only the blocks count in which every cell has a valid trial. Names the first such trial. With
    `lag_is_in` an open loop's lag is part of what the claim is judged by (sustaining/measured.py).
    """
    if samples.limited.isdisjoint(cells):
        return None
    shared: set[int] | None = None
    for key in cells:
        blocks = set(samples.valid(key))
        shared = blocks if shared is None else shared & blocks
    limited = [
        (block, label, why)
        for key, label in cells.items()
        for block in sorted(shared or ())
        if (why := _why(samples.valid(key)[block], metric, lag_is_in)) is not None
    ]
    if not limited:
        return None
    block, label, why = min(limited, key=lambda entry: entry[0])
    total = len(cells) * len(shared or ())
    which = f"{label} in block {block + 1}"
    if len(limited) > 1:
        which = f"{len(limited)} of {total} trials, the first is {which}"
    return f"the load generator was the limit in {which}: {why}"


def _why(trial: Sample, metric: str, lag_is_in: bool) -> str | None:
    return trial.bound if lag_is_in else limited_by_meter(trial, metric)
