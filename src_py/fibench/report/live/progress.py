# SPDX-License-Identifier: BSD-3-Clause
"""How far a run is, gathered from its events: what the view draws. It prints nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from fibench.plan import expected_seconds
from fibench.plan.trials import SEARCH_BLOCK
from fibench.report._trial_line import figures
from fibench.report.live.plain import DecisionsOf, trial_label
from fibench.report.live.so_far import (
    CellSoFar,
    ClaimSoFar,
    cell_so_far,
    claim_before,
    claim_so_far,
    metric_watched,
)
from fibench.run import (
    BlockEnded,
    Event,
    LoadEnded,
    LoadStarted,
    RunStarted,
    SearchStarted,
    StopRequested,
    TrialFinished,
    TrialMadeAgain,
    TrialStarted,
)
from fibench.verdict import Index, Questions
from fibench.verdict.sampling.sampled import samples

if TYPE_CHECKING:
    from fibench.experiment import Cell
    from fibench.parameters.blocks import Blocks
    from fibench.plan import Trial
    from fibench.record import Record

QuestionsOf = Callable[[], Questions]
"""Gives what the run is to decide."""


class Progress:
    """A run as far as its events have told."""

    def __init__(
        self,
        questions: QuestionsOf,
        decisions: DecisionsOf,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = ""
        self.metric = "throughput"
        self.cells: Sequence[Cell] = ()
        self.blocks: Blocks | None = None
        """How many the run has; None before it is known."""
        self.of_cells: dict[str, CellSoFar] = {}
        """By the keys of cells."""
        self.of_claims: Sequence[ClaimSoFar] = ()
        self.gone: set[str] = set()
        """The keys of the cells that are measured no more."""
        self.done, self.failed, self.again = 0, 0, 0
        """Trials that stand, those of them that failed, and attempts that others followed."""
        self.now: Trial | None = None
        self.since = ""
        """The time of day at which that began."""
        self.last = ""
        self.under_load = False
        """Whether a window may be under measurement: nothing is to be drawn then."""
        self.stopping = False
        self._questions, self._decisions, self._clock_s = questions, decisions, clock_s
        self._records: list[Record] = []
        """In the order of writing…"""
        self._by_cell: dict[str, list[Record]] = {}
        """…and so those of each cell, by its key."""
        self._left: Sequence[Trial] = ()
        self._most = 0
        self._began_s, self._done_s = clock_s(), 0.0

    @property
    def total(self) -> int:
        """The trials that there are at most."""
        return max(self.done, self.done + len(self._left), self._most)

    @property
    def left_s(self) -> float | None:
        """About how long the rest takes, at most: as much longer than windows and warm-ups of it as
        what was measured took; None where it is not known."""
        if not self.total or self._most:
            return None
        rest_s = expected_seconds(self._left)
        took_s = self._clock_s() - self._began_s
        return rest_s * (took_s / self._done_s if self._done_s > 0.0 else 1.0)

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case SearchStarted():
                self.name, self._most = event.folder.parent.name, event.most
            case RunStarted():
                self._begin(event)
            case TrialStarted():
                self.now, self.since = event.trial, f"{datetime.now():%H:%M:%S}"
            case LoadStarted() | LoadEnded():
                self.under_load = isinstance(event, LoadStarted)
            case TrialMadeAgain():
                self.again += 1
                self.since = f"{datetime.now():%H:%M:%S}"
            case TrialFinished():
                self._finish(event)
            case BlockEnded():
                self._end_block(event)
            case StopRequested():
                self.stopping = True

    def _begin(self, event: RunStarted) -> None:
        experiment = event.experiment
        self.name = event.folder.parent.name
        self.cells, self.blocks = experiment.cells, experiment.plan.blocks
        self.metric = metric_watched(experiment)
        self.done, self._left, self._most = event.done, event.trials, 0
        self._began_s, self._done_s = self._clock_s(), 0.0
        self._records, self._by_cell = [], {}
        for record in event.records:
            self._take(record)
        for cell in self.cells:
            self._look_at(cell)
        self.gone = self._by_cell.keys() - {trial.cell.key for trial in event.trials}
        self.of_claims = [claim_before(claim) for claim in experiment.claims]
        if self._records:
            first = min((trial.block for trial in event.trials), default=self.blocks.most)
            self._judge(first)

    def _finish(self, event: TrialFinished) -> None:
        trial, record = event.trial, event.record
        said = "failed" if record.reason is not None else figures(record)
        self.last = f"{trial_label(trial)}: {said}" if said else ""
        self.failed += record.reason is not None
        self.done += 1
        if trial.block == SEARCH_BLOCK:
            return
        self._take(record)
        self._left = [one for one in self._left if one.key != trial.key]
        self._done_s += expected_seconds([trial])
        self._look_at(trial.cell)

    def _take(self, record: Record) -> None:
        if record.role != "search":
            self._records.append(record)
            self._by_cell.setdefault(record.cell, []).append(record)

    def _look_at(self, cell: Cell) -> None:
        own = self._by_cell.get(cell.key, ())
        self.of_cells[cell.key] = cell_so_far(cell, own, self.metric)

    def _end_block(self, event: BlockEnded) -> None:
        self.gone |= {cell.key for cell in event.gone}
        later = (trial for trial in self._left if trial.block > event.block)
        self._left = [trial for trial in later if trial.cell.key not in self.gone]
        self._judge(event.block + 1)

    def _judge(self, blocks: int) -> None:
        """Hold the claims against so many whole blocks; what is decided stays as it is."""
        questions, decisions = self._questions(), self._decisions()
        made = samples(one for one in self._records if one.block < blocks)
        verdicts = list(questions.judge(questions.claims, Index(made))) if made else []
        standings = decisions.standings if decisions is not None else ()
        for place, standing in enumerate(standings[: len(verdicts)]):
            if standing.decided and standing.verdict is not None:
                verdicts[place] = standing.verdict
        if verdicts:
            self.of_claims = [claim_so_far(verdict) for verdict in verdicts]
