# SPDX-License-Identifier: BSD-3-Clause
"""From a recording to the thread-time of a window: shares, slices, rows, and what is not known."""

from __future__ import annotations

import bisect
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fibench.timeline.filling import RAN, RUNNABLE, WAS_READY, Stretch, Surplus, filled
from fibench.timeline.lacking import lacked, told_of
from fibench.timeline.recording import RecordedThread, Recording
from fibench.timeline.shares import COLUMNS, ROWS, SLICES, ThreadRow, ThreadTime
from fibench.timeline.states import LETTERS, NOT_THERE, STATES, State
from fibench.timeline.switching import switched

_OF_LETTER: Mapping[str, State] = {
    RAN: "running",
    WAS_READY: "ready",
    RUNNABLE: "ready",  # nothing has shown that it ran
    **{letter: state for state, letter in LETTERS.items() if state not in ("running", "ready")},
}
_NS = 1e-9
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class _Lived:
    """A thread in the window."""

    thread: RecordedThread
    begin_ns: int
    end_ns: int
    stretches: Sequence[Stretch]
    surplus: Sequence[Surplus]


def thread_time(recording: Recording | str, begin_ns: int, end_ns: int) -> ThreadTime:
    """Where thread-time went in a window of CLOCK_MONOTONIC; a recording may be why there is none.

    Source of the method: schedstat, proc_pid_syscall(5); `filling.py` says how they are put
    together.
    """
    if isinstance(recording, str):
        return ThreadTime(absent=recording)
    lived = _lived(recording, begin_ns, end_ns)
    if end_ns <= begin_ns or not lived:
        return ThreadTime(absent="no thread was seen in the window")
    edges = [begin_ns + (end_ns - begin_ns) * k // SLICES for k in range(SLICES + 1)]
    in_slices = _spent(lived, edges)
    spent: Counter[str] = sum(in_slices, Counter())
    total_ns = _total(lived, begin_ns, end_ns)
    known = [state for state in STATES if state not in lacked(recording, spent, total_ns)]
    shares = _shares(spent, total_ns, known)
    rows = _most_running(lived)
    return ThreadTime(
        absent=None,
        source="switches" if recording.has_switches else "samples",
        rate_hz=round(_rate(lived), 3),
        wall_s=(end_ns - begin_ns) * _NS,
        threads=len(lived),
        shares=shares,
        slices=tuple(
            _shares(each, _total(lived, *edge), known)
            for each, edge in zip(in_slices, itertools.pairwise(edges), strict=True)
        ),
        residual=round(1 - sum(shares.values()), _DIGITS),
        rows=tuple(_row(one, begin_ns, end_ns, recording) for one in rows),
        rows_left_out=len(lived) - len(rows),
        unknown=told_of(recording, spent, total_ns),
    )


def _lived(recording: Recording, begin_ns: int, end_ns: int) -> list[_Lived]:
    """The threads that there were in the window, in the order in which they began."""
    until_ns = recording.full_ns or recording.to_ns
    found = []
    for thread in sorted(recording.threads, key=lambda one: (not one.was_there, one.first_ns)):
        first = begin_ns if thread.was_there else max(thread.first_ns, begin_ns)
        last = min(thread.last_ns, end_ns) if thread.ended else end_ns
        if last > first:
            if recording.has_switches:
                found.append(_Lived(thread, first, last, switched(thread, until_ns), ()))
            else:
                found.append(_Lived(thread, first, last, *filled(thread, until_ns)))
    return found


def _overlap(begin_ns: int, end_ns: int, from_ns: int, to_ns: int) -> int:
    return max(0, min(end_ns, to_ns) - max(begin_ns, from_ns))


def _spent(lived: Iterable[_Lived], edges: Sequence[int]) -> list[Counter[str]]:
    """How long threads did what between each two edges, by the letters of their stretches."""
    spent: list[Counter[str]] = [Counter() for _ in edges[1:]]
    for one in lived:
        for begin_ns, end_ns, did in one.stretches:
            first = max(0, bisect.bisect_right(edges, begin_ns) - 1)
            for place in range(first, len(spent)):
                if edges[place] >= end_ns:
                    break
                spent[place][did] += _overlap(begin_ns, end_ns, edges[place], edges[place + 1])
        for surplus in one.surplus:
            place = bisect.bisect_left(edges, surplus.at_ns) - 1
            if 0 <= place < len(spent):
                spent[place][surplus.did] += surplus.length_ns
    return spent


def _total(lived: Iterable[_Lived], begin_ns: int, end_ns: int) -> int:
    return sum(_overlap(one.begin_ns, one.end_ns, begin_ns, end_ns) for one in lived)


def _shares(spent: Mapping[str, int], total_ns: int, known: Sequence[State]) -> dict[State, float]:
    """Shares of the known states; none of a time in which there was no thread."""
    if total_ns == 0:
        return {}
    by_state: defaultdict[State, int] = defaultdict(int)
    for letter, state in _OF_LETTER.items():
        by_state[state] += spent.get(letter, 0)
    return {state: min(1.0, round(by_state[state] / total_ns, _DIGITS)) for state in known}


def _rate(lived: Iterable[_Lived]) -> float:
    """Looks at a thread, a second."""
    often = [one.thread for one in lived if one.thread.looks > 1]
    looks = sum(thread.looks - 1 for thread in often)
    time_ns = sum(thread.last_ns - thread.first_ns for thread in often)
    return looks / (time_ns * _NS) if time_ns > 0 else 0.0


def _most_running(lived: Sequence[_Lived]) -> list[_Lived]:
    """The threads that have a row."""

    def ran_ns(place: int) -> int:
        one = lived[place]
        return sum(
            _overlap(stretch.begin_ns, stretch.end_ns, one.begin_ns, one.end_ns)
            for stretch in one.stretches
            if stretch.did == RAN
        )

    places = sorted(range(len(lived)), key=ran_ns, reverse=True)[:ROWS]
    return [lived[place] for place in sorted(places)]


def _row(one: _Lived, begin_ns: int, end_ns: int, recording: Recording) -> ThreadRow:
    """A column is what took most of its time."""
    columns: list[Counter[str]] = [Counter() for _ in range(COLUMNS)]
    wide = (end_ns - begin_ns) / COLUMNS
    told = "schedstat" not in recording.lacks
    for stretch in one.stretches:
        first = max(0, int((stretch.begin_ns - begin_ns) / wide))
        last = min(COLUMNS - 1, int((stretch.end_ns - begin_ns) / wide))
        state = _OF_LETTER.get(stretch.did, "other")
        letter = LETTERS[state if told or state != "ready" else "other"]
        for column in range(first, last + 1):
            left = begin_ns + int(column * wide)
            right = begin_ns + int((column + 1) * wide)
            columns[column][letter] += _overlap(stretch.begin_ns, stretch.end_ns, left, right)
    letters = []
    for counted in columns:
        counted[NOT_THERE] = max(0, int(wide) - counted.total())
        letters.append(max(counted, key=lambda letter: counted[letter]))
    return ThreadRow(one.thread.pid, one.thread.tid, one.thread.name, "".join(letters))
