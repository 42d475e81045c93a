# SPDX-License-Identifier: BSD-3-Clause
"""What happens in a run, as it is told to listeners: a progress display, a log, a test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fibench.plan import Trial
from fibench.record import Record


@dataclass(frozen=True)
class RunStarted:
    """The run's folder exists; `trials` are about to run in this order."""

    folder: Path
    trials: Sequence[Trial]
    """What is still to be measured: all, or after a resumption the rest."""
    total: int = 0
    """Trials of the whole plan."""
    resumed: bool = False

    @property
    def done(self) -> int:
        """Trials that stand already."""
        return self.total - len(self.trials)


@dataclass(frozen=True)
class TrialStarted:
    """A trial begins."""

    trial: Trial


@dataclass(frozen=True)
class TrialFinished:
    """A trial is in the journal; `record` is its line there."""

    trial: Trial
    record: Record


@dataclass(frozen=True)
class TrialRepeated:
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


Event = RunStarted | TrialStarted | TrialRepeated | TrialFinished | StopRequested | Notice
Listener = Callable[[Event], None]
