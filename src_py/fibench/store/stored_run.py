# SPDX-License-Identifier: BSD-3-Clause
"""A run read back from its folder, made on any machine, by this version or an older one.

What the folder says is data from outside: every member of it is checked before it is used.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fibench.experiment import Belief, Cell, Claim, Experiment
from fibench.folders import Places
from fibench.json_values import Object
from fibench.record import Record
from fibench.store import journal
from fibench.store.begun import Begun, cut_lines, read_begun
from fibench.store.files import (
    DAMAGED,
    NEWER,
    NEWEST_SCHEMA,
    UNREADABLE,
    StoredError,
    inside,
    read_json,
    shown_path,
)
from fibench.store.folder import NoSuchRun, resolve_run
from fibench.store.kept import (
    KeptClaim,
    KeptEnvironment,
    KeptPlan,
    read_claims,
    read_environment,
    read_plan,
)
from fibench.store.planned import read_experiment
from fibench.store.record import Usable, usable
from fibench.store.stops import Session, Stop, at_odds, read_sessions, read_stop
from fibench.wording import escaped


@dataclass(frozen=True)
class StoredRun:
    """What a run left behind."""

    folder: Path
    name: str
    """`gil/2026-11-23T0715-7f3a`: the same on every machine that the folder is copied to."""
    place: Path
    """The folder with no link in its path: a run has one, whatever it was named by."""
    experiment: Experiment
    """With the cells that were measured, and the claims that can be judged by them."""
    plan: KeptPlan
    environment: KeptEnvironment
    """The machine."""
    records: list[Record]
    """The last attempt of each trial, in the plan's order."""
    complete: bool
    """It ran to its end; otherwise it has estimates and no verdicts."""
    ignored: tuple[tuple[int, str], ...] = ()
    """Lines of trials.jsonl, from 1, that are left out, and why: torn, altered, or no trial's."""
    attempts: Sequence[Record] = ()
    """Every attempt at its trials that was asked for, in the order of writing."""
    stopped: Stop | None = None
    """Why it was stopped before its end: what it measured changed under it, or it was not quiet."""
    sessions: Sequence[Session] = ()
    """How each of its sessions ended, as far as stops.json says."""
    begun: Sequence[Begun] = ()
    """The attempts that were begun, in order; none of runs of earlier versions."""
    kept_claims: tuple[KeptClaim, ...] | None = None
    """The verdicts of claims.json; None: the run has none yet."""
    digests: Mapping[bytes, None] = field(default_factory=dict)
    """Of every whole line of trials.jsonl, in order: what tells a trial from all others."""
    server_words: Mapping[str, Path] = field(default_factory=dict)
    """By the folders of attempts that are not valid, the files with what their servers wrote."""
    page: Path | None = None
    """The page that it was read from; its folder is then one that is there for now."""
    altered: Sequence[str] = ()
    """What speaks against that page, each in one line."""

    @property
    def shown_at(self) -> Path:
        """Where it is, for a person."""
        return self.folder if self.page is None else self.page

    @property
    def experiment_name(self) -> str:
        """The name of the experiment's file without its ending."""
        return self.name.rpartition("/")[0]

    @property
    def damage(self) -> list[str]:
        """What of the journal is left out: a line for each reason, with the first line numbers."""
        lines: dict[str, list[int]] = {}
        for line, why in self.ignored:
            lines.setdefault(why, []).append(line)
        return [f"{_numbered(found)} of trials.jsonl: {why}" for why, found in lines.items()]

    @property
    def remarks(self) -> list[str]:
        """What its own files say against it, each in one line: why it was stopped, and damage."""
        said = [*self.altered]
        said += [f"stopped: {escaped(self.stopped.reason)}"] if self.stopped else []
        made = [(one.trial, one.attempt) for one in self.attempts]
        told = any(one.number for one in self.sessions)
        improper = self.plan.beliefs.improper
        said += [f"plan.json has beliefs that are none: {improper} left out"] if improper else []
        said += [*self.damage, *at_odds(self.sessions, self.digests)]
        return [*said, *cut_lines(self.begun, made, told=told)]

    def belief(self, claim: Claim) -> Belief | None:
        """What a person expected of a claim before the run; None of one that they said nothing of,
        and of one that says something else by now."""
        return self.plan.beliefs.about(claim)

    @property
    def planned_cells(self) -> tuple[Cell, ...]:
        """The cells that the file makes: those measured, and those that were left out."""
        return (*self.experiment.cells, *(one.cell for one in self.experiment.absent.cells))

    @property
    def cores(self) -> int | None:
        """The physical cores that the run could use on its machine, at least 1; None: not known."""
        # plan.json has them too, since a run is gone on with on the same machine alone.
        known = self.environment.usable_cores
        return self.plan.cores if known is None else known


def open_run(name_or_folder: str, places: Places) -> StoredRun:
    """Read a run, named as `resolve_run` has it. Raises StoredError."""
    try:
        folder = resolve_run(name_or_folder, places.results, places.experiments)
    except NoSuchRun as error:
        raise StoredError(str(error), error.hint) from error
    return read_run(folder, places)


def read_run(folder: Path, places: Places) -> StoredRun:
    """Read the run in a folder. Raises StoredError."""
    _check_is_run(folder)
    place = folder.resolve()
    plan = read_json(folder, "plan.json")
    kept_plan = read_plan(plan)
    environment = read_environment(read_json(folder, "environment.json", missing={}))
    kept_claims = _read_claims(folder)
    experiment = read_experiment(folder, plan, places)
    experiment = replace(experiment, claims_begun_with=kept_plan.claims_in_file or 0)
    reading, found, ignored = _read_journal(folder, experiment)
    return StoredRun(
        folder=folder,
        name=f"{Path(kept_plan.source or '').stem or place.parent.name}/{place.name}",
        place=place,
        experiment=experiment,
        plan=kept_plan,
        environment=environment,
        records=found.records,
        attempts=found.attempts,
        complete=kept_claims is not None,
        ignored=tuple(ignored),
        stopped=read_stop(folder),
        sessions=read_sessions(folder),
        begun=read_begun(folder, _attempts(reading)),
        kept_claims=kept_claims,
        digests=reading.digests,
        server_words=server_words(folder, found.attempts),
    )


def _check_is_run(folder: Path) -> None:
    """Raise StoredError for a folder that is none of a run."""
    try:
        names = os.listdir(folder)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StoredError(f"{shown_path(folder)} cannot be read: {reason}", UNREADABLE) from error
    if not {"plan.json", "trials.jsonl"} & set(names):
        what = f"{shown_path(folder)} is not a run: it has no plan.json"
        raise StoredError(what, "give the folder of a run")


def _read_claims(folder: Path) -> tuple[KeptClaim, ...] | None:
    """What claims.json has; None where there is none. Raises StoredError."""
    path = folder / "claims.json"
    return read_claims(read_json(folder, path.name), path) if os.path.lexists(path) else None


def server_words(folder: Path, records: Iterable[Record]) -> dict[str, Path]:
    """Of the attempts that are not valid, by their folders, the files with what their servers
    wrote; those that wrote nothing are not among them."""
    found = {}
    for record in records:
        path = folder / trial_folder(record) / "server.err"
        with contextlib.suppress(OSError):
            if not record.valid and path.is_file() and path.stat().st_size > 0:
                found[trial_folder(record)] = path
    return found


def read_load(run: StoredRun, record: Record) -> Object | None:
    """What fibload said of a trial; None where it said nothing (client_bench.sh, a failure).

    Raises StoredError when the file is there and cannot be used.
    """
    return read_json(run.folder, f"{trial_folder(record)}/load.json", missing={}) or None


def trial_folder(record: Record) -> str:
    """Where the files of an attempt are: trials/082, trials/082-2 for the second."""
    return f"trials/{journal.folder_name(record.index, record.attempt)}"


def _attempts(reading: journal.Reading) -> list[tuple[object, object]]:
    """Every attempt that has a line, whether it is used or not: a trial's key, and a number."""
    pairs = ((one.get("trial"), one.get("attempt")) for one in reading.records)
    return [(key, n) for key, n in pairs if isinstance(key, str) and type(n) is int]


def _numbered(lines: Sequence[int]) -> str:
    listed = ", ".join(map(str, lines[:5])) + (", …" if lines[5:] else "")
    return f"line{'s' if lines[1:] else ''} {listed}"


def _read_journal(
    folder: Path, experiment: Experiment
) -> tuple[journal.Reading, Usable, list[tuple[int, str]]]:
    """A run's journal, what of it is used, and the lines that are left out, and why.

    A run that was interrupted at once has no journal. Raises StoredError, also where none of the
    lines can be used.
    """
    where = shown_path(folder / "trials.jsonl")
    path = inside(folder, "trials.jsonl", optional=True)
    try:
        reading = journal.Reading() if path is None else journal.read(path)
    except OSError as error:
        raise StoredError(f"{where} cannot be read: {error.strerror}", UNREADABLE) from error
    for record in reading.records:
        schema = record.get("schema", 1)
        if type(schema) is int and schema > NEWEST_SCHEMA:
            what = f"{where} has schema {schema}, which is newer than this fibench"
            raise StoredError(what, NEWER)
    found = usable(reading, experiment)
    if found.refused and not found.records:
        line, why = found.refused[0]
        raise StoredError(f"{where}: no line can be used: line {line}: {why}", DAMAGED)
    torn = ((line, "it is torn, or was altered") for line in reading.damaged)
    again = ((line, "it is a copy of one above") for line in reading.copies)
    return reading, found, sorted([*torn, *again, *found.refused])
