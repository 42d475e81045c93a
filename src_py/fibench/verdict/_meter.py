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
    figure = trial.metrics.get(metric)
    group = metric.rpartition("/")[0]
    lag_s = trial.group_lags_p99_s.get(group) if group else trial.lag_p99_s
    if figure is None and metric in trial.bounds:
        figure = trial.bounds[metric].at_least
    if not about.is_percentile or figure is None or lag_s is None:
        return None
    if lag_s <= max(LAG_FLOOR_S, LAG_SHARE * figure):
        return None
    of_group = f" of group {group}" if group else ""
    return (
        f"the generator woke up late (lag p99 {quantity(lag_s, 's')}, above "
        f"{LAG_SHARE * 100:.0f} % of {about.name}{of_group}, {quantity(figure, 's')}): "
        "a CPU of its own (cpus in [load]) or spin = true would help"
    )


def why_invalid(samples: Index, cells: Mapping[str, str], metric: str) -> str | None:
    """Why a claim about these cells (key to label) rests on what the meter could not measure.

    Only the blocks count in which every cell has a valid trial. Names the first such trial.
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
        if (why := limited_by_meter(samples.valid(key)[block], metric)) is not None
    ]
    if not limited:
        return None
    block, label, why = min(limited, key=lambda entry: entry[0])
    total = len(cells) * len(shared or ())
    which = f"{label} in block {block + 1}"
    if len(limited) > 1:
        which = f"{len(limited)} of {total} trials, the first is {which}"
    return f"the load generator was the limit in {which}: {why}"
