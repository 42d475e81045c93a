# SPDX-License-Identifier: BSD-3-Clause
"""The loop that ties the rooms together: plan, run every trial, keep each at once, then judge.

It prints nothing. What happens is told as events to listeners: the progress display, a log, a test.
"""

import json
import os
import re
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from fibench import journal, machine
from fibench.catalogue import Backend
from fibench.experiment import Experiment
from fibench.pinning import Pinning
from fibench.places import Places
from fibench.plan import Trial, plan, plan_json
from fibench.trial import TrialContext, run_trial, scratch_name

SCHEMA = 1


@dataclass(frozen=True)
class RunStarted:
    """The run's folder exists; `trials` are about to run in this order."""

    folder: Path
    trials: Sequence[Trial]


@dataclass(frozen=True)
class TrialStarted:
    """A trial begins."""

    trial: Trial


@dataclass(frozen=True)
class TrialFinished:
    """A trial is in the journal; `record` is its line there."""

    trial: Trial
    record: Mapping[str, Any]


@dataclass(frozen=True)
class StopRequested:
    """A first Ctrl-C: the trial in hand is finished and kept, then the run ends."""


Event = RunStarted | TrialStarted | TrialFinished | StopRequested
Listener = Callable[[Event], None]


@dataclass
class Outcome:
    """What a run left behind."""

    folder: Path
    records: list[dict[str, Any]] = field(default_factory=list)
    interrupted: bool = False


class RunError(Exception):
    """The run cannot go on: its results cannot be kept."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def run_name(path: Path) -> str:
    """The name under which an experiment's runs are kept: its file's name, made harmless."""
    name = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip(".-")[:64]
    return name or "experiment"


def create_folder(results: Path, name: str, now: datetime) -> Path:
    """Make the folder of a new run, `results/NAME/TIME-RANDOM`. Raises RunError."""
    folder = results / name / f"{now:%Y-%m-%dT%H%M}-{secrets.token_hex(2)}"
    try:
        (folder / "trials").mkdir(parents=True)
        for parent in (folder, folder.parent, results, results.parent):
            journal.sync_folder(parent)
        if results.resolve() not in folder.resolve().parents:
            raise RunError(f"{folder} leads outside the results folder", "remove the symbolic link")
    except OSError as error:
        hint = "make the results folder writable, or free its name"
        raise RunError(f"cannot make {folder}: {error.strerror}", hint) from error
    return folder


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document whole or not at all, and durably. Raises RunError."""
    _keep_file(path, (json.dumps(document, indent=2, allow_nan=False) + "\n").encode())


def _keep_file(path: Path, data: bytes) -> None:
    scratch = path.with_name(path.name + ".new")
    try:
        with scratch.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.rename(path)
        journal.sync_folder(path.parent)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}", "free some space") from error


class _Stop:
    """Whether Ctrl-C was pressed; the second press raises KeyboardInterrupt where it hits."""

    def __init__(self, tell: Listener) -> None:
        self.requested = False
        self._tell = tell

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.requested or number != signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        self._tell(StopRequested())


@contextmanager
def _stop_on_signals(tell: Listener) -> Iterator[_Stop]:
    stop = _Stop(tell)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def run_experiment(
    experiment: Experiment,
    source: Path,
    backends: Mapping[str, Backend],
    places: Places,
    listeners: Sequence[Listener] = (),
    warnings: Sequence[str] = (),
) -> Outcome:
    """Run every trial of the plan in order; each is in the journal before the next begins.

    A trial that fails is recorded with its reason, and the run goes on. Interrupted, it returns
    what was finished. Raises RunError when results cannot be kept.
    """

    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    trials = plan(experiment)
    folder = create_folder(places.results, run_name(source), datetime.now(UTC))
    _keep_file(folder / "experiment.toml", source.read_bytes())
    write_json(folder / "plan.json", plan_json(experiment, warnings))
    write_json(folder / "environment.json", machine.environment(places.checkout))
    outcome = Outcome(folder)
    pinning = Pinning(None, None, "not chosen")
    seed = experiment.plan.seed
    context = TrialContext(places.programs, backends, experiment.backends, seed, pinning)
    tell(RunStarted(folder, trials))
    with _stop_on_signals(tell) as stop:
        try:
            for trial in trials:
                tell(TrialStarted(trial))
                tell(TrialFinished(trial, _keep(folder, trial, context)))
                if stop.requested and trial is not trials[-1]:
                    outcome.interrupted = True
                    break
        except KeyboardInterrupt:
            outcome.interrupted = True
    # The journal is the truth: an interrupt may come between a line of it and its event.
    outcome.records = journal.read(folder / "trials.jsonl").records
    return outcome


def _keep(folder: Path, trial: Trial, context: TrialContext) -> dict[str, Any]:
    """Run one trial in a scratch folder, and make folder and journal line durable."""
    scratch = folder / "trials" / scratch_name(trial)
    final = folder / "trials" / f"{trial.index:03d}"
    try:
        scratch.mkdir()
        record = run_trial(trial, context, scratch)
        journal.settle_folder(scratch, final)
        journal.append(folder / "trials.jsonl", record)
    except (OSError, journal.JournalError) as error:
        hint = "free some space or mend the disk; finished trials are kept"
        raise RunError(f"cannot keep the results in {folder}: {error}", hint) from error
    return record
