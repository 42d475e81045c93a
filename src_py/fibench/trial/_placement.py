# SPDX-License-Identifier: BSD-3-Clause
"""Where the server and the load of a cell run, and how many cores that is."""

import os
from functools import lru_cache

from fibench.machine import cores as machine
from fibench.parameters import ALL, Parameters, parse_cpus
from fibench.plan import Pinning


def server_cpus(parameters: Parameters, pinning: Pinning) -> str | None:
    """The CPUs of a cell's server, as "0,2-3"; None: not pinned."""
    return _chosen(parameters.server_cpus, pinning.server)


def load_cpus(parameters: Parameters, pinning: Pinning) -> str | None:
    """The CPUs of a cell's load, likewise."""
    return _chosen(parameters.load_cpus, pinning.load)


def _chosen(asked: str | None, otherwise: str | None) -> str | None:
    cpus = otherwise if asked is None else asked
    return None if cpus == ALL else cpus


@lru_cache
def core_count(cpus: str | None) -> int:
    """How many distinct physical cores a list of CPUs is; without one, all that may be used.

    Found out once: reading the topology takes a millisecond or two.
    """
    usable = machine.usable_cores()
    if cpus is None:
        return usable
    return min(usable, len({machine.physical_core(cpu) for cpu in parse_cpus(cpus)}))


def cpu_count(cpus: str | None) -> int:
    """How many CPUs, hardware threads, a list of CPUs has that may be used; without one, all."""
    usable = os.sched_getaffinity(0)
    return len(usable if cpus is None else usable.intersection(parse_cpus(cpus)))
