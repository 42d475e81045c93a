# SPDX-License-Identifier: BSD-3-Clause
"""What is promised of the designs, in parts that can be measured one by one."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fibench.backends import Backend
from fibench.develop.bench.computing import print_computing
from fibench.develop.bench.connections import print_connections
from fibench.develop.bench.idle import print_idle
from fibench.develop.bench.keepalive import print_keepalive
from fibench.develop.bench.measuring import Desk, split_desk
from fibench.develop.bench.python_loops import print_python_loops
from fibench.develop.bench.rounds import Effort
from fibench.develop.bench.units import print_units
from fibench.machine import usable_cores
from fibench.report.lines import machine_line

PARTS: Mapping[str, Callable[[Desk, Mapping[str, Backend], Effort], bool]] = {
    "keepalive": print_keepalive,
    "connections": print_connections,
    "computing": print_computing,
    "units": print_units,
    "idle": print_idle,
    "python": print_python_loops,
}


def print_designs(
    parts: Sequence[str], programs: Path, backends: Mapping[str, Backend], effort: Effort
) -> bool:
    """Measure these parts, in the order of PARTS; returns whether every promise was kept."""
    print(machine_line(usable_cores()))
    with tempfile.TemporaryDirectory(prefix="fibench-") as folder:
        desk = split_desk(programs, Path(folder))
        kept = [PARTS[part](desk, backends, effort) for part in PARTS if part in parts]
    return all(kept)
