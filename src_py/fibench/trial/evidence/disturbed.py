# SPDX-License-Identifier: BSD-3-Clause
"""Was the machine somebody else's during a trial? Rules that are fixed before any trial. Pure.

Judged by evidence from inside of the window alone, and never by what the trial is to find out: to
measure again what came out slow would be to choose the outcome.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence

from fibench.record import Disturbed, Record

FOREIGN_SHARE = 0.25
"""Above this share of the usable cores others had too much of them…"""
FOREIGN_SHARE_OF_TAIL = 0.03
"""…and where a tail is claimed, which no interval can bear with, above this one…"""
SURE_ERRORS = 2.0
"""…by so many standard errors…"""
TICKS_PER_S = 250.0
"""How often most kernels look who has a CPU (CONFIG_HZ), as far as a program can know."""
STOLEN_SHARE = 0.01
"""Above this share of the CPUs' time the hypervisor gave them to others…"""
LEAST_S = 0.03
"""…and either for three ticks of 10 ms at least, in which the kernel counts."""
PROBE_TIMES = 1.25
"""So many times as long as in the other trials of its cell a computation of the probe took."""
PROBE_LEAST = 2
"""From so many of these on, and so from the third block on, it is known what that is."""

_Figures = Mapping[str, float | None]


def disturbed(record: Record, history: Sequence[Record], tail: bool) -> Disturbed | None:
    """What shows that a trial was disturbed; None: nothing does.

    `history` are the undisturbed valid trials of the same cell before it, in the order of time.
    `tail`: a claim is about a percentile above the median, or a maximum, of its cell.
    """
    # Foreign CPU comes last: it bounds what it did, so that such a trial can be borne with.
    rules: tuple[Callable[[], Disturbed | None], ...] = (
        lambda: _steal(record.machine),
        lambda: _probe(record, history),
        lambda: _foreign(record, tail),
    )
    return next((found for rule in rules if (found := rule()) is not None), None)


def _foreign(record: Record, tail: bool) -> Disturbed | None:
    foreign, usable, window_s = (
        record.machine.get(name) for name in ("foreign_cores", "usable_cores", "window_s")
    )
    if foreign is None or not usable or window_s is None:
        return None
    if foreign * window_s < LEAST_S:
        return None
    if tail:
        bound = FOREIGN_SHARE_OF_TAIL * usable + SURE_ERRORS * _sampling_error(record.machine)
    else:
        bound = FOREIGN_SHARE * usable
    if foreign <= bound:
        return None
    names = ", ".join(record.evidence.foreign)
    said = f"others used {foreign:.2g} of {usable:.0f} cores"
    return Disturbed("foreign", f"{said}: {names}" if names else said)


def _sampling_error(machine: _Figures) -> float:
    """The standard error of the cores that were used, which most kernels sample at their ticks.

    A CPU that is busy for the whole window, or idle, has none.
    """
    used, cpus, window_s = (machine.get(name) for name in ("used_cores", "usable_cpus", "window_s"))
    if used is None or not cpus or not window_s:
        return 0.0
    busy = min(1.0, used / cpus)
    return math.sqrt(cpus * busy * (1.0 - busy) / (TICKS_PER_S * window_s))


def _steal(machine: _Figures) -> Disturbed | None:
    steal_s, window_s, cpus = (
        machine.get(name) for name in ("window_steal_s", "window_s", "usable_cpus")
    )
    if steal_s is None or not window_s or not cpus:
        return None
    if steal_s < LEAST_S or steal_s <= STOLEN_SHARE * window_s * cpus:
        return None
    return Disturbed("steal", f"the hypervisor gave {steal_s:.2f} s of its window to others")


def _probe(record: Record, history: Sequence[Record]) -> Disturbed | None:
    own_s = record.machine.get("probe_s")
    known_s = [known for one in history if (known := one.machine.get("probe_s")) is not None]
    if own_s is None or len(known_s) < PROBE_LEAST:
        return None
    usual_s = statistics.median(known_s)
    if own_s <= PROBE_TIMES * usual_s:
        return None
    times = f"×{own_s / usual_s:.2f}" if usual_s > 0 else "far longer"
    return Disturbed("probe", f"a CPU computed slower than in other blocks: {times} the time")
