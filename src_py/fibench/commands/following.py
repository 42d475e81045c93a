# SPDX-License-Identifier: BSD-3-Clause
"""A run followed while it is measured: which cells go on, and how its claims stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from operator import is_not
from typing import TYPE_CHECKING

from fibench.verdict import Decisions, Questions, decide, never_started_of
from fibench.verdict.sampling.sampled import samples

if TYPE_CHECKING:
    from fibench.record import Record
    from fibench.verdict import Sample


class Following:
    """What a run asks after each block: it is told the records of all whole blocks up to there.

    It keeps the last decisions for who shows them, and goes on from them where nothing but whole
    blocks was added to what they rest on. Otherwise, as when a run is gone on with, it begins anew.
    """

    def __init__(self, questions: Questions) -> None:
        self.questions = questions
        self.decisions = self._undecided = decide(questions, ())
        self._records: list[Record] = []
        self._samples: list[Sample] = []

    def begun_with(self, claims: int) -> None:
        """The run had so many claims when it was begun: told before anything is asked."""
        total = max(self.questions.total_claims or 0, claims)
        self.questions = replace(self.questions, total_claims=total)

    def asks(self, questions: Questions) -> None:
        """It is known now which cells there are: their rates were found."""
        self.questions = replace(questions, total_claims=self.questions.total_claims)
        self.decisions = self._undecided = decide(self.questions, ())
        self._records, self._samples = [], []

    def __call__(self, records: Sequence[Record]) -> Collection[str]:
        """The keys of the cells, twins among them, that the next block is to measure."""
        after = self._take(records)
        blocks = _blocks(records)
        if blocks < self.questions.looks.least:  # nothing is decided before
            never = never_started_of(self._samples)
            left = {key: 1 for key in self.questions.cells if key in never}
            staying = [key for key in self.questions.cells if key not in never]
            self.decisions = Decisions(blocks, self._undecided.standings, left, staying)
        else:
            self.decisions = decide(self.questions, self._samples, after=after)
        return self.decisions.staying

    def _take(self, records: Sequence[Record]) -> Decisions | None:
        """Make samples of what is new; returns the decisions that can be gone on from, if any."""
        known = self._records
        last = _blocks(known)
        is_longer = len(records) >= len(known) and not any(map(is_not, records, known))
        new = list(records[len(known) :])
        if not is_longer or any(record.block < last for record in new):
            self._records, self._samples = list(records), samples(records)
            return None
        self._records += new
        self._samples += samples(new)
        # Of a block that lacked a cell it is not known before whether anything follows it.
        looked = self.questions.looks.least <= self.decisions.blocks == last
        return self.decisions if looked else None


def _blocks(records: Sequence[Record]) -> int:
    return 1 + max((record.block for record in records), default=-1)
