# SPDX-License-Identifier: BSD-3-Clause
"""Asymptotic bounds on the throughput of a closed loop, whatever its server does. Pure.

Denning and Buzen 1978, "The operational analysis of queueing network models"; Lazowska and others
1984, "Quantitative System Performance", chapter 5. Nothing is fitted, and no distribution assumed:

    X ≤ N ÷ (D + Z)     each of N requests in flight is there for D + Z at least, since requests
                        of others can only make it wait
    X ≤ C ÷ D           C CPUs have C seconds of CPU time in a second, and a request takes D of it
    X ≤ 1 ÷ G           one GIL is had for a second in a second, and a request has it for G

Part of a request's CPU time may come when its reply has gone: a process ends, a loop goes back to
its poll. The first of the two counts only what surely lies before the reply.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fibench.json_values import Json

Limit = Literal["clients", "cpus", "gil"]
DemandSource = Literal["one client", "this load", "computing", "io_wait"]


@dataclass(frozen=True)
class Demand:
    """What a request needs at least, in seconds."""

    cpu_s: float
    """CPU time of the server, whenever it is used."""
    until_reply_s: float
    """What of it surely passes before the reply."""
    wait_s: float = 0.0
    """What passes before the reply beside that, without a CPU."""
    gil_s: float = 0.0
    """What of the CPU time surely has the only GIL that there is; 0: none has, or it is not
    known."""


@dataclass(frozen=True)
class Asymptotes:
    """The bounds, in requests per second; infinite where there is none."""

    by_clients_per_s: float
    by_cpus_per_s: float
    by_gil_per_s: float = math.inf

    @property
    def per_s(self) -> float:
        """The lowest of them."""
        return min(self.by_clients_per_s, self.by_cpus_per_s, self.by_gil_per_s)

    @property
    def limit(self) -> Limit:
        """Which one that is."""
        if self.by_gil_per_s == self.per_s:
            return "gil"
        return "cpus" if self.by_cpus_per_s == self.per_s else "clients"


def asymptotes(at_once: float, cpus: float, demand: Demand) -> Asymptotes:
    """The bounds of so many requests that are served at once, on so many CPUs."""
    shortest_s = demand.until_reply_s + demand.wait_s
    return Asymptotes(
        by_clients_per_s=at_once / shortest_s if shortest_s > 0.0 else math.inf,
        by_cpus_per_s=cpus / demand.cpu_s if demand.cpu_s > 0.0 else math.inf,
        by_gil_per_s=1.0 / demand.gil_s if demand.gil_s > 0.0 else math.inf,
    )


@dataclass(frozen=True)
class Possible:
    """What the throughput of a cell can be at most; or why that is not known."""

    absent: str | None = None
    """Why nothing is known: then the rest is empty."""
    per_s: float | None = None
    limit: Limit | None = None
    at_once: int | None = None
    """How many requests its server can have in hand."""
    cpus: float | None = None
    """How many CPUs it can keep busy, by where it runs and by its design."""
    demand: Demand | None = None
    source: DemandSource | None = None
    """Where the demand is from; "this load": together requests take less CPU time than alone;
    "io_wait": no more is known than that."""
    cell: str | None = None
    """The key of the cell with one client, if it is from one."""

    def as_document(self, measured_per_s: float | None) -> dict[str, Json]:
        """As `report --format json` has it, beside what was measured."""
        if self.per_s is None or self.demand is None:
            return {"per_s": None, "absent": self.absent}
        share = None if measured_per_s is None else measured_per_s / self.per_s
        return {
            "per_s": self.per_s,
            "absent": None,
            "share": share,
            "limit": self.limit,
            "at_once": self.at_once,
            "cpus": self.cpus,
            "cpu_s": self.demand.cpu_s,
            "until_reply_s": self.demand.until_reply_s,
            "wait_s": self.demand.wait_s,
            "gil_s": self.demand.gil_s,
            "from": self.source,
            "one_client": self.cell,
        }


NONE_KNOWN: Mapping[str, Possible] = {}
"""By the keys of cells, of which nothing is known."""
