# SPDX-License-Identifier: BSD-3-Clause
"""What a server's threads did with their time, in words: totals, and one sentence.

Nothing is said that the figures do not bear out. How many cores are busy follows from shares only
where it is known how long each thread was there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fibench.metrics import number
from fibench.report.numbers import percent
from fibench.timeline import LETTERS, NOT_THERE, STATES, Row, State, ThreadTime
from fibench.wording import counted, prose, shown

STATE_NAMES: Mapping[State, str] = {
    "running": "runs",
    "ready": "ready, but has no core",
    "gil": "waits for the GIL",
    "lock": "waits for a lock",
    "network": "waits for the network",
    "sleeping": "sleeps",
    "other": "waits for something else",
}
"""What one thread does."""
_OF_MANY: Mapping[State, str] = {
    "running": "run",
    "ready": "are ready and have no core",
    "gil": "wait for the GIL",
    "lock": "wait for a lock",
    "network": "wait for the network",
    "sleeping": "sleep",
    "other": "wait for something else",
}
_RESIDUAL, _TOO_MUCH = "not accounted for", "accounted for twice"
_SEEN = 0.0005
"""Shares below are left out."""
_BY_THE_GIL, _ONE_CORE = 0.1, 1.1
"""Where threads wait for the GIL for this share of their time at least, and no more cores are busy,
one runs at a time."""
_HARDLY = 0.05
"""Of a core."""


@dataclass(frozen=True)
class WaitTotal:
    """How much of all thread-time went into one thing."""

    state: State | None
    """None: the residual."""
    share: float
    """Below 0: more was seen than there can have been."""

    @property
    def letter(self) -> str:
        """Its sign where there are no colours."""
        return " " if self.state is None else LETTERS[self.state]

    @property
    def name(self) -> str:
        """What a thread does meanwhile."""
        if self.state is None:
            return _TOO_MUCH if self.share < 0.0 else _RESIDUAL
        return STATE_NAMES[self.state]

    @property
    def said(self) -> str:
        """The share: "81 %"."""
        return percent(abs(self.share))


def wait_totals(time: ThreadTime) -> list[WaitTotal]:
    """What thread-time went into, in the order of STATES, the residual last; nothing that has no
    share."""
    found = [WaitTotal(state, time.shares.get(state, 0.0)) for state in STATES]
    found.append(WaitTotal(None, time.residual or 0.0))
    return [one for one in found if abs(one.share) >= _SEEN]


def sentence_of_waits(time: ThreadTime) -> str:
    """What a picture of it shows: "8 threads: one runs at a time, 81 % of their time they wait for
    the GIL"."""
    if time.absent is not None:
        return f"what its threads did is not known: {prose(time.absent)}"
    if time.threads < 1 or not time.shares:
        return "no thread was seen"
    most = max(STATES, key=lambda state: time.shares.get(state, 0.0))
    running = time.shares.get("running", 0.0)
    who = _who(time)
    if time.threads == 1:
        runs = f"{who}: it runs {percent(running)} of its time"
        if most == "running":
            return runs
        wait = STATE_NAMES[most].replace("ready, but has", "is ready and has")
        return f"{runs}; {percent(time.shares[most])} it {wait}"
    share = percent(time.shares[most])
    cores = _cores(time)
    if cores is None:
        runs = f"they run {percent(running)} of their time"
        return f"{who}: {runs}" + ("" if most == "running" else f", {share} they {_OF_MANY[most]}")
    if cores < _HARDLY:
        busy = "hardly any runs"
    elif time.shares.get("gil", 0.0) >= _BY_THE_GIL and cores <= _ONE_CORE:
        busy = "one runs at a time"
    else:
        busy = f"they keep {_cores_said(cores)} busy"
    return f"{who}: {busy}, {share} of their time they {_OF_MANY[most]}"


def _cores_said(cores: float) -> str:
    said = number(cores, 2)
    return f"{said} core{'' if said == '1' else 's'}"


def _who(time: ThreadTime) -> str:
    """Threads, or the processes that have one each."""
    threads = "one thread" if time.threads == 1 else f"{time.threads:,} threads"
    processes = len({row.pid for row in time.rows})
    if time.rows_left_out or processes < 2:
        return threads
    if processes == len(time.rows) == time.threads:
        return f"{processes:,} processes"
    return f"{threads} in {processes:,} processes"


def _cores(time: ThreadTime) -> float | None:
    """How many cores were busy on average; None where not all threads have a row, so that it is not
    known how long each was there."""
    columns = max((len(row.columns) for row in time.rows), default=0)
    if time.rows_left_out or len(time.rows) != time.threads or not columns:
        return None
    there = sum(len(row.columns) - row.columns.count(NOT_THERE) for row in time.rows)
    return time.shares.get("running", 0.0) * there / columns


def row_names(rows: Sequence[Row]) -> list[str]:
    """What the rows are called: the threads' own names, numbered where several have the same."""
    names = [shown(row.name) or "thread" for row in rows]
    times, seen = Counter(names), Counter[str]()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if times[name] == 1 else f"{name} {seen[name]}")
    return found


def row_shares(row: Row) -> list[tuple[State, float]]:
    """What a thread did while it was there, as its row shows it."""
    there = len(row.columns) - row.columns.count(NOT_THERE)
    counts = Counter(row.columns)
    return [(state, counts[LETTERS[state]] / there) for state in STATES if counts[LETTERS[state]]]


def method_words(time: ThreadTime) -> list[str]:
    """How it was seen, what is not drawn, and what cannot be known."""
    found = []
    if time.wall_s is not None:
        span = f"over {number(time.wall_s, 2)} s of an untimed trial"
        if time.source == "switches":
            found.append(f"from every switch that the kernel made, {span}")
        elif time.rate_hz is not None:
            found.append(f"from {number(time.rate_hz, 2)} samples a second, {span}")
    if time.rows_left_out:
        found.append(f"{counted(time.rows_left_out, 'more thread')} not drawn")
    return [*found, *(prose(one) for one in time.unknown)]
