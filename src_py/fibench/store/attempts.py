# SPDX-License-Identifier: BSD-3-Clause
"""Which attempts at trials a journal may hold, which of them count, and which blocks were begun
more than once. Pure.

An attempt is made once, and another one only where a rule that was there before asks for it:

- a trial that was disturbed is measured again at once, at most REPETITIONS times;
- one that could not start, for reasons that are not the server's, is tried again, TRIES times at
  once, and in a later session;
- a block that was broken off is measured again as a whole, in a further pass over its trials, whose
  attempts have a number above all before.

A trial that failed in its window is a result, and so is one that nothing disturbed. Whatever else a
journal has was added by hand, and does not count: nobody chooses among attempts by their figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from fibench.record import Tried, could_not_start

REPETITIONS = 2
TRIES = 3
_BY_THESE_RULES = 3
"""The first schema of records that were made by them: before, what had failed was tried again."""

T = TypeVar("T", bound=Tried)


def times_disturbed(tries: Sequence[Tried]) -> int:
    """How often a trial was, of its tries in a pass."""
    return sum(bool(one.valid and one.disturbed) for one in tries)


def repeats(tries: Sequence[Tried], before: int = 0) -> bool:
    """Whether a trial is measured again at once, since it was disturbed; `tries` are of a pass, in
    which it had been disturbed so often `before` these."""
    times = before + times_disturbed(tries)
    return bool(tries[-1].valid and tries[-1].disturbed) and times <= REPETITIONS


def tries_again(tries: Sequence[Tried]) -> bool:
    """The same, since it could not start; `tries` are of a pass, within one session."""
    return could_not_start(tries[-1]) and sum(map(could_not_start, tries)) < TRIES


def _may_follow(tries: Sequence[Tried]) -> bool:
    """Whether a further attempt may follow those of a trial in a pass."""
    last = tries[-1]
    failed_before = not last.valid and last.schema < _BY_THESE_RULES
    return could_not_start(last) or repeats(tries) or failed_before


@dataclass
class Pass(Generic[T]):
    """One pass over the trials of a block."""

    number: int
    """The first attempt at each of its trials has this number."""
    tries: dict[str, list[T]] = field(default_factory=dict)
    """The attempts at each trial, by its key, in order."""

    def all(self) -> Iterator[T]:
        """Every attempt, trial by trial."""
        for tries in self.tries.values():
            yield from tries

    def owes(self) -> bool:
        """Whether it was broken off before the last of its trials was measured again."""
        return repeats(list(self.tries.values())[-1])


@dataclass(frozen=True)
class Followed(Generic[T]):
    """The attempts of a journal, by the rules."""

    made: list[T]
    """Those that a rule asked for, in the order of writing."""
    unasked: list[T]
    """Those that none did."""
    passes: dict[int, list[Pass[T]]]
    """By block, those over its trials; all but the last were broken off."""


def attempts_of(records: Iterable[T]) -> Followed[T]:
    """Follow a journal through its records, in the order of writing."""
    known = list(records)
    blocks: dict[int, list[T]] = {}
    for record in known:
        blocks.setdefault(record.block, []).append(record)
    passes = {block: _passes(own) for block, own in blocks.items()}
    asked = {id(one) for own in passes.values() for each in own for one in each.all()}
    return Followed(
        [record for record in known if id(record) in asked],
        [record for record in known if id(record) not in asked],
        passes,
    )


def _passes(records: Sequence[T]) -> list[Pass[T]]:
    """The passes over one block; what follows a whole one was not asked for."""
    found: list[Pass[T]] = []
    most = 0
    for record in records:
        if not (found and _joins(found, record)) and record.attempt > most:
            found.append(Pass(record.attempt, {record.trial: [record]}))
        most = max(most, record.attempt)
    trials = {key for one in found for key in one.tries}
    for place, one in enumerate(found):
        if one.tries.keys() >= trials and not one.owes():
            return found[: place + 1]
    return found


def _joins(passes: list[Pass[T]], record: T) -> bool:
    """Take an attempt into the pass that goes on, if it is one of it."""
    current = passes[-1]
    tries = current.tries.get(record.trial)
    if tries is not None:
        if record.attempt != tries[-1].attempt + 1 or not _may_follow(tries):
            return False
        tries.append(record)
        return True
    if record.attempt == current.number:
        current.tries[record.trial] = [record]
        return True
    return False


def next_pass(made: Sequence[Tried], trials: Sequence[str]) -> int:
    """The number of a new pass over the trials of a block, given by their keys in its order.

    It is above all that there are, and not what a further attempt at the first trial would have.
    """
    own = [one for one in made if one.trial in trials]
    most = max((one.attempt for one in own), default=0)
    first = [one for one in own if one.trial == trials[0] and one.attempt == most]
    return most + (2 if any(could_not_start(one) or one.disturbed for one in first) else 1)
