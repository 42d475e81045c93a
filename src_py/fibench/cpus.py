# SPDX-License-Identifier: BSD-3-Clause
"""CPUs of servers and load: which ones, and how many cores they are."""

from collections.abc import Mapping
from typing import Any

from fibench import machine
from fibench.pinning import Pinning

ALL = "all"
"""What a file says for "not pinned", whatever would be chosen without it."""


def server_cpus(parameters: Mapping[str, Any], pinning: Pinning) -> str | None:
    """The CPUs of a cell's server, as "0,2-3"; None: not pinned."""
    return _chosen(parameters.get("server_cpus"), pinning.server)


def load_cpus(parameters: Mapping[str, Any], pinning: Pinning) -> str | None:
    """The CPUs of a cell's load, likewise."""
    return _chosen(parameters.get("load_cpus"), pinning.load)


def _chosen(asked: str | None, otherwise: str | None) -> str | None:
    cpus = otherwise if asked is None else asked
    return None if cpus == ALL else cpus


def parse(cpus: str) -> list[int]:
    """The numbers in "0,2-3". Raises ValueError for other text."""
    found: list[int] = []
    for part in cpus.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def core_count(cpus: str | None) -> int:
    """How many distinct physical cores a list of CPUs is; without one, all that may be used."""
    usable = machine.usable_cores()
    if cpus is None:
        return usable
    return min(usable, len({machine._physical_core(cpu) for cpu in parse(cpus)}))
