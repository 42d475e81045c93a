# SPDX-License-Identifier: BSD-3-Clause
"""Whether a trial was disturbed: by others, or by a load that was not what it was to be. Pure.

The rules are fixed before any trial.

Judged by evidence from inside of the window alone, and never by what the trial is to find out: to
measure again what came out slow would be to choose the outcome.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

from fibench.machine.busy import LEAST_S, too_much
from fibench.record import Disturbed, Record

STOLEN_SHARE = 0.01
"""Above this share of the CPUs' time the hypervisor gave them to others, for LEAST_S at least."""
PROBE_TIMES = 1.25
"""So many times as long as in the other trials of its cell a computation of the probe took."""
PROBE_LEAST = 2
"""From so many of these on, and so from the third block on, it is known what that is."""

_Figures = Mapping[str, float | None]


def disturbed(
    record: Record, history: Sequence[Record], tail: bool, *, limited: bool = False
) -> Disturbed | None:
    """What shows that a trial was disturbed; None: nothing does.

    `history` are the undisturbed valid trials of the same cell before it, in the order of time.
    `tail`: a claim is about a figure of its cell of which nothing bounds what others do to it, as
    a percentile above the median (experiment/unbounded.py). `limited`: the load generator was known
    to be the limit of its cell, whoever is beside it.
    """
    # What spoils more claims comes first. Foreign CPU comes last: it bounds what it did, so that
    # such a trial can be borne with.
    rules: tuple[Callable[[], Disturbed | None], ...] = (
        lambda: _steal(record.machine),
        lambda: _probe(record, history),
        lambda: _late(record.machine),
        lambda: None if limited else _generator(record),
        lambda: _foreign(record, tail),
    )
    return next((found for rule in rules if (found := rule()) is not None), None)


def _generator(record: Record) -> Disturbed | None:
    """Whether fewer requests were in flight than were to be: it looks at no server's figure.

    A ceiling is measured to find what the generator can do, so that it is the limit there.
    """
    why = record.checks.flight_gate
    return None if why is None or record.role == "ceiling" else Disturbed("generator", why)


def _foreign(record: Record, tail: bool) -> Disturbed | None:
    says = too_much(record.machine, record.evidence.foreign, unbounded=tail)
    return None if says is None else Disturbed("foreign", says)


def _steal(machine: _Figures) -> Disturbed | None:
    steal_s, window_s, cpus = (
        machine.get(name) for name in ("window_steal_s", "window_s", "usable_cpus")
    )
    if steal_s is None or not window_s or not cpus:
        return None
    if steal_s < LEAST_S or steal_s <= STOLEN_SHARE * window_s * cpus:
        return None
    return Disturbed("steal", f"the hypervisor gave {steal_s:.2f} s of its window to others")


def _late(machine: _Figures) -> Disturbed | None:
    """Whether the runner read too late what the server had used (trial/_readings.py has the rule).

    Of such a trial nobody knows what others used: whoever stops the runner beside trials that go
    badly must not have them borne with as if that were nothing, nor drop out.
    """
    late_s = machine.get("late_s")
    if late_s is None:
        return None
    says = f"the runner stood still or got no CPU for {late_s:.2g} s at an edge of the window"
    return Disturbed("late", says)


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
