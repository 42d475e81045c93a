# SPDX-License-Identifier: BSD-3-Clause
"""Every metric in one table: its unit, what has it, and when its figure may be shown.

The keys of a claim, the columns of tables, JSON and CSV, and what a journal record may hold are all
derived from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal, get_args

from fibench.quantities import RATE_UNITS, SIZE_UNITS, TIME_UNITS
from fibench.wording import listed_with

Unit = Literal["1/s", "s", "cores", "bytes", "count", "1/request", "share"]
"""A share is a number from 0 to 1, which people read as per cent; its bounds are numbers, too."""
UntimedRole = Literal["syscalls", "timeline"]
"""The roles of trials that are made beside the timed ones, for what would slow a server down."""

_SUFFIXES: Mapping[Unit, str] = {
    "1/s": "_per_s",
    "s": "_s",
    "bytes": "_bytes",
    "cores": "",
    "count": "",
    "1/request": "",
    "share": "_share",
}
_BOUNDS: Mapping[Unit, Mapping[str, float]] = {
    "1/s": RATE_UNITS,
    "s": TIME_UNITS,
    "bytes": SIZE_UNITS,
}


@dataclass(frozen=True)
class Metric:
    """One thing that a trial measures.

    `least_requests` is the one place that says when a figure may be shown: every trial that it
    rests on must have counted that many replies. A tail percentile needs ten replies beyond it; the
    median, which does not rest on a tail, needs ten in all; a rate, one.
    """

    name: str
    unit: Unit
    least_requests: int = 0
    meaning: str = field(kw_only=True)
    """What it is, in brackets behind its name; those that have it in common follow each other."""
    headed_as: str = ""
    """What its column is called, where that is not its name."""
    timed_as: str = ""
    """What a suite of pyperf calls it, which is of times: of a rate its reciprocal."""
    rests_on_meter: bool = False
    """Whether the figure is wrong where the load generator was the limit."""
    per_reply: bool = False
    """Whether it has the number of replies in it, a whole number, and no finer."""
    of_groups: bool = False
    """Whether each client group has its own; the rest is known of the server as a whole."""
    of_processes: bool = False
    """Whether a load of kind "process" has it, which keeps no clock for each request."""
    in_table: bool = False
    """Whether the table of cells has a column of it; the other formats have every metric."""
    compared: bool = False
    """Whether `compare` makes ratios of it."""
    explains: bool = False
    """Whether it says why other figures are as they are: none of it is better than another, and
    nothing is called worse for it."""
    least: float = 0.0
    """Above 0 of what may be nothing at all, and is known then: where figures are compared, which
    is by ratios, less than so much counts as so much."""
    counted_as: str = ""
    """A count: what the counts of a record call it, where that is not its name."""
    of_role: UntimedRole | None = None
    """The role of the untimed trial that has it, one a cell or block; None: every timed one has."""

    @property
    def heading(self) -> str:
        """What its column is called, in a table for people."""
        return self.headed_as or self.name

    @property
    def is_count(self) -> bool:
        """Whether it is a whole number that may be zero."""
        return self.unit == "count"

    @property
    def is_share(self) -> bool:
        """Whether it is from 0 to 1, and may be either."""
        return self.unit == "share"

    @property
    def is_percentile(self) -> bool:
        """Whether it is a latency at some rank, the largest included."""
        return self.unit == "s" and self.rests_on_meter and self.least_requests > 0

    @property
    def more_is_better(self) -> bool:
        """Whether the larger figure wins: of throughput; of all else the smaller."""
        return self.name == "throughput"

    @property
    def rises_alone(self) -> bool:
        """Whether a server has more of it that has the machine to itself."""
        return self.name in ("throughput", "cores", "running")

    @property
    def name_with_unit(self) -> str:
        """The name used in JSON, as `p50_s` or `throughput_per_s`; `cores` and counts are bare."""
        return self.name + _SUFFIXES[self.unit]

    @property
    def bound_units(self) -> Mapping[str, float]:
        """The units that the bound of a claim may have, in the base unit; empty: a bare number."""
        return _BOUNDS.get(self.unit, {})


def _latency(
    name: str,
    least_requests: int,
    *,
    in_table: bool = False,
    compared: bool = False,
    timed_as: str = "",
) -> Metric:
    return Metric(
        *(name, "s", least_requests),
        meaning="latency, a time",
        timed_as=timed_as,
        rests_on_meter=True,
        of_groups=True,
        in_table=in_table,
        compared=compared,
    )


LEAST_SHARE = 1e-4
"""No window is long enough to tell a ten-thousandth of the time in it from nothing."""
LEAST_DELAY_S = 1e-9
"""The scheduler counts nanoseconds."""


def _share(name: str, of_role: UntimedRole | None = None, *, compared: bool = False) -> Metric:
    """A share of thread-time: over all threads of the server, of the time that each was there."""
    return Metric(
        *(name, "share"),
        meaning="shares of the time that the server's threads were there, from 0 to 1",
        of_role=of_role,
        of_processes=of_role is None,
        compared=compared,
        explains=True,
        least=LEAST_SHARE,
    )


_MEMORY = "memory of the server's processes, each page counted once, whoever else maps it"

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            *("throughput", "1/s", 1),
            meaning="replies/s",
            timed_as="time per request (1/throughput)",
            rests_on_meter=True,
            per_reply=True,
            of_groups=True,
            of_processes=True,
            in_table=True,
            compared=True,
        ),
        Metric(
            "wall",
            "s",
            meaning="time of the whole load, where it ends by itself",
            rests_on_meter=True,
            of_processes=True,
            in_table=True,
        ),
        _latency("p50", 10, in_table=True, compared=True, timed_as="p50 latency"),
        _latency("p90", 100, in_table=True),
        _latency("p99", 1000, in_table=True, compared=True),
        _latency("p999", 10_000, in_table=True),
        _latency("max", 1),
        Metric(
            "cores",
            "cores",
            meaning="server CPU time per wall time",
            of_processes=True,
            in_table=True,
        ),
        Metric(
            *("cpu_per_request", "s", 1),
            meaning="server CPU time",
            headed_as="CPU/request",
            timed_as="CPU per request",
            per_reply=True,
            of_processes=True,
            in_table=True,
            compared=True,
        ),
        Metric("memory", "bytes", meaning=_MEMORY, in_table=True, compared=True),
        Metric("memory_peak", "bytes", meaning=_MEMORY),
        Metric("switches_per_request", "1/request", meaning="numbers"),
        Metric("syscalls_per_request", "1/request", meaning="numbers", of_role="syscalls"),
        _share("running", compared=True),
        _share("ready"),
        _share("waiting_for_gil", "timeline"),
        _share("waiting_for_lock", "timeline"),
        _share("waiting_for_network", "timeline"),
        _share("sleeping", "timeline"),
        Metric(
            *("run_delay_per_request", "s", 1),
            meaning="time for which the server's threads were ready to run and had no CPU",
            headed_as="run delay/request",
            per_reply=True,
            of_processes=True,
            compared=True,
            explains=True,
            least=LEAST_DELAY_S,
        ),
        Metric("refused", "count", meaning="counts", of_groups=True, counted_as="refused_by_cap"),
        Metric("errors", "count", meaning="counts", of_groups=True),
    )
}

CALLED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("rps", "qps", "tps", "rate", "requests", "replies", "speed", "requests_per_second",
         "req/s", "requests/s"),
        ("throughput",),
    ),
    **dict.fromkeys(("latency", "response_time", "mean", "average", "avg"), ("p50", "p99")),
    "median": ("p50",),
    "p95": ("p90", "p99"),
    "p99.9": ("p999",),
    "p100": ("max",),
    "time": ("wall", "p50"),
    "cpu": ("cores", "cpu_per_request"),
    "cpu_time": ("cpu_per_request",),
    **dict.fromkeys(("ram", "rss", "mem", "pss"), ("memory",)),
    "context_switches": ("switches_per_request",),
    "syscalls": ("syscalls_per_request",),
    **dict.fromkeys(
        ("run_delay", "run_queue_delay", "runqueue_delay", "run_queue"),
        ("run_delay_per_request", "ready"),
    ),
    "gil": ("waiting_for_gil",),
    **dict.fromkeys(("lock", "locks", "futex", "blocked"), ("waiting_for_lock", "waiting_for_gil")),
    **dict.fromkeys(("network", "waiting"), ("waiting_for_network",)),
    "idle": ("sleeping", "waiting_for_network"),
    "failures": ("errors",),
}  # fmt: skip
"""By what others call a metric, those that may be meant."""

LATENCIES = tuple(metric.name for metric in METRICS.values() if metric.is_percentile)
"""Percentiles, and the largest."""

PERCENTILES = tuple(name for name in LATENCIES if name != "max")

UNTIMED: Mapping[UntimedRole, tuple[str, ...]] = {
    role: tuple(m.name for m in METRICS.values() if m.of_role == role)
    for role in get_args(UntimedRole)
}
"""By the role of an untimed trial, the metrics that it has and timed ones have not."""

GROUP_METRICS = tuple(m.name for m in METRICS.values() if m.of_groups and not m.is_count)
"""What is estimated of a client group by itself; its counts are counted, too."""

GROUPS_HAVE = tuple(metric.name for metric in METRICS.values() if metric.of_groups)
"""What is known of each client group, as messages list it."""

OF_THREADS = ("running", "ready", "run_delay_per_request")
"""What the threads of a server tell that live through the window."""

PROCESSES_HAVE = tuple(
    sorted((m.name for m in METRICS.values() if m.of_processes), key=lambda name: name != "wall")
)
"""What is known of a load of kind "process", as messages list it: first what it is run for."""

CLAIMED = tuple(sorted(METRICS, key=lambda name: name == "wall"))
"""What a claim may be about, as messages list it: last what few loads have."""


TIMED = tuple(
    sorted(
        (metric for metric in METRICS.values() if metric.timed_as),
        key=lambda metric: (metric.rests_on_meter, metric.per_reply),
    )
)
"""What pyperf's suite has: first what rests least on the load generator."""


def explained() -> str:
    """Every metric that a claim may be about, and what it is."""
    return ", ".join(
        f"{listed_with('and', list(names))} ({meaning})"
        for meaning, names in groupby(CLAIMED, lambda name: METRICS[name].meaning)
    )


def in_group(group: str | None, name: str) -> str:
    """The key of a metric or count of one client group: "small/p99"; of all clients, its name."""
    return name if group is None else f"{group}/{name}"


def metric_of(key: str) -> Metric:
    """The metric that a key is about, whichever group it is of."""
    return METRICS[key.rpartition("/")[2]]


# Figures as people read them: three digits and a unit that suits.

DIGITS = 3


@dataclass(frozen=True)
class Scale:
    """A unit to show a figure in: the figure is divided by `size` and `suffix` put behind it."""

    size: float
    suffix: str


_SCALES: dict[Unit, tuple[Scale, ...]] = {
    "1/s": (Scale(1.0, "/s"),),
    "s": (Scale(1.0, " s"), Scale(1e-3, " ms"), Scale(1e-6, " µs"), Scale(1e-9, " ns")),
    "bytes": (
        Scale(2.0**30, " GiB"),
        Scale(2.0**20, " MiB"),
        Scale(2.0**10, " KiB"),
        Scale(1.0, " B"),
    ),
    "cores": (Scale(1.0, ""),),
    "count": (Scale(1.0, ""),),
    "1/request": (Scale(1.0, ""),),
    "share": (Scale(0.01, " %"),),
}


def scale_for(figure: float, unit: Unit, digits: int = DIGITS) -> Scale:
    """The largest unit in which the figure, rounded as it will be shown, is at least one."""
    scales = _SCALES[unit]
    fitting = (s for s in scales if float(f"{figure / s.size:.{digits}g}") >= 1.0)
    return next(fitting, scales[-1])


def number(figure: float, digits: int = DIGITS) -> str:
    """A bare number to that many significant digits, never in exponents: 0.0312, 1.98, 38,900."""
    if math.isinf(figure):
        return "∞" if figure > 0.0 else "-∞"
    if figure == 0.0 or not math.isfinite(figure):
        return f"{figure:g}"
    rounded = float(f"{figure:.{digits}g}")
    places = digits - 1 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:,.{min(max(places, 0), 9)}f}"


def cores_text(count: int) -> str:
    """So many cores, as a claim needs them."""
    return "1 physical core" if count == 1 else f"{count} physical cores"


def exact(figure: float, digits: int = 6) -> str:
    """A number as somebody wrote it: no more digits than it has, and never exponents."""
    text = number(figure, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity(figure: float, unit: Unit, digits: int = DIGITS) -> str:
    """A figure in base units with a unit that suits: `24.9 ms`, `71.3/s`, `9.13 MiB`."""
    scale = scale_for(figure, unit, digits)
    return number(figure / scale.size, digits) + scale.suffix
