# SPDX-License-Identifier: BSD-3-Clause
"""Which claims are about figures that others on the machine move further than anything tells.

What they took of a throughput is bounded by the CPU time that they used, and so is what they added
to the median of a closed loop, which is its reciprocal. Nothing bounds it of these:

- a percentile above the median, or a maximum;
- any latency of an open loop, which waits for nobody: while a server stands still, requests come in
  and wait, each for another while;
- context switches: each that is made room for is one more, however short the time;
- for how long threads were ready and had no CPU: each that waits does so for as long.

Trials of such claims ask for a quieter machine, and are left out of them where it was not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fibench.experiment.claims import cells_of
from fibench.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Collection

    from fibench.experiment.claims import Claim
    from fibench.parameters import Parameters

_OF_THE_SCHEDULER = ("switches_per_request", "ready", "run_delay_per_request")


def is_unbounded(metric: str, group: str | None, parameters: Parameters) -> bool:
    """Whether nothing bounds what others did to a metric of a cell, or of a client group of it.

    The totals of a load in which one group keeps a rate are those of an open loop, too.
    """
    about = METRICS[metric]
    if not about.is_percentile:
        return metric in _OF_THE_SCHEDULER
    if metric != "p50":
        return True
    if group is None:
        return parameters.is_open
    rates = {one.name: one.rate for one in parameters.groups}
    return parameters.rate is not None or rates.get(group) is not None


def unbounded_cells(claim: Claim) -> Collection[str]:
    """The keys of the cells of a claim in which nothing bounds what others did to its metric."""
    return frozenset(
        cell.key
        for cell in cells_of(claim)
        if is_unbounded(claim.metric, claim.group, cell.parameters)
    )
