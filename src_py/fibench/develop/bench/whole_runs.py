# SPDX-License-Identifier: BSD-3-Clause
"""Whole runs by the code that makes real ones, but for what a trial gives, which is made up.

The plan, the rule by which trials are measured again and runs ended (run/_attempts.py), the walk
through blocks (run/blocks.py), what is asked after each (commands/following.py), samples,
intervals, widening and verdicts are those of real runs. made_trials.py has the place of run_trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from fibench.commands.following import Following
from fibench.develop.bench.made_claims import File, experiment_of
from fibench.develop.bench.made_trials import CPUS, Machine, MadeTrials, name_of
from fibench.plan import Trial, plan
from fibench.record import Record
from fibench.run import Attempt, Attempts, NotQuietError, Walk, tails
from fibench.verdict import Decisions, Verdict, questions_of

PLANS = 64
"""Of so many orders of trials one is taken for a run: to make a plan takes longer than to judge."""


@lru_cache(maxsize=4 * PLANS)
def _plan(file: File, seed: int) -> tuple[Trial, ...]:
    experiment = experiment_of(file)
    return plan(replace(experiment, plan=replace(experiment.plan, seed=seed)))


@dataclass(frozen=True)
class WholeRun:
    """What became of a run."""

    records: Sequence[Record]
    """Every attempt, in the order of writing."""
    decisions: Decisions
    not_quiet: bool
    """It was ended since the machine was not quiet."""

    @property
    def verdicts(self) -> tuple[Verdict | None, ...]:
        """The verdict on each claim; None where it was open when the run was ended."""
        return tuple(
            standing.verdict
            if standing.decided or (self.decisions.over and not self.not_quiet)
            else None
            for standing in self.decisions.standings
        )


def whole_run(file: File, machine: Machine, seed: int) -> WholeRun:
    """Go through a run as run/loop.py does."""
    experiment, trials = experiment_of(file), _plan(file, seed % PLANS)
    following = Following(questions_of(experiment, CPUS))
    keys = {key: name_of(key, label) for key, label in _cells(trials)}
    made = MadeTrials(machine, keys, experiment.plan.blocks.most, seed)
    records: list[Record] = []
    attempts = Attempts(tails(experiment), (), accepts=machine.accepts)
    walk = Walk(trials, records, following, lambda *of: None)

    def once(attempt: Attempt) -> Record:
        record = attempts.judged(made.measured(attempt.trial, attempt.number, attempt.number - 1))
        records.append(record)
        return record

    try:
        for attempt, after in _in_turn(walk):
            attempts.measure(attempt, once, lambda record: None)
            attempts.check_end_of_block(attempt, after)
    except NotQuietError:
        return WholeRun(records, following.decisions, not_quiet=True)
    return WholeRun(records, following.decisions, not_quiet=False)


def _in_turn(walk: Walk) -> Iterator[tuple[Attempt, Attempt | None]]:
    for block in walk.blocks():
        for attempt, after in pairwise([*block.todo, None]):
            assert attempt is not None
            yield attempt, after


def _cells(trials: Sequence[Trial]) -> Iterator[tuple[str, str]]:
    for trial in trials:
        if trial.block == 0 and trial.role in ("measure", "twin"):
            yield trial.cell.key, trial.cell.label
