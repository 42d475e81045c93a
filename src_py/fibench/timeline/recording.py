# SPDX-License-Identifier: BSD-3-Clause
"""What the sampler of `supervise` has written: a head, its threads, and a line for each change.

docs/measurement.md has the form. The sampler is our own, but what it wrote may have been cut off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_VERSION = b"sampler 1"
_FIGURES = frozenset((b"from", b"to", b"cpu", b"rounds", b"began", b"full", b"lost"))
_SWITCHES = frozenset((b"I", b"W", b"P"))
_END = b"end"
"""The last line: what lacks it was not written to its end."""


class ThreadSample(NamedTuple):
    """A look at a thread that showed a change. Times are of CLOCK_MONOTONIC."""

    at_ns: int
    gap_ns: int
    """Since the look before, which showed the same as the sample before."""
    does: str
    """A letter: r it is runnable; g, l, n, s, o it waits, as in LETTERS; f for a futex of which is
    not known whether it is the GIL; ? for what is not known."""
    run_ns: int
    """Execution time that has shown up since then. The kernel adds it at ticks and switches."""
    delay_ns: int
    """Time that it was ready without a CPU, likewise."""


class Switch(NamedTuple):
    """A change of a thread on a CPU."""

    at_ns: int
    does: str
    """I: it has a CPU from then on; W: it waits; P: it has none, and would go on."""


@dataclass(frozen=True, slots=True)
class RecordedThread:
    """A thread as the sampler saw it."""

    pid: int
    tid: int
    name: str
    first_ns: int
    """When it was first seen, and last."""
    last_ns: int
    looks: int
    was_there: bool
    """Before the sampling began."""
    ended: bool
    samples: Sequence[ThreadSample]
    switches: Sequence[Switch] = ()
    """In order; empty where the kernel did not tell of any."""


class NotRead(NamedTuple):
    """What could not be read."""

    error: int
    """The first errno; 0: that says nothing."""
    threads: int


@dataclass(frozen=True, slots=True)
class Recording:
    """All that was seen while it was sampled, from one time to another."""

    from_ns: int
    to_ns: int
    cpu_ns: int
    """What the sampler itself has used."""
    rounds: int
    given_out: int
    """How many processes and threads began meanwhile on the whole machine."""
    seen_to_begin: int
    """How many of these were seen in the tree."""
    lacks: Mapping[str, NotRead]
    """By what is lacking: schedstat, call, gil, foreign, room, switches."""
    full_ns: int | None
    """From when on there was no more room for samples."""
    threads: Sequence[RecordedThread]
    lost: int = 0
    """How many switches were lost, since nobody came for them in time."""

    @property
    def has_switches(self) -> bool:
        """Whether every switch is known."""
        return "switches" not in self.lacks and self.lost == 0 and self.full_ns is None


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    figures: dict[bytes, list[int]]
    lacks: dict[str, NotRead]
    threads: dict[int, tuple[list[int], str]]
    samples: dict[int, list[ThreadSample]]
    switches: dict[int, list[Switch]]

    def line(self, line: bytes) -> None:
        """Take a line. Raises ValueError, IndexError or KeyError for what is none."""
        first, *rest = line.split(b" ")
        if first.isdigit():
            at, gap, does, run, delay = rest
            if does in _SWITCHES:
                self.switches[int(first)].append(Switch(int(at), does.decode("ascii")))
                return
            taken = ThreadSample(int(at), int(gap), does.decode("ascii"), int(run), int(delay))
            self.samples[int(first)].append(taken)
        elif first == b"thread":
            *numbers, name = rest
            number, *known = map(int, numbers)
            self.threads[number] = known, bytes.fromhex(name.decode()).decode("utf-8", "replace")
            self.samples[number], self.switches[number] = [], []
        elif first == b"lacking":
            self.lacks[rest[0].decode("ascii")] = NotRead(int(rest[1]), int(rest[2]))
        elif first in _FIGURES:
            self.figures[first] = [int(one) for one in rest]
        else:
            raise ValueError(first)


def read_recording(data: bytes) -> Recording | str:
    """What was recorded, or why it cannot be read, in a clause."""
    head, *lines = data.split(b"\n")
    if head != _VERSION:
        return "the sampler wrote nothing"
    if lines[-2:] != [_END, b""]:
        return "what the sampler wrote was cut off"
    reading = _Reading({}, {}, {}, {}, {})
    try:
        for line in lines[:-2]:
            reading.line(line)
        return _made(reading)
    except (ValueError, IndexError, KeyError) as error:
        return f"what the sampler wrote cannot be read: {type(error).__name__}"


def _made(reading: _Reading) -> Recording:
    threads = []
    for number, (known, name) in reading.threads.items():
        pid, tid, first, last, looks, was_there, ended = known
        threads.append(
            RecordedThread(
                pid=pid,
                tid=tid,
                name=name,
                first_ns=first,
                last_ns=last,
                looks=looks,
                was_there=bool(was_there),
                ended=bool(ended),
                samples=tuple(reading.samples[number]),
                switches=tuple(sorted(reading.switches[number])),
            )
        )
    (from_ns,), (to_ns,), (cpu_ns,), (rounds,) = (
        reading.figures[name] for name in (b"from", b"to", b"cpu", b"rounds")
    )
    given_out, seen = reading.figures[b"began"]
    (lost,) = reading.figures[b"lost"]
    full = reading.figures.get(b"full")
    return Recording(
        from_ns=from_ns,
        to_ns=to_ns,
        cpu_ns=cpu_ns,
        rounds=rounds,
        given_out=given_out,
        seen_to_begin=seen,
        lacks=reading.lacks,
        full_ns=None if full is None else full[0],
        threads=tuple(threads),
        lost=lost,
    )
