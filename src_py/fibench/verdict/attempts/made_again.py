# SPDX-License-Identifier: BSD-3-Clause
"""How often trials had to be made again, and blocks begun again: counted for the report. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise

from fibench.json_values import Json
from fibench.plan.trials import SEARCH_BLOCK
from fibench.record import Record, broke_off
from fibench.store.attempts import Pass, passes_of
from fibench.store.begun import Begun, begun_again
from fibench.store.stops import Session
from fibench.tried import could_not_start, last_attempts
from fibench.verdict.attempts import broken_load
from fibench.verdict.attempts.bearing import LEFT_OUT
from fibench.wording import counted

KINDS: Mapping[str, str] = {
    "foreign": "foreign CPU",
    "steal": "steal",
    "probe": "slow CPU",
    "late": "late readings",
    "generator": "the load generator",
    broken_load.KIND: "load broken off",
    "unread": "figures not read",
    "unstarted": "could not start",
    "beside": "beside one that could not",
}
"""The kinds of disturbances, and of what else keeps a trial from counting, as people call them."""
UNKNOWN = "why is not known"
_LEFT_OUT_OF: Sequence[tuple[Collection[str], str]] = (
    (LEFT_OUT, "every claim"),
    (("foreign",), "claims on what others can move, where enough was left without"),
    (("late",), "claims on what others can move"),
    (("generator",), "claims on throughput and latency"),
)
"""Which kinds of what is disturbed still keep a trial from which claims (bearing.py)."""


@dataclass(frozen=True)
class BrokenOff:
    """A pass over a block that did not come to its end, and so does not count."""

    block: int
    """From 0; -1: before all blocks; SEARCH_BLOCK: a single trial of a search."""
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
            were = f"{number} of {self.trials} trials {_was(number)} disturbed in the last attempt"
            out = [
                f"; {left} of them {_was(left)} left out of {what}"
                for kinds, what in _LEFT_OUT_OF
                if (left := sum(self.still.get(kind, 0) for kind in kinds))
            ]
            yield f"{were}: {kinds_counted(self.still)}{''.join(out)}"
        if self.accepted:
            were = f"{counted(self.accepted, 'trial')} {_was(self.accepted)} disturbed"
            yield f"noise was accepted (FIBENCH_NOISE): {were} and not measured again for that"
        if self.tried_again:
            number = self.tried_again
            never = f", and {self.never_started} never did" if self.never_started else ""
            could = f"{number} of {counted(self.trials, 'trial')} could not start at once"
            why = "for reasons that are not the server's"
            yield f"{could}, {why}, and {_was(number)} tried again{never}"
        looked = Counter(one.why for one in self.broken_off if one.block == SEARCH_BLOCK)
        for why, number in looked.items():
            were = f"{counted(number, 'trial')} of the search for rates {_was(number)} broken off"
            yield f"{were} and made again ({why})"
        blocks = [one for one in self.broken_off if one.block != SEARCH_BLOCK]
        if blocks:
            number = len({one.block for one in blocks})
            each = Counter(f"{_name(one.block)} ({one.why})" for one in blocks)
            listed = ", ".join(f"{n} times {one}" if n > 1 else one for one, n in each.items())
            were = f"{counted(number, 'block')} {_was(number)} broken off"
            yield f"{were} and measured again: {listed}"

    @property
    def again_in_all(self) -> int:
        """How many trials were disturbed and measured again."""
        return sum(self.again.values())


def made_again(
    records: Sequence[Record], sessions: Sequence[Session] = (), begun: Sequence[Begun] = ()
) -> MadeAgain:
    """Count what a journal's attempts, in the order of writing, say of repetitions; and what only
    the attempts that were begun say."""
    last = last_attempts(records)
    passes = passes_of(records)
    tries = [own for each in passes.values() for one in each for own in one.tries.values()]
    again = [next(filter(None, map(_why_again, own[:-1])), None) for own in tries]
    return MadeAgain(
        trials=len(last),
        attempts=len(records),
        again=_in_order(Counter(kind for kind in again if kind is not None)),
        still=_in_order(Counter(one.disturbed.kind for one in last if one.disturbed is not None)),
        accepted=sum(one.is_accepted for one in last),
        tried_again=sum(any(map(_never_began, own[:-1])) for own in tries),
        never_started=sum(map(_never_began, last)),
        broken_off=tuple(_broken_off(passes, sessions, begun)),
    )


def _why_again(attempt: Record) -> str | None:
    """By which kind of disturbance another attempt followed; None: by none."""
    if attempt.disturbed is not None:
        return attempt.disturbed.kind
    return broken_load.KIND if broke_off(attempt) else None


def _never_began(attempt: Record) -> bool:
    return could_not_start(attempt) and not broke_off(attempt)


def _broken_off(
    passes: Mapping[int, Sequence[Pass[Record]]],
    sessions: Sequence[Session],
    begun: Sequence[Begun],
) -> list[BrokenOff]:
    """Each pass over a block that was: of most the journal has some trials, of others it has none,
    since they were broken off before the first one had ended."""
    why = {pair: one.ended for one in sessions for pair in one.broken_off.items()}
    ended = {one.number: one.ended for one in reversed(sessions)}
    in_session = {(one.trial, one.attempt): one.session for one in begun if one.ended}
    found: list[BrokenOff] = []
    known: set[tuple[int, int]] = set()
    for block, each in passes.items():
        for one, later in pairwise(each):
            found.append(BrokenOff(block, why.get((block, later.number), UNKNOWN)))
            made = [in_session.get((record.trial, record.attempt), 0) for record in one.all()]
            known.add((block, max(made)))
    lost = [one for one in begun_again(begun) if one not in known]
    found += [BrokenOff(block, ended.get(session, UNKNOWN)) for block, session in lost]
    return sorted(found, key=lambda one: one.block)


def _in_order(kinds: Counter[str]) -> dict[str, int]:
    return dict(sorted(kinds.items(), key=lambda one: (-one[1], one[0])))


def kinds_counted(kinds: Mapping[str, int]) -> str:
    """`foreign CPU 4, slow CPU 1`."""
    ranked = _in_order(Counter(kinds))
    return ", ".join(f"{KINDS.get(kind, kind)} {number}" for kind, number in ranked.items())


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _name(block: int) -> str:
    return f"block {block + 1}" if block >= 0 else "what comes before the blocks"
