# SPDX-License-Identifier: BSD-3-Clause
"""From samples of a thread to what it did at every moment: execution time is filled in backwards.

The kernel adds execution time to schedstat at ticks and when threads are switched, every 1 to 10 ms
for who runs all along. A sample that shows some says that it was used before; one that shows none
says nothing. So a time in which a thread was runnable is open until a later sample fills it; what
no sample fills, it was ready. The same with the time that it was ready (run_delay), which is added
when it gets a CPU. Of a thread that waited before and waits again what it used in between lies
somewhere between the two looks: it is put into the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fibench.timeline.recording import RecordedThread

RUNNABLE = "r"
"""Of a sample, and of a stretch that is still open."""
RAN = "R"
WAS_READY = "Q"
_RESOLVED = (RAN, WAS_READY)


class Stretch(NamedTuple):
    """What a thread did from one time to another: RAN, WAS_READY, or what it waited for."""

    begin_ns: int
    end_ns: int
    did: str


class Surplus(NamedTuple):
    """Time that has shown up at a moment, and for which there was no room before it."""

    at_ns: int
    length_ns: int
    did: str


@dataclass(slots=True)
class _Line:
    """A thread's stretches so far, without gaps, neighbours of one kind made one."""

    at_ns: int
    stretches: list[Stretch] = field(default_factory=list)
    surplus: list[Surplus] = field(default_factory=list)

    def on_to(self, end_ns: int, did: str) -> None:
        """Go on to a time, which may be where we are."""
        if end_ns > self.at_ns:
            self.append(Stretch(self.at_ns, end_ns, did))
            self.at_ns = end_ns

    def append(self, one: Stretch) -> None:
        """Add a stretch, of which the begin is the end of the last one."""
        if self.stretches and self.stretches[-1].did == one.did:
            one = Stretch(self.stretches.pop().begin_ns, one.end_ns, one.did)
        self.stretches.append(one)

    def open_ns(self) -> int:
        """How long it was runnable, up to now, without that it is known whether it ran."""
        length = 0
        for one in reversed(self.stretches):
            if one.did == RUNNABLE:
                length += one.end_ns - one.begin_ns
            elif one.did not in _RESOLVED:
                break
        return length

    def fill(self, run_ns: int, delay_ns: int) -> None:
        """Fill what is open backwards, first with what it ran, then with what it was ready.

        What is left of one that was runnable all along was before the first sample.
        """
        later: list[Stretch] = []
        reached = had_waited = False
        left = {RAN: run_ns, WAS_READY: delay_ns}
        while self.stretches and any(left.values()):
            one = self.stretches.pop()
            runnable = one.did == RUNNABLE or one.did in _RESOLVED
            if reached and not runnable:
                later += self._woken(one, left)
                had_waited = True
                break
            reached = reached or runnable
            end_ns = one.end_ns
            for did in _RESOLVED if one.did == RUNNABLE else ():
                length = min(left[did], end_ns - one.begin_ns)
                left[did] -= length
                if length:
                    later.append(Stretch(end_ns - length, end_ns, did))
                    end_ns -= length
            if end_ns > one.begin_ns:
                later.append(Stretch(one.begin_ns, end_ns, one.did))
        for one in reversed(later):
            self.append(one)
        if had_waited or not reached:
            self.surplus += [Surplus(self.at_ns, each, did) for did, each in left.items() if each]

    def _woken(self, waited: Stretch, left: dict[str, int]) -> list[Stretch]:
        """The end of a wait in which it was ready already, and what is left of the wait.

        The sampler takes who had no CPU since it was seen to wait to wait still.
        """
        length = min(left[WAS_READY], waited.end_ns - waited.begin_ns)
        left[WAS_READY] -= length
        woken_ns = waited.end_ns - length
        parts = (Stretch(woken_ns, waited.end_ns, WAS_READY), waited._replace(end_ns=woken_ns))
        return [part for part in parts if part.end_ns > part.begin_ns]


def filled(thread: RecordedThread, until_ns: int) -> tuple[Sequence[Stretch], Sequence[Surplus]]:
    """What a thread did from its first sample to its last look, or to `until_ns`; and what has
    shown up and could not be placed."""
    if not thread.samples:
        return (), ()
    first, *rest = thread.samples
    line, did = _Line(first.at_ns), first.does
    for sample in rest:
        before_ns = max(sample.at_ns - sample.gap_ns, line.at_ns)
        line.on_to(before_ns, did)
        gap_ns, used_ns = sample.at_ns - before_ns, sample.run_ns + sample.delay_ns
        if sample.does == RUNNABLE:
            waited = did != RUNNABLE
            left_ns = max(0, gap_ns - used_ns) if used_ns else gap_ns // 2
            line.on_to(before_ns + (left_ns if waited else 0), did)
            line.on_to(sample.at_ns, RUNNABLE)
        else:
            # All that it used has shown up, since it was switched away from.
            inside_ns = min(gap_ns, max(0, used_ns - line.open_ns()))
            if did != RUNNABLE:
                line.on_to(before_ns + (gap_ns - inside_ns) // 2, did)
            line.on_to(line.at_ns + inside_ns, RUNNABLE)
            line.on_to(sample.at_ns, sample.does)
        line.fill(sample.run_ns, sample.delay_ns)
        did = sample.does
    line.on_to(min(thread.last_ns, until_ns), did)
    return line.stretches, line.surplus
