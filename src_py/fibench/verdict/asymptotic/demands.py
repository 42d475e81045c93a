# SPDX-License-Identifier: BSD-3-Clause
"""What a request of each cell needs at least, and what its cell could so answer at most. Pure.

The CPU time of a request is that of the cell with one client that asks for the same of the same
backend, in the same run: the lower end of its interval. Where there is none, it is what
fibonacci(n) alone takes in the server's language, which no server can do without; where that is so
little that reading and writing outweigh it, nothing is known. It is never more than what a request
takes in the cell itself: together requests may take less than alone, since one system call tells of
several, and a loop that has work does not go to sleep. So X ≤ C ÷ D holds by the utilisation law,
X D = the CPUs that were busy, whatever D alone is.

How long the fastest reply of the check took is of no use: it has the way there and back in it, and
the time until a sleeping thread runs, which many at once share. Nor is a bound made of the time of
one client's replies, for the same reason, but where a server of one's own waits for something that
nobody has told us of: then LATENCY_S is taken off.

What more was measured than a bound allows shows that a premise of it is wrong, and there is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from fibench.experiment import Cell, Experiment, KnownBackend
from fibench.metrics import quantity
from fibench.parameters import Parameters
from fibench.plan.pinning import MOST_COMPUTED_S
from fibench.record import Record
from fibench.verdict.asymptotic.asymptotes import Demand, DemandSource, Possible, asymptotes
from fibench.verdict.estimate import CellSummary
from fibench.verdict.foreign.widening import SAME_CORES

LATENCY_S = 1e-3
"""The way there and back and waking up take less than this: what one client waits for longer, its
server waits for."""
_NO_ONE_CLIENT = "no cell with one client asks for the same"


@dataclass(frozen=True)
class MeasuredCell:
    """What the trials of a cell gave: means over blocks in base units, and what else they say."""

    cell: Cell
    rate_per_s: float | None = None
    rate_low_per_s: float | None = None
    rate_high_per_s: float | None = None
    """The ends of its interval; None with one block."""
    cpu_s: float | None = None
    """CPU time of a request."""
    cpu_low_s: float | None = None
    cpus: float | None = None
    """How many CPUs its server can keep busy."""
    computing_s: float | None = None
    """What fibonacci(n) alone takes, in its language."""
    serves: int | None = None
    """How many connections its design serves at once; None: any number, or that is not known."""
    one_gil: bool = False
    """Whether all that it computes has one GIL."""
    fewest: int = 0
    """Replies in any of its windows."""


@dataclass(frozen=True)
class _Found:
    """A demand, and where it is from."""

    demand: Demand
    source: DemandSource
    cell: str | None = None
    goes_on: bool = False
    """A request keeps more than one CPU busy: part of its work comes beside or after its reply, and
    how much is not known."""
    cpus: float = 0.0
    """How many CPUs the server of that cell can keep busy."""


def possible_of(
    experiment: Experiment, summaries: Sequence[CellSummary], records: Iterable[Record]
) -> dict[str, Possible]:
    """What each cell could answer at most, by the cell's key."""
    by_cell: dict[str, list[Record]] = {}
    for record in records:
        if record.is_measurement:
            by_cell.setdefault(record.cell, []).append(record)
    cells = {cell.key: cell for cell in experiment.cells}
    every = [
        measured_of(cells[one.cell_key], one, by_cell.get(one.cell_key, ()))
        for one in summaries
        if one.cell_key in cells
    ]
    return possible_among(every, experiment.known)


def measured_of(cell: Cell, summary: CellSummary, records: Sequence[Record]) -> MeasuredCell:
    """What is known of a cell from its summary and its valid trials."""
    rate, cpu = summary.estimates["throughput"], summary.estimates["cpu_per_request"]
    # What a server did after the window, until its CPU time was read, may be in that.
    stretch = max((one.machine.get("cpu_stretch") or 1.0 for one in records), default=1.0)
    cpu_s, cpu_low_s = (None if one is None else one / stretch for one in (cpu.mean, cpu.low))
    cpus = [found for one in records if (found := one.machine.get("capacity_cpus"))]
    serves = {one.machine.get("serves") for one in records}
    takes = [found for one in records if (found := one.checks.fibonacci_s)]
    return MeasuredCell(
        cell,
        rate.mean,
        rate.low,
        rate.high,
        cpu_s,
        cpu_low_s,
        max(cpus, default=None),
        min(takes, default=None),
        None if None in serves else max((int(one) for one in serves if one), default=None),
        bool(records) and all(one.machine.get("one_gil") for one in records),
        min((one.counts.get("window_ok", 0) for one in records), default=0),
    )


def possible_among(
    every: Sequence[MeasuredCell], known: Mapping[str, KnownBackend]
) -> dict[str, Possible]:
    """The same of what is known of each cell."""
    alone = {_asked(one.cell.parameters): one for one in every if _is_alone(one.cell.parameters)}
    return {
        one.cell.key: _possible(
            one, alone.get(_asked(one.cell.parameters)), known.get(one.cell.backend)
        )
        for one in every
    }


def _asked(parameters: Parameters) -> Parameters:
    """What decides how long a request takes: all but how many there are, and for how long."""
    return replace(
        parameters,
        clients=1,
        pipeline=None,
        threads=None,
        duration=None,
        requests=None,
        warmup=None,
    )


def _is_alone(parameters: Parameters) -> bool:
    """Whether there is one request at a time."""
    one = parameters.clients == 1 and parameters.pipeline in (None, 1)
    return one and parameters.kind == "fibload" and not parameters.groups and not parameters.is_open


def _possible(
    one: MeasuredCell, alone: MeasuredCell | None, known: KnownBackend | None
) -> Possible:
    asked = one.cell.parameters
    why = _why_none(one)
    if why is not None:
        return Possible(why)
    found = _demand(one, alone, known)
    if isinstance(found, str):
        return Possible(found)
    clients = asked.clients if one.serves is None else min(asked.clients, one.serves)
    at_once = clients * (asked.pipeline or 1)
    cpus = max(one.cpus or 0.0, found.cpus)
    bounds = asymptotes(at_once, cpus, found.demand)
    if found.goes_on and bounds.limit == "cpus" and at_once < cpus:
        return Possible(
            "one request keeps more than one CPU busy, and what of that comes before its reply is "
            "not known"
        )
    if found.source == "io_wait" and bounds.limit != "clients":
        return Possible(f"{_NO_ONE_CLIENT}, and its wait is not what bounds it")
    # A window that begins between replies counts one more of each than fit into it, and clocks of
    # CPU time advance at ticks.
    edge = SAME_CORES + (at_once / one.fewest if one.fewest else 0.0)
    least = one.rate_low_per_s or one.rate_per_s or 0.0
    if least > bounds.per_s * edge:
        return Possible(
            f"more was measured than {quantity(bounds.per_s, '1/s')}, so that what one request "
            "takes alone does not bound it"
        )
    return Possible(
        per_s=bounds.per_s,
        limit=bounds.limit,
        at_once=at_once,
        cpus=cpus,
        demand=found.demand,
        source=found.source,
        cell=found.cell,
    )


def _why_none(one: MeasuredCell) -> str | None:
    """Why no bound is sought, whatever a request takes."""
    asked = one.cell.parameters
    if one.rate_per_s is None:
        return "its throughput is not known"
    if asked.kind == "process":
        return "client_bench.sh starts a client for each request"
    if asked.is_open:
        return "an open loop is asked for its rate, and no more"
    asking = {(group.n, group.request) for group in asked.groups if not group.idle}
    if len(asking) > 1:
        return "its client groups ask for different things"
    return None if one.cpus else "its trials do not say how many CPUs its server could use"


def _demand(
    one: MeasuredCell, alone: MeasuredCell | None, known: KnownBackend | None
) -> _Found | str:
    """What a request needs at least; or why that is not known."""
    asked = one.cell.parameters
    is_own = known is None or known.language == "own"
    wait_s = 0.0 if is_own else asked.io_wait or 0.0
    why = _NO_ONE_CLIENT
    if known is not None and known.busy:
        why, alone = "its server keeps a CPU busy while it waits: CPU time says nothing", None
    if alone is not None and alone.cpu_s is None:
        why, alone = "the CPU time of a request is not known of the cell with one client", None
    of_one_client = _of_one_client(alone, wait_s, is_own=is_own) if alone else None
    found = of_one_client or _of_computing(one, wait_s, why)
    if isinstance(found, str):
        return found
    if one.one_gil and one.computing_s and one.computing_s <= (one.cpu_s or math.inf):
        found = replace(found, demand=replace(found.demand, gil_s=one.computing_s))
    needs = found.demand
    if one.cpu_s is None or one.cpu_s >= needs.cpu_s or (known is not None and known.busy):
        return found
    until_s = min(needs.until_reply_s, one.cpu_s)
    here = replace(needs, cpu_s=one.cpu_s, until_reply_s=until_s)
    return replace(found, demand=here, source="this load")


def _of_computing(one: MeasuredCell, wait_s: float, why: str) -> _Found | str:
    """By what it computes, or if that is too little by what it waits for; `why` there is nothing
    better."""
    computes_s = one.computing_s or 0.0
    if computes_s > MOST_COMPUTED_S:
        return _Found(Demand(computes_s, computes_s, wait_s), "computing")
    if wait_s > 0.0:
        # What it takes here bounds nothing that it has not reached: _possible shows none by that.
        return _Found(Demand(one.cpu_s or 0.0, computes_s, wait_s), "io_wait")
    if one.computing_s is None:
        return why
    takes = quantity(computes_s, "s")
    return f"{why}, and what is computed takes {takes}: a request costs more than that"


def _of_one_client(alone: MeasuredCell, wait_s: float, *, is_own: bool) -> _Found | None:
    """By the cell with one client."""
    if alone.cpu_s is None or not alone.rate_per_s:
        return None
    cpu_s = alone.cpu_low_s or alone.cpu_s
    goes_on = alone.rate_per_s * (alone.cpu_s + wait_s) > SAME_CORES
    until_s = min(alone.computing_s or 0.0, cpu_s) if goes_on else cpu_s
    if is_own:
        shortest_s = 1.0 / (alone.rate_high_per_s or alone.rate_per_s) - LATENCY_S
        wait_s = max(0.0, shortest_s - until_s)
    demand = Demand(cpu_s, until_s, wait_s)
    return _Found(demand, "one client", alone.cell.key, goes_on, alone.cpus or 0.0)
