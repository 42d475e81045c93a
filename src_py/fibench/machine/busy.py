# SPDX-License-Identifier: BSD-3-Clause
"""Who computes on this machine while nothing is measured, and how that is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from fibench.wording import MOST_NAMED, counted

BUSY_SHARE = 0.05
"""Of one core: a process that takes more disturbs."""
FOREIGN_CORES = 0.05
"""Fewer cores that others use are what a quiet machine needs for itself."""


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
