# SPDX-License-Identifier: BSD-3-Clause
"""What the rest of the machine did between the edges of a trial's window."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from fibench.machine import cores_in_mask
from fibench.machine.foreign import (
    CpuTimes,
    busiest_names,
    counts_part_of_machine,
    cpu_times,
    descendants_of,
    own_cpu_s,
    processes,
    used_by_others,
)
from fibench.machine.quota import Throttling, limited, most_throttled, throttling
from fibench.record import Evidence
from fibench.trial.evidence.probing import Probe, Probed

LEAST_COUNTED = 0.5
"""Less than this share of what server and load have used, and /proc/stat does not count them."""
LEAST_TICKS_S = 0.1
"""Unless that is no more than ten ticks."""


class Moment(NamedTuple):
    """What had been used at an edge of the window."""

    times: CpuTimes | None
    own_s: float
    """By this process and its helpers."""
    throttled: tuple[Throttling | None, ...]
    """Of each cgroup with a quota that holds this process."""


@dataclass(frozen=True)
class Seen:
    """What a trial's record has of it."""

    figures: Mapping[str, float | None] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)


class Watch:
    """Watches from before the load, when it is made, to `conclude`, after it.

    What takes long, reading all processes, is done before and after, so that nothing of it is in
    the window: at its edges a few files are read.
    """

    def __init__(self, programs: Path, supervisor_pid: int) -> None:
        self._processes = processes()
        self._quotas = limited()
        self._helpers = (supervisor_pid,)
        self._edges: dict[str, Moment] = {}
        self._probe = Probe(programs)

    def edge(self, name: str) -> None:
        """Read what has been used by now, at an edge of the window."""
        helpers = (*self._helpers, *self._probe.pids)
        stopped = tuple(map(throttling, self._quotas))
        self._edges[name] = Moment(cpu_times(), own_cpu_s(helpers), stopped)

    def conclude(self, server_cores: float | None, load_cores: float | None) -> Seen:
        """What was seen in the window, given the cores that server and load have used in it."""
        begin, end = self._edges.get("begin"), self._edges.get("end")
        if begin is None or end is None:
            return Seen()
        known = {} if server_cores is None else {"the server": server_cores}
        known |= {} if load_cores is None else {"the load generator": load_cores}
        unknown = [name for name in ("the server", "the load generator") if name not in known]
        figures, missing = figures_between(begin, end, sum(known.values()), unknown)
        names = self._names()
        if figures.get("foreign_cores") and not names:
            missing["names"] = "no process that can be seen here has used it"
        if begin.times is not None and end.times is not None:
            probed = self._probe.between(begin.times.monotonic_ns, end.times.monotonic_ns)
        else:
            probed = Probed(missing="the edges of the window are not known")
        if probed.missing is not None:
            missing["probe"] = probed.missing
        figures["probe_s"] = probed.slowest_s
        if self._quotas:
            figures["quota_cores"] = self._quotas[0].cores
        return Seen(figures, Evidence(tuple(names), missing))

    def _names(self) -> list[str]:
        after = processes()
        own = descendants_of(os.getpid(), after)
        return busiest_names(used_by_others(self._processes, after, own), after)

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._probe.__exit__(kind, error, traceback)


def figures_between(
    begin: Moment, end: Moment, known_cores: float, unknown: list[str]
) -> tuple[dict[str, float | None], dict[str, str]]:
    """The figures of a window, and by the kind of evidence why it is missing.

    `known_cores` are those that server and load kept busy; `unknown` names of whom that is not
    known.
    """
    figures: dict[str, float | None] = dict.fromkeys(
        ("window_s", "usable_cores", "usable_cpus", "used_cores", "accounted_cores")
    )
    figures |= dict.fromkeys(("foreign_cores", "window_steal_s"))
    missing: dict[str, str] = {}
    stopped = most_throttled(begin.throttled, end.throttled)
    if stopped is not None:
        figures["periods"], figures["throttled_periods"] = stopped.periods, stopped.throttled
        figures["throttled_s"] = stopped.throttled_s
    if begin.times is None or end.times is None:
        why = "/proc/stat does not tell what the CPUs here have done"
        return figures, {"foreign": why, "steal": why}
    window_s = (end.times.monotonic_ns - begin.times.monotonic_ns) * 1e-9
    if window_s <= 0:
        why = "the window has no length"
        return figures, {"foreign": why, "steal": why}
    figures["window_s"] = window_s
    figures["usable_cores"], figures["usable_cpus"] = cores_in_mask(), len(os.sched_getaffinity(0))
    figures["window_steal_s"] = max(0.0, end.times.steal_s - begin.times.steal_s)
    used = max(0.0, end.times.used_s - begin.times.used_s) / window_s
    accounted = known_cores + max(0.0, end.own_s - begin.own_s) / window_s
    if unknown:
        missing["foreign"] = f"what {' and '.join(unknown)} used is not known"
    elif used < LEAST_COUNTED * accounted and accounted * window_s > LEAST_TICKS_S:
        missing["foreign"] = "/proc/stat does not count what server and load have used"
    else:
        figures["used_cores"], figures["accounted_cores"] = used, accounted
        figures["foreign_cores"] = max(0.0, used - accounted)
        if counts_part_of_machine():
            missing["foreign"] = "/proc/stat counts this container alone: others are not in it"
    return figures, missing
