# SPDX-License-Identifier: BSD-3-Clause
"""A run followed while it is measured: which cells go on, and how its claims stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from fibench.verdict import Decisions, Questions, decide
from fibench.verdict.findings import samples

if TYPE_CHECKING:
    from fibench.record import Record


class Following:
    """What a run asks after each block: it is told the records of all whole blocks up to there.

    It keeps the last decisions for who shows them; the next do not rest on them.
    """

    def __init__(self, questions: Questions) -> None:
        self.questions = questions
        self.decisions = decide(questions, ())

    def __call__(self, records: Sequence[Record]) -> Collection[str]:
        """The keys of the cells, twins among them, that the next block is to measure."""
        blocks = 1 + max((record.block for record in records), default=-1)
        if blocks < self.questions.looks.least:  # nothing is decided before
            self.decisions = Decisions(blocks, self.decisions.standings, {}, self.questions.cells)
        else:
            self.decisions = decide(self.questions, samples(records))
        return self.decisions.staying
