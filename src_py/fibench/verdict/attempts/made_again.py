# SPDX-License-Identifier: BSD-3-Clause
"""How often trials had to be made again, and blocks begun again: counted for the report. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from fibench.json_values import Json
from fibench.record import Record, could_not_start, last_attempts
from fibench.store.attempts import passes_of
from fibench.store.stops import Session
from fibench.verdict.attempts.bearing import LEFT_OUT
from fibench.wording import counted

KINDS: Mapping[str, str] = {
    "foreign": "foreign CPU",
    "steal": "steal",
    "probe": "probe",
    "late": "late readings",
    "generator": "the load generator",
}
"""The kinds of disturbances, as people call them."""
UNKNOWN = "why is not known"


@dataclass(frozen=True)
class BrokenOff:
    """A pass over a block that did not come to its end, and so does not count."""

    block: int
    """From 0; -1: before all blocks."""
    why: str
    """As in stops.json: "interrupted", "crashed" and so on."""


@dataclass(frozen=True)
class MadeAgain:
    """What was made more than once."""

    trials: int = 0
    attempts: int = 0
    again: Mapping[str, int] = field(default_factory=dict)
    """Trials that were disturbed and measured again, by the first kind of disturbance."""
    still: Mapping[str, int] = field(default_factory=dict)
    """Trials of which the last attempt was disturbed, too, by kind."""
    accepted: int = 0
    """How many of these were not measured again, since who ran them accepts noise."""
    tried_again: int = 0
    """Trials that could not start, and were tried again."""
    never_started: int = 0
    broken_off: Sequence[BrokenOff] = ()

    def as_json(self) -> dict[str, Json]:
        """For programs; blocks count from 1, as in words."""
        return {
            "trials": self.trials,
            "attempts": self.attempts,
            "measured_again": dict(self.again),
            "still_disturbed": dict(self.still),
            "noise_accepted": self.accepted,
            "tried_again": self.tried_again,
            "never_started": self.never_started,
            "broken_off": [{**asdict(one), "block": one.block + 1} for one in self.broken_off],
        }

    def counted(self) -> dict[str, int]:
        """By names that a table has, what is not none."""
        found = {
            **{f"measured again: {KINDS.get(kind, kind)}": n for kind, n in self.again.items()},
            **{f"disturbed still: {KINDS.get(kind, kind)}": n for kind, n in self.still.items()},
            "could not start, tried again": self.tried_again,
            "never started": self.never_started,
            "blocks broken off": len(self.broken_off),
        }
        return {name: number for name, number in found.items() if number}

    def lines(self) -> Iterator[str]:
        """For people."""
        if self.again:
            number = self.again_in_all
            were = f"{number} of {counted(self.trials, 'trial')} {_was(number)} disturbed"
            yield f"{were} and measured again: {kinds_counted(self.again)}"
        if self.still:
            number = sum(self.still.values())
            left = sum(n for kind, n in self.still.items() if kind in LEFT_OUT)
            were = f"{number} of {self.trials} trials {_was(number)} disturbed in the last attempt"
            out = f"; {left} of them {_was(left)} left out of every claim" if left else ""
            yield f"{were}: {kinds_counted(self.still)}{out}"
        if self.accepted:
            were = f"{counted(self.accepted, 'trial')} {_was(self.accepted)} disturbed"
            yield f"noise was accepted (FIBENCH_NOISE): {were} and not measured again for that"
        if self.tried_again:
            number = self.tried_again
            never = f", and {self.never_started} never did" if self.never_started else ""
            could = f"{number} of {counted(self.trials, 'trial')} could not start at once"
            why = "for reasons that are not the server's"
            yield f"{could}, {why}, and {_was(number)} tried again{never}"
        if self.broken_off:
            number = len(self.broken_off)
            listed = ", ".join(f"{_name(one.block)} ({one.why})" for one in self.broken_off)
            were = f"{counted(number, 'block')} {_was(number)} broken off"
            yield f"{were} and measured again: {listed}"

    @property
    def again_in_all(self) -> int:
        """How many trials were disturbed and measured again."""
        return sum(self.again.values())


def made_again(records: Sequence[Record], sessions: Sequence[Session] = ()) -> MadeAgain:
    """Count what a journal's attempts, in the order of writing, say of repetitions."""
    last = last_attempts(records)
    passes = passes_of(records)
    tries = [own for each in passes.values() for one in each for own in one.tries.values()]
    disturbed = [
        next((one.disturbed.kind for one in own[:-1] if one.disturbed is not None), None)
        for own in tries
    ]
    why = {pair: one.ended for one in sessions for pair in one.broken_off.items()}
    broken = [
        BrokenOff(block, why.get((block, later.number), UNKNOWN))
        for block, each in sorted(passes.items())
        for later in each[1:]
    ]
    return MadeAgain(
        trials=len(last),
        attempts=len(records),
        again=_in_order(Counter(kind for kind in disturbed if kind is not None)),
        still=_in_order(Counter(one.disturbed.kind for one in last if one.disturbed is not None)),
        accepted=sum(one.is_accepted for one in last),
        tried_again=sum(any(map(could_not_start, own[:-1])) for own in tries),
        never_started=sum(map(could_not_start, last)),
        broken_off=tuple(broken),
    )


def _in_order(kinds: Counter[str]) -> dict[str, int]:
    return dict(sorted(kinds.items(), key=lambda one: (-one[1], one[0])))


def kinds_counted(kinds: Mapping[str, int]) -> str:
    """`foreign CPU 4, probe 1`."""
    ranked = _in_order(Counter(kinds))
    return ", ".join(f"{KINDS.get(kind, kind)} {number}" for kind, number in ranked.items())


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _name(block: int) -> str:
    return f"block {block + 1}" if block >= 0 else "what comes before the blocks"
