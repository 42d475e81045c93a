# SPDX-License-Identifier: BSD-3-Clause
"""What happens in a run, as it is told to listeners: a progress display, a log, a test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fibench.experiment import Cell, Experiment
from fibench.plan import Trial
from fibench.record import Record


@dataclass(frozen=True)
class RunBegun:
    """It is known which run this is, and nothing was asked of it yet."""

    claims: int
    """How many its file had when it was begun."""


@dataclass(frozen=True)
class SearchStarted:
    """The run's folder exists; rates are looked for before anything else is measured."""

    folder: Path
    most: int
    """Trials that it takes at most."""
    resumed: bool = False


@dataclass(frozen=True)
class RatesFound:
    """The rates that were searched are known, now or since an earlier session."""

    experiment: Experiment
    """With the cells that have them."""


@dataclass(frozen=True)
class RunStarted:
    """The run's folder exists; `trials` are about to run in this order."""

    folder: Path
    trials: Sequence[Trial]
    """What is still to be measured at most: all, or after a resumption the rest."""
    experiment: Experiment
    """As it is measured, with the rates that were found."""
    total: int = 0
    """Trials of the whole plan, of which cells that leave the run make fewer."""
    resumed: bool = False
    done: int = 0
    """Trials that stand already."""
    records: Sequence[Record] = ()
    """What the journal has: theirs, and of other attempts."""


@dataclass(frozen=True)
class TrialStarted:
    """A trial begins."""

    trial: Trial


@dataclass(frozen=True)
class LoadStarted:
    """The load of the trial in hand is about to start: from here on a window may open at any time,
    which is known only afterwards. Who uses the machine disturbs it."""


@dataclass(frozen=True)
class LoadEnded:
    """It has ended, and its window with it."""


@dataclass(frozen=True)
class TrialFinished:
    """A trial is in the journal; `record` is its line there."""

    trial: Trial
    record: Record


@dataclass(frozen=True)
class BlockEnded:
    """A block is whole, and it is known which cells go on."""

    block: int
    """From 0."""
    gone: Sequence[Cell]
    """The cells that were measured in it and will be no more, twins among them."""


@dataclass(frozen=True)
class TrialMadeAgain:
    """An attempt at a trial is in the journal, and another one begins at once: the trial was
    disturbed, or could not start."""

    trial: Trial
    record: Record


@dataclass(frozen=True)
class StopRequested:
    """A first Ctrl-C: the trial in hand is finished and kept, then the run ends."""


@dataclass(frozen=True)
class Notice:
    """Something a person should know, in one line: why a run is not resumed, a torn journal."""

    text: str


Event = (
    RunBegun
    | SearchStarted
    | RatesFound
    | RunStarted
    | TrialStarted
    | LoadStarted
    | LoadEnded
    | TrialMadeAgain
    | TrialFinished
    | BlockEnded
    | StopRequested
    | Notice
)
Listener = Callable[[Event], None]


def told_of_load(tell: Listener) -> Callable[[bool], None]:
    """Whom trials tell that their load is under way, and that it no longer is."""
    return lambda under_way: tell(LoadStarted() if under_way else LoadEnded())
