# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of one trial: measured once, or again at once where it was disturbed or could not
start.

Whether it was disturbed is asked as soon as it has been measured, of evidence from inside its
window, and stands in its record before anybody has seen its figures; so nobody can choose by them.
How often it may be measured again is in store/attempts.py, which holds journals to the same rule.
"""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from fibench.experiment import Experiment, unbounded_cells
from fibench.plan import TWIN
from fibench.record import Record
from fibench.run._resume import Attempt
from fibench.store.attempts import REPETITIONS, repeats, tries_again
from fibench.trial.evidence.disturbed import disturbed

NOISE = "FIBENCH_NOISE"
"""With "accept" in this variable nothing is measured again for being disturbed, and no run ends for
it: for machines that are never quiet, on which the tests of fibench run too. A run is with it or
without it as a whole, and its plan and report say so."""
_JUDGED = ("measure", "twin", "ceiling")


def accepts_noise() -> bool:
    """Whether who runs this accepts noise."""
    return os.environ.get(NOISE) == "accept"


class NotQuietError(Exception):
    """The machine is too busy to go on; the text is a clause that says by what."""


def tails(experiment: Experiment) -> list[str]:
    """The keys of the cells that ask for a quieter machine: something is claimed of them of which
    nothing bounds what others did to it, as of a percentile above the median."""
    return sorted({key for claim in experiment.claims for key in unbounded_cells(claim)})


class Attempts:
    """The attempts of a run, each judged by those before it."""

    def __init__(
        self, tail_cells: Collection[str], before: Iterable[Record], accepts: bool | None = None
    ) -> None:
        """`before` are those that the journal holds, in the order of writing; `accepts` is whether
        noise is accepted; None: as who runs this does."""
        self._tails = frozenset(tail_cells)
        self.measured_s = 0.0
        """Warm-up and windows of all that was made."""
        self._accepts = accepts_noise() if accepts is None else accepts
        self._history: dict[str, list[Record]] = {}
        self._not_full: Counter[str] = Counter()
        """By trial, of how many attempts the load generator was the limit."""
        self._limited: set[str] = set()
        """The cells, twins under the names of theirs, of which it was in all attempts at a trial:
        to measure again mends what others did to it, and not what it cannot do."""
        self._blocks: dict[int, dict[str, Record]] = {}
        """What was measured now."""
        self._before: dict[int, set[str]] = {}
        """The trials that were measured before."""
        for record in before:
            self._remember(record)
            self._before.setdefault(record.block, set()).add(record.trial)

    def judged(self, record: Record) -> Record:
        """The record of an attempt that has just been made, with what disturbed it."""
        if not record.valid or record.role not in _JUDGED:
            return record
        history = tuple(self._history.get(record.cell, ()))
        limited = record.cell.removesuffix(TWIN) in self._limited
        found = disturbed(record, history, record.cell in self._tails, limited=limited)
        if found is not None and self._accepts:
            found = replace(found, accepted=True)
        return replace(record, disturbed=found)

    def measure(
        self,
        first: Attempt,
        once: Callable[[Attempt], Record],
        before_another: Callable[[Record], None],
    ) -> Record:
        """Measure a trial, and again where that is due; returns the last attempt.

        `once` makes and keeps one attempt; `before_another` is told of each that is followed by
        another one, and may raise.
        """
        tries: list[Record] = []
        while True:
            record = once(replace(first, number=first.number + len(tries)))
            tries.append(record)
            self.measured_s += record.times.measured_s
            self._remember(record)
            if not tries_again(tries) and not repeats(tries, first.disturbed):
                break
            before_another(record)
        self._blocks.setdefault(first.trial.block, {})[record.trial] = record
        return record

    def check_end_of_block(self, attempt: Attempt, following: Attempt | None) -> None:
        """Raise NotQuietError if a block has ended that is mostly disturbed still, as the one
        before it was, both measured now."""
        block = attempt.trial.block
        if self._accepts or (following is not None and following.trial.block == block):
            return
        pair = [self._measured_now(block - 1), self._measured_now(block)]
        if block > 0 and all(map(_mostly_disturbed, pair)):
            said = [
                one.disturbed.says
                for one in pair[1]
                if one.disturbed is not None and one.disturbed.kind != "generator"
            ]
            raise NotQuietError(f"the machine was not quiet: {said[-1]}")

    def _measured_now(self, block: int) -> Sequence[Record]:
        """A block that was measured now; of one that was mostly measured before, nothing: a single
        trial that was tried again does not tell how quiet the machine is."""
        found = self._blocks.get(block, {})
        return list(found.values()) if found.keys() >= self._before.get(block, set()) else []

    def _remember(self, record: Record) -> None:
        # A trial of a search is of the same cell, and nobody has judged what disturbed it.
        if not record.valid or record.role not in _JUDGED:
            return
        if record.disturbed is None:
            self._history.setdefault(record.cell, []).append(record)
        elif record.disturbed.kind == "generator":
            self._not_full[record.trial] += 1
            if self._not_full[record.trial] > REPETITIONS:
                self._limited.add(record.cell.removesuffix(TWIN))


def _mostly_disturbed(block: Sequence[Record]) -> bool:
    """By others. A generator that is the limit again and again is no matter of waiting: the run
    goes on, and says so of the claims that rest on it."""
    judged = [one for one in block if one.role in _JUDGED]
    others = [one for one in judged if one.disturbed and one.disturbed.kind != "generator"]
    return 2 * len(others) > len(judged)
