# SPDX-License-Identifier: BSD-3-Clause
"""What of a plan is still to be measured, given what the journal holds. Pure.

The trials of a block are to be neighbours in time, so that drift hits them alike: a block that was
interrupted is measured again as a whole. A trial that could not start, for reasons that are not the
server's, is tried again by itself; one that failed in its window, or by its server, is a result.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fibench.plan import Trial
from fibench.store.attempts import next_pass, passes_of, times_disturbed
from fibench.tried import Tried, could_not_start, last_attempts


def is_planned(record: Tried, trials: Sequence[Trial]) -> bool:
    """Whether a record is of the trial of the plan that it says it is of.

    A journal is proven by digests, which anybody can compute.
    """
    if not 0 <= record.index < len(trials):
        return False
    trial = trials[record.index]
    return (record.trial, record.cell, record.block, record.role) == (
        trial.key,
        trial.cell.key,
        trial.block,
        trial.role,
    )


@dataclass(frozen=True)
class Attempt:
    """A trial to run, and the number of this try: 1 for the first."""

    trial: Trial
    number: int = 1
    disturbed: int = 0
    """How often it was in this pass over its block, before it could not start."""


def remaining(trials: Sequence[Trial], heads: Iterable[Tried]) -> list[Attempt]:
    """What is to be measured, in the order of the plan.

    That is every trial of a block that was interrupted, and in the other blocks every trial that
    could not start. A new attempt of a block has one number for all of its trials. `heads` are
    what was asked for, in the order of writing.
    """
    made = list(heads)
    passes = passes_of(made)
    blocks: dict[int, list[Trial]] = {}
    for trial in trials:
        blocks.setdefault(trial.block, []).append(trial)
    todo: list[Attempt] = []
    for number, block in blocks.items():
        last = passes[number][-1] if number in passes else None
        keys = {trial.key for trial in block}
        owes = last is not None and last.owes() and made[-1].block == number
        if last is not None and last.tries.keys() >= keys and not owes:
            again = [trial for trial in block if could_not_start(last.tries[trial.key][-1])]
            todo += [
                Attempt(
                    trial, next_attempt(made, trial.key), times_disturbed(last.tries[trial.key])
                )
                for trial in again
            ]
        else:
            first = next_pass(made, [trial.key for trial in block])
            todo += [Attempt(trial, first) for trial in block]
    return sorted(todo, key=lambda attempt: attempt.trial.index)


def tries_again_later(made: Sequence[Tried]) -> bool:
    """Whether an ended run, of a fixed number of blocks, is gone on with for what could not start.

    Only if nothing was measured in it: else its figures are known, and its verdicts, and who has
    filled in what these lack where they do not please would look at the claims once more.
    """
    measured = any(one.valid for one in made)
    return not measured and any(map(could_not_start, last_attempts(made)))


def broken_off(heads: Sequence[Tried], todo: Sequence[Attempt]) -> dict[int, int]:
    """The blocks of which some trials stand in the journal and all are measured again, with the
    number of these attempts."""
    attempts = {attempt.trial.block: attempt.number for attempt in todo}
    left = {attempt.trial.key for attempt in todo}
    stand = {head.block for head in heads if head.trial not in left}
    there = {head.block for head in heads}
    return {block: n for block, n in attempts.items() if block in there - stand}


def next_attempt(made: Sequence[Tried], key: str) -> int:
    """The number of a new attempt at a trial, above all that there are."""
    return 1 + max((head.attempt for head in made if head.trial == key), default=0)
