# SPDX-License-Identifier: BSD-3-Clause
"""How many cores a server can have used at most, since its design keeps no more of them busy. Pure.

Verdicts take it for what others cannot have kept the server from (verdict/foreign/widening.py): so
it is known only where nothing is left to believe. The design is one of the catalogue, what a file
says of a server of one's own does not count; and no more threads were seen than it can keep busy,
so that none worked beside them that was idle when others were there.

Who uses a core as long as there is one, whatever it answers (`busy`), can have been kept from
answering all the same. And where hardware threads share a core, others make a request take more CPU
time than it does without them.

Threads of one Python process take turns: what they compute, one of them computes at a time, the one
that has the GIL. Beside that they run in what releases it, which are system calls, with a few
instructions around each that take no longer than the call itself. So of the CPU time of a request
at least user time less system time is spent with the GIL; there is never more than one core of
that, and never more cores in all than one ÷ its share. Of work that releases it (`WITHOUT_GIL`)
nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fibench.backends import Backend
    from fibench.server.resources import CpuUse


WITHOUT_GIL = ("hash",)
"""Of what a request can do besides fibonacci(n), what computes without the GIL."""


def most_cores(
    backend: Backend, workers: int | None, threads: int | None, machine: Mapping[str, float | None]
) -> float | None:
    """The most cores that a design can have kept busy; None: as many as there are, or not known.

    `threads` are the most that its server was seen to have; `machine` has the window's figures.
    """
    if backend.busy or not _has_cores_of_its_own(machine):
        return None
    return most_by_threads(backend, workers, threads)


def most_cores_with_a_gil(
    backend: Backend,
    processes: int | None,
    used: CpuUse | None,
    machine: Mapping[str, float | None],
    work: str | None = None,
) -> float | None:
    """The same of a design whose threads take turns at the GIL of an interpreter that has one.

    `processes` are the most that were seen, each of which would have a GIL of its own; `used` is
    the CPU time of the window; `work` is what requests do besides fibonacci(n).
    """
    cores = machine.get("usable_cores")
    most = most_by_turns(backend, processes, used, work)
    if cores is None or most is None or not _has_cores_of_its_own(machine):
        return None
    return min(cores, most)


def _has_cores_of_its_own(machine: Mapping[str, float | None]) -> bool:
    """Whether each CPU is a core, as far as is known."""
    cores, cpus = machine.get("usable_cores"), machine.get("usable_cpus")
    return cores is not None and cpus is not None and cpus <= cores


def most_by_threads(backend: Backend, workers: int | None, threads: int | None) -> float | None:
    """The most CPUs that a server keeps busy at once, by the threads that its design has; None: as
    many as there are, or not known. `threads` are the most that were seen."""
    most = workers if backend.cores == "workers" else backend.cores
    if backend.command or not isinstance(most, int):
        return None
    return float(most) if threads is not None and 0 < threads <= most else None


def most_by_turns(
    backend: Backend, processes: int | None, used: CpuUse | None, work: str | None = None
) -> float | None:
    """The same of a design whose threads take turns, where the interpreter has a GIL."""
    if backend.command or not backend.gil or processes != 1 or used is None:
        return None
    if work in WITHOUT_GIL:
        return None
    with_gil_ns = used.user_ns - used.system_ns
    return used.total_ns / with_gil_ns if with_gil_ns > 0 else None
