# SPDX-License-Identifier: BSD-3-Clause
"""Runs that listeners are told of as of real ones, by the code that goes through real ones; their
figures are made up."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.runner.sequential_runs import CORES, made_record

from fibench.commands.following import Following
from fibench.experiment import Experiment
from fibench.plan import plan
from fibench.record import Record
from fibench.run import (
    BlockEnded,
    Event,
    LoadEnded,
    LoadStarted,
    RunStarted,
    TrialFinished,
    TrialStarted,
    Walk,
)
from fibench.run._resume import Attempt
from fibench.verdict import Decisions, Questions, questions_of

FOLDER = Path("results", "made", "2026-11-24T2255-63e1")


@dataclass
class ToldRun:
    """A run that tells its events one by one."""

    experiment: Experiment
    measure: Callable[[Attempt], Record] = made_record
    records: list[Record] = field(default_factory=list)
    """What it begins with, to which what is measured is added."""
    resumed: bool = False

    def __post_init__(self) -> None:
        self.following = Following(questions_of(self.experiment, CORES))

    def questions(self) -> Questions:
        """As the view asks for them."""
        return self.following.questions

    def decisions(self) -> Decisions | None:
        """Likewise."""
        fixed = self.experiment.plan.blocks.fixed
        return None if fixed else self.following.decisions

    def events(self) -> Iterator[Event]:
        """All of them, in order; the records grow meanwhile."""
        ended: list[Event] = []
        walk = Walk(
            plan(self.experiment),
            self.records,
            self.following,
            lambda block, gone: ended.append(BlockEnded(block, gone)),
        )
        todo, every = [one.trial for one in walk.left()], plan(self.experiment)
        done, records = len(every) - len(todo), tuple(self.records)
        yield RunStarted(FOLDER, todo, self.experiment, len(every), self.resumed, done, records)
        for block in walk.blocks():
            yield from ended
            ended.clear()
            for attempt in block.todo:
                yield TrialStarted(attempt.trial)
                yield LoadStarted()
                yield LoadEnded()
                self.records.append(self.measure(attempt))
                yield TrialFinished(attempt.trial, self.records[-1])
        yield from ended
