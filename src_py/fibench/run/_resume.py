# SPDX-License-Identifier: BSD-3-Clause
"""What of a plan is still to be measured, given what the journal holds. Pure.

The trials of a block are to be neighbours in time, so that drift hits them alike: a block that was
interrupted is measured again as a whole. A trial that failed is tried again by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fibench.plan import Trial
from fibench.store.record import MOST_ATTEMPTS

Head = Mapping[str, Any]
"""Of a journal record at least "trial", "block", "attempt" and "valid"."""


def is_sound(head: Mapping[str, Any], trials: Sequence[Trial]) -> bool:
    """Whether a record is of a trial of the plan, and says what is needed of it.

    A journal is proven by digests, which anybody can compute.
    """
    index, attempt = head.get("index"), head.get("attempt")
    if type(index) is not int or not 0 <= index < len(trials):
        return False
    trial = trials[index]
    return (
        head.get("trial") == trial.key
        and head.get("cell") == trial.cell.key
        and head.get("block") == trial.block
        and head.get("role", "measure") == trial.role
        and type(attempt) is int
        and 1 <= attempt <= MOST_ATTEMPTS
        and isinstance(head.get("valid"), bool)
    )


@dataclass(frozen=True)
class Attempt:
    """A trial to run, and the number of this try: 1 for the first."""

    trial: Trial
    number: int = 1


def remaining(trials: Sequence[Trial], heads: Iterable[Head]) -> list[Attempt]:
    """What is to be measured, in the order of the plan.

    That is every trial of a block that was interrupted, and in the other blocks every trial that
    failed. A new attempt of a block has one number for all of its trials.
    """
    tries: dict[str, list[Head]] = {}
    for head in heads:
        tries.setdefault(head["trial"], []).append(head)
    blocks: dict[int, list[Trial]] = {}
    for trial in trials:
        blocks.setdefault(trial.block, []).append(trial)
    todo: list[Attempt] = []
    for block in blocks.values():
        made = [tries.get(trial.key, []) for trial in block]
        if _is_whole(made):
            todo += [
                Attempt(trial, heads[-1]["attempt"] + 1)
                for trial, heads in zip(block, made, strict=True)
                if not heads[-1]["valid"]
            ]
        else:
            number = 1 + max((head["attempt"] for heads in made for head in heads), default=0)
            todo += [Attempt(trial, number) for trial in block]
    return sorted(todo, key=lambda attempt: attempt.trial.index)


def _is_whole(block: Sequence[Sequence[Head]]) -> bool:
    """Whether a block, given as the tries of each of its trials, was not interrupted.

    All have a record of one pass over the block. What is later than that pass must be a trial that
    was tried again because it had failed; anything else belongs to a pass that was broken off.
    """
    if not all(block):
        return False
    last_pass = min(heads[-1]["attempt"] for heads in block)
    return all(
        heads[-1]["attempt"] == last_pass or (len(heads) > 1 and not heads[-2]["valid"])
        for heads in block
    )
