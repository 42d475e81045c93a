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
from pathlib import Path
from typing import Literal

from fibench.commands.following import Following
from fibench.develop.bench.made_trials import CPUS, RATES, Machine, MadeTrials, name_of
from fibench.experiment import Experiment, KnownBackend, parse_experiment
from fibench.plan import Trial, plan
from fibench.record import Record
from fibench.run import Attempt, Attempts, NotQuietError, Walk, tails
from fibench.verdict import Decisions, Verdict, questions_of

GIL = Path(__file__).parents[4] / "experiments" / "gil.toml"
PLANS = 64
"""Of so many orders of trials one is taken for a run: to make a plan takes longer than to judge."""
_DESIGNS: dict[str, int | Literal["workers", "any"]] = {"sync": 1, "mp": "any", "mt": "any"}
_KNOWN = {
    **{
        f"{short}-{design}": KnownBackend(("message", "line"), serves, language, serves)
        for short, language in (("c", "c"), ("py", "python"))
        for design, serves in _DESIGNS.items()
    },
    "py-async": KnownBackend(("message", "line"), "any", "python", 1),
}

File = Literal["gil", "mixed"]
Truth = Literal["far", "near", "bound", "false"]


def _claim(sides: str, metric: str, bound: str, n: int = 27) -> str:
    return f"""
[[claim]]
says = '{sides} {metric} {bound}'
{sides}
metric = "{metric}"
where = {{ n = {n} }}
{bound}
"""


def _ratio(left: str, right: str) -> str:
    return f'ratio = [{{ backend = "{left}" }}, {{ backend = "{right}" }}]'


def _value(of: str) -> str:
    return f'value = {{ backend = "{of}" }}'


def _over(left: str, right: str) -> float:
    return RATES[left] / RATES[right]


MIXED: tuple[tuple[Truth, str], ...] = (
    ("far", _claim(_ratio("py-mp", "py-mt"), "throughput", "above = 1.3")),
    ("far", _claim(_value("py-mt"), "cores", "within = [0.9, 1.1]")),
    ("near", _claim(_ratio("py-mt", "py-sync"), "throughput", "below = 1.02")),
    ("bound", _claim(_ratio("py-mp", "py-sync"), "throughput",
                     f"above = {_over('py-mp', 'py-sync')!r}")),
    ("bound", _claim(_ratio("py-async", "py-sync"), "throughput",
                     f"below = {_over('py-async', 'py-sync')!r}")),
    ("bound", _claim(_value("c-mt"), "throughput", f"above = {RATES['c-mt n=34']!r}", 34)),
    ("false", _claim(_ratio("c-mp", "c-sync"), "throughput", "below = 1.5", 34)),
    ("false", _claim(_ratio("c-sync", "py-sync"), "throughput",
                     f"above = {1.04 * _over('c-sync', 'py-sync')!r}")),
)  # fmt: skip
"""Eight claims about the cells of gil.toml, and where the truth of each lies: beyond its bound by
far or by little, on it, or on its other side."""

ON_A_VALUE = 5
"""That of them whose truth is a value on its bound."""


@lru_cache(maxsize=2)
def experiment_of(file: File) -> Experiment:
    """experiments/gil.toml, or the same with other claims."""
    text = GIL.read_text(encoding="utf-8")
    if file == "mixed":
        head, _, _ = text.partition("[[claim]]")
        text = head + "".join(claim for _, claim in MIXED)
    return parse_experiment(text, f"{file}.toml", _KNOWN)


@lru_cache(maxsize=2 * PLANS)
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
