# SPDX-License-Identifier: BSD-3-Clause
"""A run read back from its folder, made on any machine, by this version or an older one.

What the folder says is data from outside: every member of it is checked before it is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from fibench.backends import CatalogueError, known_backends, read_catalogue
from fibench.document import KEYS, ExperimentError, Source, check_document, parse_toml
from fibench.document.text import LARGEST_FILE_BYTES, decode
from fibench.experiment import (
    Absent,
    AbsentCell,
    Cell,
    Claim,
    DroppedClaim,
    Experiment,
    KnownBackend,
    groups,
    parse_experiment,
    resolve_claims,
)
from fibench.folders import Places
from fibench.store import journal
from fibench.store.files import (
    DAMAGED,
    NEWER,
    NEWEST_SCHEMA,
    NOT_UNDERSTOOD,
    UNREADABLE,
    StoredError,
    inside,
    read_inside,
    read_json,
    shown_path,
)
from fibench.store.folder import NoSuchRun, resolve_run
from fibench.store.machine import cores_of, machine_line_of
from fibench.store.record import usable
from fibench.store.stops import read_stop
from fibench.wording import escaped

_FRAMINGS = ("message", "line")
_VALUES = (str, int, float, type(None))


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
    experiment = _read_experiment(folder, plan, places)
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


def _read_experiment(folder: Path, plan: Mapping[str, Any], places: Places) -> Experiment:
    """The experiment as it was run. Raises StoredError.

    plan.json has the cells that were measured. Where the file, read by this version, makes others
    (options that schema 1 did not keep, a default that has changed since), those of the plan stand.
    """
    data = read_inside(folder, "experiment.toml", LARGEST_FILE_BYTES)
    assert data is not None, "it is not optional"
    name = shown_path(folder / "experiment.toml")
    overrides = plan.get("overrides") or {}
    if not isinstance(overrides, dict) or not all(isinstance(v, str) for v in overrides.values()):
        raise StoredError(f"{shown_path(folder / 'plan.json')} has no proper overrides", DAMAGED)
    measured, absent = _planned_cells(plan, folder)
    cells = (*measured, *(one.cell for one in absent.cells))
    try:
        backends = _known_backends(plan, data, name, places)
        experiment = parse_experiment(data, name, backends, overrides, folder=folder)
        given = {key: plan[key] for key in ("blocks", "seed") if type(plan.get(key)) is int}
        plan_table = experiment.plan.model_copy(update=given)
        experiment = replace(experiment, plan=plan_table, absent=absent)
        if {cell.key for cell in experiment.cells} == {cell.key for cell in cells}:
            return _without_absent(experiment)
        claims, dropped = claims_for(data, name, cells, changed=True)
    except CatalogueError as error:
        raise StoredError(str(error), "restore catalogue.toml from the repository") from error
    except ExperimentError as error:
        raise StoredError(_first_fault(error), NOT_UNDERSTOOD) from error
    return replace(experiment, cells=measured, claims=claims, dropped_claims=dropped)


def _first_fault(error: ExperimentError) -> str:
    """What is wrong with an experiment's file, in one line: nobody is going to mend a run's own."""
    first, *others = error.diagnostics
    more = f" (and {len(others)} more)" if others else ""
    return str(first).splitlines()[0] + more


def _without_absent(experiment: Experiment) -> Experiment:
    """The experiment with the cells alone that were measured, in the order of its file."""
    absent = {one.cell.key for one in experiment.absent.cells}
    kept = tuple(cell for cell in experiment.cells if cell.key not in absent)
    return replace(experiment, cells=kept)


def claims_for(
    data: bytes, name: str, cells: Sequence[Cell], *, changed: bool = False
) -> tuple[tuple[Claim, ...], tuple[DroppedClaim, ...]]:
    """The claims of a file, resolved to cells that were measured.

    The file is a whole experiment, or has [[claim]] tables alone. With `changed`, a claim that has
    lost its cells is dropped instead of reported. Raises ExperimentError with every fault at once.
    """
    text = decode(data, name)
    document = parse_toml(text, name)
    if "matrix" not in document:
        document = {"title": "claims", "matrix": [{"backend": ["any"]}], **document}
    source = Source(name, text)
    sound = check_document(document, source)
    if sound is not None and not source.diagnostics:
        tables = list(zip(sound.claims, sound.file.claim, strict=True))
        if not tables and not changed:
            source.report(
                (), "the file has no [[claim]]", "write [[claim]], and below it says = ..."
            )
        claims, dropped = resolve_claims(tables, cells, source, doubtful=(), changed=changed)
        if not source.diagnostics:
            return claims, dropped
    raise ExperimentError(source.sorted())


def _planned_cells(plan: Mapping[str, Any], folder: Path) -> tuple[tuple[Cell, ...], Absent]:
    """The cells of plan.json, and what could not be run. Raises StoredError."""
    where = shown_path(folder / "plan.json")
    listed, left_out = plan.get("cells"), plan.get("left_out", [])
    if not isinstance(listed, list) or not isinstance(left_out, list) or not (listed or left_out):
        raise StoredError(f"{where} has no cells", DAMAGED)
    for entry in [*listed, *left_out]:
        if (
            not isinstance(entry, dict)
            or not all(isinstance(entry.get(name), str) for name in ("key", "label"))
            or not isinstance(entry.get("parameters"), dict)
            or not all(isinstance(v, _VALUES) for v in entry["parameters"].values())
            or not isinstance(entry["parameters"].get("backend"), str)
        ):
            raise StoredError(f"{where} has a cell without key, label or parameters", DAMAGED)
        if not _has_proper_groups(entry["parameters"]):
            raise StoredError(f"{where} has a cell without proper client groups", DAMAGED)
    cells = _cells([*listed, *left_out])
    if len({cell.key for cell in cells}) < len(cells) or _are_repeated(cells):
        raise StoredError(f"{where} has the same cell twice", DAMAGED)
    absent = zip(cells[len(listed) :], left_out, strict=True)
    return cells[: len(listed)], Absent(
        tuple(AbsentCell(cell, str(entry.get("reason"))) for cell, entry in absent),
        *(_reasons(plan.get("not_here"), name) for name in ("backends", "interpreters")),
    )


def _has_proper_groups(parameters: Mapping[str, Any]) -> bool:
    try:
        groups.parse(parameters.get("groups"))
    except (AttributeError, ValueError):
        return False
    return True


def _are_repeated(cells: Sequence[Cell]) -> bool:
    """Whether two cells have the same parameters: no selector could tell them apart."""
    return len({tuple(cell.parameters.items()) for cell in cells}) < len(cells)


def _reasons(kept: object, name: str) -> dict[str, str]:
    """Why backends or interpreters were not there, as far as plan.json says."""
    found = kept.get(name) if isinstance(kept, dict) else None
    return {k: str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _cells(listed: Sequence[Mapping[str, Any]]) -> tuple[Cell, ...]:
    """Cells as plan.json has them."""
    every = [dict.fromkeys(("backend", *KEYS)) | entry["parameters"] for entry in listed]
    varying = [name for name in every[0] if len({each.get(name) for each in every}) > 1]
    return tuple(
        Cell(
            backend=parameters["backend"],
            parameters=parameters,
            axes=tuple((n, parameters[n]) for n in varying if parameters.get(n) is not None),
            label=entry["label"],
            key=entry["key"],
        )
        for entry, parameters in zip(listed, every, strict=True)
    )


def _known_backends(
    plan: Mapping[str, Any], data: bytes, name: str, places: Places
) -> dict[str, KnownBackend]:
    """Every backend that the file may name, as it was when the run was made where that was kept.

    Schema 1 kept nothing of them, and later ones what the run used: the catalogue of today stands
    for the others. One that it has no more takes anything. What the file brings is its own.
    """
    kept = plan.get("backends")
    then = {
        backend: KnownBackend(
            framings=tuple(str(framing) for framing in entry.get("framings") or _FRAMINGS),
            serves=entry.get("serves", "any"),
            language=str(entry.get("language", "c")),
            cores=entry.get("cores", "any"),
        )
        for backend, entry in (kept.items() if isinstance(kept, dict) else ())
        if isinstance(entry, dict)
    }
    document = parse_toml(decode(data, name), name)
    gone = {
        backend: KnownBackend(_FRAMINGS, "any", "python" if backend.startswith("py-") else "c")
        for backend in _named(document)
    }
    own = document.get("backends")
    every = {**gone, **_catalogue(places.catalogue), **then}
    return {backend: known for backend, known in every.items() if backend not in (own or ())}


@lru_cache
def _catalogue(path: Path) -> Mapping[str, KnownBackend]:
    """The backends of today, read once for however many runs."""
    return known_backends(read_catalogue(path))


def _named(document: Mapping[str, Any]) -> Iterator[str]:
    """The backends in [[matrix]] and in needs of a document that is still to be validated."""
    for table_name, key in (("matrix", "backend"), ("claim", "needs_backend")):
        found = document.get(table_name)
        for table in found if isinstance(found, list) else [found]:
            names = table.get(key) if isinstance(table, dict) else None
            listed = names if isinstance(names, list) else [names]
            yield from (name for name in listed if type(name) is str)
