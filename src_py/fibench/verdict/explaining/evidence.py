# SPDX-License-Identifier: BSD-3-Clause
"""What was measured beside a trial that may explain why it is unlike the others of its cell. Pure.

A rule for all: a thing is told if it reached what is worth a word, and was more than TWICE the most
that it was in any other trial of the cell. So what always is there, as pressure where threads
outnumber cores, explains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fibench.metrics import quantity
from fibench.record import Record

TWICE = 2.0
_FEWEST = 3
"""Beside fewer trials it is not known what is usual."""


@dataclass(frozen=True)
class _Source:
    """One thing that records have."""

    name: str
    of: Callable[[Record], float | None]
    least: float
    """Less is not worth a word."""
    is_time: bool = True

    def said(self, figure: float) -> str:
        """As a person reads it."""
        if self.is_time:
            return quantity(figure, "s", 2) if figure > 0.0 else "0 s"
        return f"{figure:.0f}"


def _machine(name: str) -> Callable[[Record], float | None]:
    return lambda record: record.machine.get(name)


def _count(name: str) -> Callable[[Record], float | None]:
    return lambda record: record.counts.get(name)


def _involuntary(record: Record) -> float | None:
    return record.server.switches_involuntary if record.server else None


_SOURCES = (
    _Source("time that the hypervisor gave to others", _machine("steal_s"), 0.03),
    _Source("waiting for a CPU", _machine("cpu_pressure_s"), 0.05),
    _Source("waiting for memory", _machine("memory_pressure_s"), 0.02),
    _Source("waiting for the disk", _machine("io_pressure_s"), 0.05),
    _Source("the load generator's lag", lambda record: record.checks.lag_p99_s, 0.001),
    _Source("times that a listen queue was full", lambda r: r.checks.listen_overflows, 1, False),
    _Source("connections that were dropped", lambda r: r.checks.listen_drops, 1, False),
    _Source("segments that were sent again", lambda r: r.checks.retransmits, 1, False),
    _Source("requests that were refused", _count("refused_by_cap"), 1, False),
    _Source("errors", _count("errors"), 1, False),
    _Source("involuntary switches of the server", _involuntary, 100, False),
)


def evidence(record: Record, others: Sequence[Record]) -> Iterator[str]:
    """What differs beside a trial from all others of its cell, each as a clause."""
    if record.disturbed is not None:
        yield record.disturbed.says
    for source in _SOURCES:
        own = source.of(record)
        usual = [figure for other in others if (figure := source.of(other)) is not None]
        if own is None or own < source.least or len(usual) < _FEWEST:
            continue
        if own > TWICE * max(usual):
            most = source.said(max(usual))
            yield f"{source.name}: {source.said(own)}, in the others at most {most}"
