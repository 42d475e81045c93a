# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of one trial: measured once, or again at once where it was disturbed or could not
start.

Whether it was disturbed is asked as soon as it has been measured, of evidence from inside its
window, and stands in its record before anybody has seen its figures; so nobody can choose by them.
How often it may be measured again is in store/attempts.py, which holds journals to the same rule.
"""

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from fibench.experiment import Experiment, cells_of
from fibench.metrics import METRICS
from fibench.record import Record
from fibench.run._resume import Attempt
from fibench.store.attempts import repeats, tries_again
from fibench.trial.disturbed import disturbed

NOISE = "FIBENCH_NOISE"
"""With "accept" in this variable nothing is measured again for being disturbed, and no run ends for
it: for machines that are never quiet, on which the tests of fibench run too. Records say it all."""
_JUDGED = ("measure", "twin", "ceiling")


class NotQuietError(Exception):
    """The machine is too busy to go on; the text is a clause that says by what."""


def tails(experiment: Experiment) -> list[str]:
    """The keys of cells of which a claim is about a percentile above the median, or a maximum; or
    about a rate that is sustained, which no interval is widened for either."""
    found = {
        cell.key
        for claim in experiment.claims
        if is_tail(claim.metric) or claim.kind == "sustains"
        for cell in cells_of(claim)
    }
    return sorted(found)


def is_tail(metric: str) -> bool:
    """Whether a metric is a percentile above the median, or a maximum."""
    return METRICS[metric].is_percentile and metric != "p50"


class Attempts:
    """The attempts of a run, each judged by those before it."""

    def __init__(self, tail_cells: Collection[str], before: Iterable[Record]) -> None:
        """`before` are those that the journal holds, in the order of writing."""
        self._tails = frozenset(tail_cells)
        self.measured_s = 0.0
        """Warm-up and windows of all that was made."""
        self._accepts = os.environ.get(NOISE) == "accept"
        self._history: dict[str, list[Record]] = {}
        self._blocks: dict[int, list[Record]] = {}
        for record in before:
            self._remember(record)

    def judged(self, record: Record) -> Record:
        """The record of an attempt that has just been made, with what disturbed it."""
        if not record.valid or record.role not in _JUDGED:
            return record
        history = tuple(self._history.get(record.cell, ()))
        return replace(record, disturbed=disturbed(record, history, record.cell in self._tails))

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
            if not tries_again(tries) and (self._accepts or not repeats(tries, first.disturbed)):
                break
            before_another(record)
        self._blocks.setdefault(first.trial.block, []).append(record)
        return record

    def check_end_of_block(self, attempt: Attempt, following: Attempt | None) -> None:
        """Raise NotQuietError if a block has ended that is mostly disturbed still, as the one
        before it was, both measured now."""
        block = attempt.trial.block
        if self._accepts or (following is not None and following.trial.block == block):
            return
        pair = [self._blocks.get(block - 1, []), self._blocks.get(block, [])]
        if block > 0 and all(map(_mostly_disturbed, pair)):
            said = [one.disturbed.says for one in pair[1] if one.disturbed is not None]
            raise NotQuietError(f"the machine was not quiet: {said[-1]}")

    def _remember(self, record: Record) -> None:
        if record.valid and record.disturbed is None:
            self._history.setdefault(record.cell, []).append(record)


def _mostly_disturbed(block: Sequence[Record]) -> bool:
    judged = [one for one in block if one.role in _JUDGED]
    return 2 * sum(one.disturbed is not None for one in judged) > len(judged)
