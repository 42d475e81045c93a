# SPDX-License-Identifier: BSD-3-Clause
"""Who else computes on this machine, how that is told, and when it is too much for a trial. Pure.

The rule was fixed before any trial. It is asked when one has just been measured, and again of its
record when somebody makes a claim that needs a quieter machine than the run was measured for.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fibench.wording import MOST_NAMED, counted

BUSY_SHARE = 0.05
"""Of one core: a process that takes more disturbs."""
FOREIGN_CORES = 0.05
"""Fewer cores that others use are what a quiet machine needs for itself."""
FOREIGN_SHARE = 0.25
"""Above this share of the usable cores others had too much of them…"""
FOREIGN_SHARE_UNBOUNDED = 0.03
"""…and where a figure is claimed that no interval can be widened for, above this one…"""
SURE_ERRORS = 2.0
"""…by so many standard errors…"""
TICKS_PER_S = 250.0
"""How often most kernels look who has a CPU (CONFIG_HZ), as far as a program can know."""
LEAST_S = 0.03
"""…and for three ticks of 10 ms at least, in which the kernel counts."""


@dataclass(frozen=True)
class Busy:
    """A process that computes while nothing is measured."""

    name: str
    pid: int
    share: float
    """Of one core."""


@dataclass(frozen=True)
class Server:
    """A server of fibench that listens."""

    program: str
    pid: int
    port: int


def cores_words(cores: float) -> str:
    """`1.9 cores`, `1 core`."""
    return f"{cores:.2g} core{'' if cores == 1 else 's'}"


def foreign_words(cores: float, usable: int, busy: Sequence[Busy]) -> str:
    """`1.9 of 2 cores are used by others: sh (4021) 1.0, cc1 (4100) 0.9`; names as they come."""
    shown = [f"{one.name} ({one.pid}) {one.share:.1f}" for one in busy if one.share >= BUSY_SHARE]
    said = f"{cores:.1f} of {counted(usable, 'core')} {'is' if usable == 1 else 'are'}"
    return f"{said} used by others" + (f": {', '.join(shown[:MOST_NAMED])}" if shown else "")


def too_much(
    machine: Mapping[str, float | None], names: Sequence[str], *, unbounded: bool
) -> str | None:
    """What others used, in words, if it was too much; None: it was not, or is not known.

    `machine` are the figures of a window as records have them (cores, s), `names` who used most.
    `unbounded`: it is held against a figure of which nothing bounds what others did to it.
    """
    foreign, usable, window_s = (
        machine.get(name) for name in ("foreign_cores", "usable_cores", "window_s")
    )
    if foreign is None or not usable or window_s is None or foreign * window_s < LEAST_S:
        return None
    if unbounded:
        bound = FOREIGN_SHARE_UNBOUNDED * usable + SURE_ERRORS * _sampling_error(machine)
    else:
        bound = FOREIGN_SHARE * usable
    if foreign <= bound:
        return None
    said = f"others used {foreign:.2g} of {usable:.0f} cores"
    return f"{said}: {', '.join(names)}" if names else said


def noise_while_watched(machine: Mapping[str, float | None], names: Sequence[str]) -> str | None:
    """The same of a trial in which threads were watched: ready, and without a CPU, they do not wait
    for what they would wait for."""
    said = too_much(machine, names, unbounded=False)
    return said and f"the machine was not quiet while the server was watched: {said}"


def _sampling_error(machine: Mapping[str, float | None]) -> float:
    """The standard error of the cores that were used, which most kernels sample at their ticks.

    A CPU that is busy for the whole window, or idle, has none.
    """
    used, cpus, window_s = (machine.get(name) for name in ("used_cores", "usable_cpus", "window_s"))
    if used is None or not cpus or not window_s:
        return 0.0
    busy = min(1.0, used / cpus)
    return math.sqrt(cpus * busy * (1.0 - busy) / (TICKS_PER_S * window_s))
