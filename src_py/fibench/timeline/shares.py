# SPDX-License-Identifier: BSD-3-Clause
"""A server's thread-time over a window: shares of it, in ten slices, and a row for each thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from fibench.json_values import Json
from fibench.timeline.runs import run_lengths
from fibench.timeline.states import State

ROWS = 24
"""The most threads that have a row."""
COLUMNS = 150
"""The most columns of a row: moments, equally far from each other."""
SLICES = 10
"""Equal parts of the window: so many batches give an interval, by Student's t with 9 degrees of
freedom (batch means)."""

SeenBy: TypeAlias = Literal["samples", "switches"]
"""samples: what threads did was looked at so many times a second; switches: the kernel told of
every change of threads on a CPU, and only what is waited for is of samples."""


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """What one thread did, from the begin of the window to its end."""

    pid: int
    tid: int
    name: str
    """As the kernel has it: it comes from outside."""
    columns: str
    """A letter for each column, as many in each row: one of LETTERS, or NOT_THERE."""


@dataclass(frozen=True, slots=True)
class ThreadTime:
    """Where the thread-time of a server's tree went.

    Thread-time is wall time, summed over the threads that there were at each moment. A state that
    is not among `shares` cannot be known here; `unknown` says why.
    """

    absent: str | None
    """Why nothing is known: then the rest is empty."""
    source: SeenBy | None = None
    rate_hz: float | None = None
    """How many times a second each thread was really looked at."""
    wall_s: float | None = None
    """How long the window was."""
    threads: int = 0
    """How many were seen in it."""
    shares: Mapping[State, float] = field(default_factory=dict)
    """Of all thread-time in the window; with `residual` they add up to 1."""
    slices: Sequence[Mapping[State, float]] = ()
    """The same of SLICES equal parts of the window, in order; empty where no thread was."""
    residual: float | None = None
    """Which share nothing accounts for; below 0 where more was seen than there can have been."""
    rows: Sequence[ThreadRow] = ()
    """Of at most ROWS threads, those that ran most, in the order in which they began."""
    rows_left_out: int = 0
    unknown: Sequence[str] = ()
    """What cannot be known here, and why: a clause each."""

    def as_document(self) -> dict[str, Json]:
        """As it stands in a record, columns by their run lengths ("12r3q")."""
        if self.absent is not None:
            return {"absent": self.absent}
        return {
            "source": self.source,
            "rate_hz": self.rate_hz,
            "wall_s": self.wall_s,
            "threads": self.threads,
            "shares": {str(state): share for state, share in self.shares.items()},
            "slices": [{str(state): share for state, share in one.items()} for one in self.slices],
            "residual": self.residual,
            "rows": [
                {
                    "pid": row.pid,
                    "tid": row.tid,
                    "name": row.name,
                    "columns": run_lengths(row.columns),
                }
                for row in self.rows
            ],
            "rows_left_out": self.rows_left_out,
            "unknown": list(self.unknown),
        }
