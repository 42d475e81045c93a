# SPDX-License-Identifier: BSD-3-Clause
"""Which attempts at trials a journal may hold, which of them count, and which blocks were begun
more than once. Pure.

An attempt is made once, and another one only where a rule that was there before asks for it:

- a trial that was disturbed is measured again at once, at most REPETITIONS times, unless who runs
  it accepts noise;
- one that could not start, for reasons that are not the server's, is tried again, TRIES times at
  once, and in a later session;
- a block that was broken off is measured again as a whole, in a further pass over its trials, whose
  attempts have a number above all before.

A cell whose server did not start in the first block, for its own reasons, is not started again: so
it will be in all further blocks, each of which might wait for a minute to see it. What kept others
is not theirs, and may be over in the next block.

A trial that failed in its window is a result, and so is one that nothing disturbed. Whatever else a
journal has was added by hand, and does not count: nobody chooses among attempts by their figures.

A pass is whole when it has all trials that its block should have, which only the plan says: a block
that was broken off again and again may never have come to its last trials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Generic, TypeVar

from fibench.experiment import Experiment
from fibench.plan import TWIN, trials_of_block
from fibench.tried import Tried, could_not_start, last_attempts

REPETITIONS = 2
TRIES = 3
_BY_THESE_RULES = 3
"""The first schema of records that were made by them: before, what had failed was tried again."""

_DID_NOT_START = frozenset(
    ("never-ready", "exited", "not-found", "no-permission", "lacking", "not-told")
)
"""The kinds of failure of a server that did not become ready, for its own reasons."""

T = TypeVar("T", bound=Tried)


def times_disturbed(tries: Sequence[Tried]) -> int:
    """How often a trial was, of its tries in a pass."""
    return sum(bool(one.valid and one.disturbed) for one in tries)


def repeats(tries: Sequence[Tried], before: int = 0) -> bool:
    """Whether a trial is measured again at once, since it was disturbed; `tries` are of a pass, in
    which it had been disturbed so often `before` these."""
    last, times = tries[-1], before + times_disturbed(tries)
    return bool(last.valid and last.disturbed and not last.is_accepted) and times <= REPETITIONS


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


def attempts_of(records: Iterable[T], experiment: Experiment) -> Followed[T]:
    """Follow the journal of a run of an experiment through its records, in the order of writing."""
    known = list(records)
    asked = {
        id(one)
        for passes in _up_to_whole(passes_of(known), experiment).values()
        for each in passes
        for one in each.all()
    }
    return Followed(
        [record for record in known if id(record) in asked],
        [record for record in known if id(record) not in asked],
    )


def passes_of(records: Iterable[T]) -> dict[int, list[Pass[T]]]:
    """By block, the passes over its trials, if all `records` were asked for; all but the last were
    broken off."""
    blocks: dict[int, list[T]] = {}
    for record in records:
        blocks.setdefault(record.block, []).append(record)
    return {block: _passes(own) for block, own in blocks.items()}


def _up_to_whole(
    passes: Mapping[int, list[Pass[T]]], experiment: Experiment
) -> dict[int, list[Pass[T]]]:
    """What follows a whole pass over a block was not asked for.

    A cell that was measured in the block before may have left the run since, or not: a pass without
    it may be whole, or broken off. So it is taken for whole only if nothing follows it.
    """
    found = dict(passes)
    for block, own in passes.items():
        if len(own) > 1:
            planned = trials_of_block(experiment, block)
            near = [each for other, each in passes.items() if other >= block - 1]
            there = {one.cell for each in near for every in each for one in every.all()}
            keys = {key for one in own for key in one.tries} | {
                key for key, cell in planned.items() if block <= 0 or cell in there
            }
            whole = [one.tries.keys() >= keys and not one.owes() for one in own]
            found[block] = own[: whole.index(True) + 1] if any(whole) else own
    return found


def _passes(records: Iterable[T]) -> list[Pass[T]]:
    """The passes over one block."""
    found: list[Pass[T]] = []
    most = 0
    for record in records:
        if found and _joins(found, record):
            pass
        elif record.attempt > most:
            found.append(Pass(record.attempt, {record.trial: [record]}))
        elif found and record.attempt == most and _with_its_block(found[-1], record):
            found.append(_split(found[-1], record))
        most = max(most, record.attempt)
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


def _with_its_block(current: Pass[T], record: T) -> bool:
    """Whether an attempt follows a valid one, or none: it was made with all of its block, then."""
    tries = current.tries.get(record.trial, [])
    return record.schema < _BY_THESE_RULES and (not tries or tries[-1].valid)


def _split(current: Pass[T], record: T) -> Pass[T]:
    """The pass that an attempt shows to have begun before it: what had failed was measured again
    first, which looked like one more attempt in the pass before."""
    begun = {}
    for key, tries in current.tries.items():
        if len(tries) > 1 and tries[-1].attempt == record.attempt:
            begun[key] = [tries.pop()]
    return Pass(record.attempt, {**begun, record.trial: [record]})


def failed_before(tries: Sequence[T]) -> list[T]:
    """Of all attempts at a trial but the last those that failed as a result does, though another
    followed, since its block was broken off; none by the earlier rules, which tried again what had
    failed."""
    return [
        one
        for one in tries[:-1]
        if not one.valid and not could_not_start(one) and one.schema >= _BY_THESE_RULES
    ]


@dataclass(frozen=True)
class FilledIn(Generic[T]):
    """A trial that could not start in its turn, and was measured after all."""

    blocks: int
    """How many were begun then."""
    before: Sequence[T]
    """The attempts at it in the pass that were made in vain."""


def filled_in(records: Sequence[T]) -> dict[str, FilledIn[T]]:
    """Those of a journal by their keys; `records` are what was asked for, in the order of
    writing."""
    places = {id(record): place for place, record in enumerate(records)}
    begun = list(accumulate((record.block + 1 for record in records), max))
    found = {}
    for passes in passes_of(records).values():
        for tries in passes[-1].tries.values():
            for number, (before, after) in enumerate(pairwise(tries), 1):
                is_next = places[id(after)] == places[id(before)] + 1 and number < TRIES
                if could_not_start(before) and not is_next:
                    found[after.trial] = FilledIn(begun[places[id(after)]], tries[:number])
    return found


def next_pass(made: Sequence[Tried], trials: Sequence[str]) -> int:
    """The number of a new pass over the trials of a block, given by their keys in its order.

    It is above all that there are, and not what a further attempt at the first trial would have.
    """
    own = [one for one in made if one.trial in trials]
    most = max((one.attempt for one in own), default=0)
    first = [one for one in own if one.trial == trials[0] and one.attempt == most]
    return most + (2 if any(could_not_start(one) or one.disturbed for one in first) else 1)


def did_not_start(tried: Tried) -> bool:
    """Whether the server of a trial did not become ready, for its own reasons."""
    return not tried.valid and not tried.window_opened and tried.failure in _DID_NOT_START


def never_started(first: Iterable[tuple[str, bool]]) -> frozenset[str]:
    """The cells whose server started in no trial of the first block: of each of these trials given
    are the cell's key, and whether it `did_not_start`. A cell and its twin have one server."""
    outcomes: dict[str, list[tuple[str, bool]]] = {}
    for key, failed in first:
        outcomes.setdefault(key.removesuffix(TWIN), []).append((key, failed))
    return frozenset(
        key for own in outcomes.values() if all(failed for _, failed in own) for key, _ in own
    )


def given_up(records: Iterable[Tried]) -> frozenset[str]:
    """The same, of the attempts that a journal holds."""
    first = [one for one in records if one.block == 0 and one.role in ("measure", "twin")]
    return never_started((one.cell, did_not_start(one)) for one in last_attempts(first))
