# SPDX-License-Identifier: BSD-3-Clause
"""What of a plan is still to be measured, given what the journal holds. Pure.

The trials of a block are to be neighbours in time, so that drift hits them alike: a block that was
interrupted is measured again as a whole. A trial that failed is tried again by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fibench.plan import Trial
from fibench.record import Tried


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


def remaining(trials: Sequence[Trial], heads: Iterable[Tried]) -> list[Attempt]:
    """What is to be measured, in the order of the plan.

    That is every trial of a block that was interrupted, and in the other blocks every trial that
    failed. A new attempt of a block has one number for all of its trials.
    """
    tries: dict[str, list[Tried]] = {}
    for head in heads:
        tries.setdefault(head.trial, []).append(head)
    blocks: dict[int, list[Trial]] = {}
    for trial in trials:
        blocks.setdefault(trial.block, []).append(trial)
    todo: list[Attempt] = []
    for block in blocks.values():
        made = [tries.get(trial.key, []) for trial in block]
        if _is_whole(made):
            todo += [
                Attempt(trial, heads[-1].attempt + 1)
                for trial, heads in zip(block, made, strict=True)
                if not heads[-1].valid
            ]
        else:
            number = 1 + max((head.attempt for heads in made for head in heads), default=0)
            todo += [Attempt(trial, number) for trial in block]
    return sorted(todo, key=lambda attempt: attempt.trial.index)


def _is_whole(block: Sequence[Sequence[Tried]]) -> bool:
    """Whether a block, given as the tries of each of its trials, was not interrupted.

    All have a record of one pass over the block. What is later than that pass must be a trial that
    was tried again because it had failed; anything else belongs to a pass that was broken off.
    """
    if not all(block):
        return False
    last_pass = min(heads[-1].attempt for heads in block)
    return all(
        heads[-1].attempt == last_pass or (len(heads) > 1 and not heads[-2].valid)
        for heads in block
    )
