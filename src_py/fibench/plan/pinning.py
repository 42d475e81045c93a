# SPDX-License-Identifier: BSD-3-Clause
"""Which CPUs the servers and the load may use. Pure: what cores there are is told to it.

Where requests do not compute, the load generator needs as much CPU time as the server does, and the
two would take cores from each other, at random. So each gets cores of its own. Where requests
compute, the load generator needs next to nothing, and a core kept from the servers would hide what
the experiment is about.

How long a request of the file computes is not known before it is asked, nor in which language a
server of the user's own computes. There each gets cores of its own where no server loses by it: its
design uses no more cores than are left to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from fibench.experiment import Cell, Experiment, KnownBackend
from fibench.metrics import cores_text, quantity
from fibench.parameters import ALL, UNIT_N, parse_cpus, written_cpus

MOST_COMPUTED_S = 1e-4
"""An experiment is about I/O if no request computes for longer."""

_REFERENCE_S: Mapping[str, tuple[int, float]] = {"c": (34, 0.013), "python": (27, 0.020)}
"""An n, and the CPU time that fibonacci(n) takes, in seconds, on a machine of today."""
_GROWTH = 1.618
"""By this factor fibonacci(n + 1) takes longer than fibonacci(n)."""


@dataclass(frozen=True)
class Pinning:
    """Which CPUs servers and load may use, as lists such as "0,2-3"; None: all that there are."""

    server: str | None
    load: str | None
    why: str
    """In words that follow "not pinned: ", or stand in brackets after the CPUs."""


def computing_s(n: int, language: str) -> float:
    """About how long fibonacci(n) computes, in seconds; a server of the user's own as in C: that
    long at least."""
    at, seconds = _REFERENCE_S.get(language, _REFERENCE_S["c"])
    return seconds * float(_GROWTH ** (n - at))


def work_s(cell: Cell, language: str) -> float:
    """About how long a request of a cell computes besides fibonacci(n), in seconds.

    What a server of the user's own makes of the same words is not known.
    """
    return 0.0 if language == "own" else cell.parameters.units * computing_s(UNIT_N, language)


def largest_n(cell: Cell) -> int | None:
    """The largest number that a cell's clients ask for; None: they ask for something else."""
    asked = [group.n for group in cell.parameters.groups if group.n is not None]
    return max(asked, default=cell.parameters.n)


def asked_cpus(experiment: Experiment) -> tuple[str | None, str | None]:
    """The CPUs that the file names for the servers and for the load."""
    given = (experiment.server.get("cpus"), experiment.load.get("cpus"))
    server, load = (None if text is None else str(text) for text in given)
    return server, load


def choose(experiment: Experiment, cores: Sequence[Sequence[int]]) -> Pinning:
    """What the file says, else cores apart for an experiment about I/O, else nothing.

    `cores` are the physical cores that may be used, each with its CPUs. The load gets the last of
    them, or as many of the last as it has threads, but never more than half.
    """
    server, load = asked_cpus(experiment)
    if server is not None or load is not None:
        return Pinning(_explicit(server), _explicit(load), "as the file says")
    if len(cores) < 2:
        return Pinning(None, None, "there is one core only")
    if not experiment.cells:
        return Pinning(None, None, "there is nothing to measure")
    if any(cell.parameters.kind == "process" for cell in experiment.cells):
        why = "client_bench.sh starts a process for each client, which share all cores"
        return Pinning(None, None, why)
    longest = max(experiment.cells, key=lambda cell: _computing_s(cell, experiment.known))
    seconds = _computing_s(longest, experiment.known)
    if seconds > MOST_COMPUTED_S:
        least = " at least" if _is_own(longest, experiment.known) else ""
        why = f"a request of {longest.label} computes for about {_about(seconds)}{least}"
        return Pinning(None, None, why)
    threads = max(cell.parameters.threads or 1 for cell in experiment.cells)
    count = max(1, min(threads, len(cores) // 2))
    unknown = [cell for cell in experiment.cells if _is_unknown(cell, experiment.known)]
    for cell in unknown:
        loses = _why_it_loses(cell, experiment.known, len(cores) - count, len(cores))
        if loses is not None:
            return Pinning(None, None, loses)
    why = f"the requests are about I/O: none computes for over {_about(MOST_COMPUTED_S)}"
    if unknown:
        why = "the servers' designs use no more cores"
    return Pinning(_cpus(cores[:-count]), _cpus(cores[-count:]), why)


def _is_own(cell: Cell, known: Mapping[str, KnownBackend]) -> bool:
    backend = known.get(cell.backend)
    return backend is None or backend.language == "own"


def _is_unknown(cell: Cell, known: Mapping[str, KnownBackend]) -> bool:
    """Whether it is not known if its requests are about I/O: what is no number may be anything,
    and a server of the user's own may compute in Python."""
    n = largest_n(cell)
    return n is None or (_is_own(cell, known) and computing_s(n, "python") > MOST_COMPUTED_S)


def _why_it_loses(
    cell: Cell, known: Mapping[str, KnownBackend], left: int, there_are: int
) -> str | None:
    """Why a server that is asked for requests of the file would lose by having `left` cores of
    those that there are; None: it would not."""
    backend = known.get(cell.backend)
    design = "any" if backend is None else backend.cores
    if design == "workers":
        design = there_are if cell.parameters.workers is None else cell.parameters.workers
    if design == "any":
        return (
            f"{cell.backend} may use all cores; if its design uses one, write cores = 1 in "
            f"[backends.{cell.backend}]"
        )
    if design <= left:
        return None
    return f"{cell.label} uses {cores_text(design)}, and the load would leave it {left}"


def _explicit(given: str | None) -> str | None:
    return None if given == ALL else given


def _cpus(cores: Sequence[Sequence[int]]) -> str:
    return written_cpus(cpu for core in cores for cpu in core)


def _computing_s(cell: Cell, known: Mapping[str, KnownBackend]) -> float:
    backend = known.get(cell.backend)
    n = largest_n(cell)
    language = backend.language if backend else "own"
    return 0.0 if n is None else computing_s(n, language) + work_s(cell, language)


def _about(seconds: float) -> str:
    return quantity(seconds, "s", digits=2)


def check_cpus(
    experiment: Experiment, affinity: Collection[int]
) -> list[tuple[tuple[str, str], str, str]]:
    """What is wrong with the CPUs that the file names, given those that this process may use.

    Each is a place in the file, a line of what, and a line of what to do.
    """
    wrong = []
    for table, text in zip(("server", "load"), asked_cpus(experiment), strict=True):
        if text is None or text == ALL:
            continue
        absent = set(parse_cpus(text)) - set(affinity)
        if absent:
            noun = "CPU" if len(absent) == 1 else "CPUs"
            what = f'cpus "{text}": {noun} {written_cpus(absent)} cannot be used here'
            wrong.append(((table, "cpus"), what, f"there are: {written_cpus(affinity)}"))
    return wrong
