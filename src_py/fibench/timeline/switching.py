# SPDX-License-Identifier: BSD-3-Clause
"""From the switches of a thread to what it did at every moment: when it ran is told, not guessed.

A switch says whether it would have gone on, so that it was ready until it had a CPU again, or
waits. What it waited for is of the sample that is nearest. When it was woken no switch says: how
long it was ready until it had a CPU is of schedstat, whose run_delay the next sample shows.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fibench.timeline.filling import RAN, RUNNABLE, WAS_READY, Stretch
from fibench.timeline.recording import RecordedThread

_ON, _WAITS, _AWAY = "I", "W", "P"
_NOT_SEEN = "?"
"""What one waits for of whom there is no sample."""


class _Part(NamedTuple):
    """From one switch to the next."""

    begin_ns: int
    end_ns: int
    does: str


def switched(thread: RecordedThread, until_ns: int) -> Sequence[Stretch]:
    """What a thread did from when it was first seen to its last look, or to `until_ns`."""
    parts = list(_parts(thread, min(thread.last_ns, until_ns)))
    ready_ns = _ready_before(thread, parts)
    waiting = [one for one in thread.samples if one.does != RUNNABLE]
    times = [one.at_ns for one in waiting]
    stretches: list[Stretch] = []

    def append(begin_ns: int, end_ns: int, did: str) -> None:
        if end_ns <= begin_ns:
            return
        if stretches and stretches[-1].did == did:
            begin_ns = stretches.pop().begin_ns
        stretches.append(Stretch(begin_ns, end_ns, did))

    for number, part in enumerate(parts):
        if part.does == _WAITS:
            woken_ns = part.end_ns - ready_ns.get(number, 0)
            nearest = _nearest(times, (part.begin_ns + woken_ns) // 2)
            did = _NOT_SEEN if nearest is None else waiting[nearest].does
            append(part.begin_ns, woken_ns, did)
            append(woken_ns, part.end_ns, WAS_READY)
        else:
            append(part.begin_ns, part.end_ns, RAN if part.does == _ON else WAS_READY)
    return stretches


def _parts(thread: RecordedThread, end_ns: int) -> Iterator[_Part]:
    begin_ns, does = thread.first_ns, _at_first(thread)
    for switch in thread.switches:
        if not begin_ns <= switch.at_ns < end_ns:
            does = switch.does if switch.at_ns < begin_ns else does
            continue
        if switch.at_ns > begin_ns:
            yield _Part(begin_ns, switch.at_ns, does)
        begin_ns, does = switch.at_ns, switch.does
    if end_ns > begin_ns:
        yield _Part(begin_ns, end_ns, does)


def _at_first(thread: RecordedThread) -> str:
    """What a thread did before its first switch."""
    runnable = not thread.samples or thread.samples[0].does == RUNNABLE
    if thread.switches and thread.switches[0].does != _ON:
        return _ON
    if thread.switches:
        return _AWAY if runnable or not thread.was_there else _WAITS  # who begins is ready
    if any(one.run_ns for one in thread.samples):
        return _ON
    return _AWAY if thread.samples and runnable else _WAITS


def _ready_before(thread: RecordedThread, parts: Sequence[_Part]) -> dict[int, int]:
    """How long it was ready at the end of each part in which it waited, by the part's number.

    What a sample shows is of all times that it got a CPU since the sample before.
    """
    times = [one.at_ns for one in thread.samples]
    waited: defaultdict[int, list[int]] = defaultdict(list)
    left_ns: dict[int, int] = {}
    for number, part in enumerate(parts[:-1]):
        sample = bisect.bisect_left(times, part.end_ns)
        if part.does == _ON or sample == len(times):
            continue
        left_ns.setdefault(sample, thread.samples[sample].delay_ns)
        if part.does == _AWAY:
            left_ns[sample] -= part.end_ns - part.begin_ns
        else:
            waited[sample].append(number)
    found = {}
    for sample, numbers in waited.items():
        each_ns = max(0, left_ns[sample]) // len(numbers)
        for number in numbers:
            part = parts[number]
            found[number] = min(each_ns, part.end_ns - part.begin_ns)
    return found


def _nearest(times: Sequence[int], at_ns: int) -> int | None:
    """Which of some times in order is nearest; None of none."""
    after = bisect.bisect_left(times, at_ns)
    near = [place for place in (after - 1, after) if 0 <= place < len(times)]
    return min(near, key=lambda place: abs(times[place] - at_ns), default=None)
