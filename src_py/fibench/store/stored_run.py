# SPDX-License-Identifier: BSD-3-Clause
"""A run read back from its folder, made on any machine, by this version or an older one.

What the folder says is data from outside: every member of it is checked before it is used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibench.experiment import Cell, Experiment
from fibench.folders import Places
from fibench.store import journal
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
from fibench.store.machine import cores_of, machine_line_of
from fibench.store.planned import read_experiment
from fibench.store.record import usable
from fibench.store.stops import read_stop
from fibench.wording import escaped


@dataclass(frozen=True)
class StoredRun:
    """What a run left behind."""

    folder: Path
    experiment: Experiment
    """With the cells that were measured, and the claims that can be judged by them."""
    plan: Mapping[str, Any]
    environment: Mapping[str, Any]
    """The machine; empty where it was not kept."""
    records: list[dict[str, Any]]
    """The last attempt of each trial, in the plan's order."""
    complete: bool
    """It ran to its end; otherwise it has estimates and no verdicts."""
    ignored: tuple[tuple[int, str], ...] = ()
    """Lines of trials.jsonl, from 1, that are left out, and why: torn, altered, or no trial's."""
    stopped: str | None = None
    """Why it was stopped before its end: what it measured changed under it."""
    kept_claims: tuple[Mapping[str, Any], ...] | None = None
    """The verdicts of claims.json, each with `id` and `outcome`; None: the run has none yet."""
    digests: frozenset[bytes] = frozenset()
    """Of every whole line of trials.jsonl: what tells a trial from all others."""

    @property
    def name(self) -> str:
        """`gil/2026-11-23T0715-7f3a`: the same on every machine that the folder is copied to."""
        return f"{self.experiment_name}/{self.folder.resolve().name}"

    @property
    def experiment_name(self) -> str:
        """The name of the experiment's file without its ending."""
        return Path(self.source or "").stem or self.folder.resolve().parent.name

    @property
    def source(self) -> str | None:
        """The name of the experiment's file, where that was kept."""
        source = self.plan.get("source")
        return source if isinstance(source, str) and "\0" not in source else None

    @property
    def source_path(self) -> str | None:
        """Where that file is, from the folder that the results are in, where that was kept."""
        path = self.plan.get("source_path")
        return path if isinstance(path, str) else None

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
        return [*([f"stopped: {escaped(self.stopped)}"] if self.stopped else ()), *self.damage]

    @property
    def planned_cells(self) -> tuple[Cell, ...]:
        """The cells that the file makes: those measured, and those that were left out."""
        return (*self.experiment.cells, *(one.cell for one in self.experiment.absent.cells))

    @property
    def cores(self) -> int | None:
        """The physical cores that the run could use on its machine, at least 1; None: not known."""
        return cores_of(self.environment, self.plan)

    @property
    def machine_line(self) -> str:
        """The machine that the run was made on, in one line that says what is not known."""
        return machine_line_of(self.environment, self.plan)


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
    plan = read_json(folder, "plan.json")
    environment = read_json(folder, "environment.json", missing={})
    kept_claims = _read_claims(folder)
    reading, records, ignored = _read_journal(folder)
    experiment = read_experiment(folder, plan, places)
    return StoredRun(
        folder=folder,
        experiment=experiment,
        plan=plan,
        environment=environment,
        records=records,
        complete=kept_claims is not None,
        ignored=tuple(ignored),
        stopped=read_stop(folder),
        kept_claims=kept_claims,
        digests=frozenset(reading.digests),
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


def _read_claims(folder: Path) -> tuple[dict[str, Any], ...] | None:
    """What claims.json has; None where there is none. Raises StoredError."""
    if not os.path.lexists(folder / "claims.json"):
        return None
    claims = read_json(folder, "claims.json").get("claims")
    if not isinstance(claims, list) or not all(
        isinstance(claim, dict) and isinstance(claim.get(name), str)
        for claim in claims
        for name in ("id", "outcome")
    ):
        where = shown_path(folder / "claims.json")
        raise StoredError(f"{where} has no proper claims", DAMAGED)
    return tuple(claims)


def read_load(run: StoredRun, record: Mapping[str, Any]) -> dict[str, Any] | None:
    """What fibload said of a trial; None where it said nothing (client_bench.sh, a failure).

    Raises StoredError when the file is there and cannot be used.
    """
    return read_json(run.folder, f"{trial_folder(record)}/load.json", missing={}) or None


def is_measured(record: Mapping[str, Any]) -> bool:
    """Whether a trial's times are figures of its cell: its ceiling, say, has the null server's."""
    return bool(record["valid"]) and record.get("role", "measure") == "measure"


def trial_folder(record: Mapping[str, Any]) -> str:
    """Where the files of an attempt are: trials/082, trials/082-2 for the second."""
    return f"trials/{journal.folder_name(record['index'], record['attempt'])}"


def _numbered(lines: Sequence[int]) -> str:
    listed = ", ".join(map(str, lines[:5])) + (", …" if lines[5:] else "")
    return f"line{'s' if lines[1:] else ''} {listed}"


def _read_journal(
    folder: Path,
) -> tuple[journal.Reading, list[dict[str, Any]], list[tuple[int, str]]]:
    """A run's journal, the last attempts of its trials, and the lines that are left out, and why.

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
    found = usable(reading)
    if found.refused and not found.records:
        line, why = found.refused[0]
        raise StoredError(f"{where}: no line can be used: line {line}: {why}", DAMAGED)
    torn = ((line, "it is torn, or was altered") for line in reading.damaged)
    again = ((line, "it is a copy of one above") for line in reading.repeated)
    return reading, found.records, sorted([*torn, *again, *found.refused])
