# SPDX-License-Identifier: BSD-3-Clause
"""A run read back from its folder, made on any machine, by this version or an older one.

What the folder says is data from outside: every file is checked before it is used, and nothing
outside the folder is read, whatever symbolic links it holds.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fibench import journal
from fibench.catalogue import CatalogueError, known_backends, read_catalogue
from fibench.cells import Cell, KnownBackend
from fibench.contrasts import Claim, DroppedClaim, resolve_claims
from fibench.diagnostics import ExperimentError, Source, escaped
from fibench.experiment import Experiment, parse_experiment
from fibench.explain import check_document
from fibench.keys import KEYS
from fibench.places import Places
from fibench.reading import LARGEST_FILE_BYTES, decode, parse_toml
from fibench.runs_folder import NoSuchRunError, resolve_run

NEWEST_SCHEMA = 2
_LARGEST_JSON_BYTES = 256 * 2**20
_LARGEST_INDEX = 10_000_000
_VALUES = (str, int, float, type(None))


class StoredError(Exception):
    """A run cannot be read; the text is one line of what, `hint` one of what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


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
    damaged: tuple[int, ...] = ()
    """Lines of trials.jsonl, from 1, that were not whole."""

    @property
    def name(self) -> str:
        """`gil/2026-11-23T0715-7f3a`: the same on every machine that the folder is copied to."""
        return f"{self.experiment_name}/{self.folder.resolve().name}"

    @property
    def experiment_name(self) -> str:
        """The name of the experiment's file without its ending."""
        source = self.plan.get("source")
        if isinstance(source, str) and Path(source).stem:
            return Path(source).stem
        return self.folder.resolve().parent.name

    @property
    def cores(self) -> int:
        """The physical cores that the run could use on its machine; at least 1."""
        return cores_of(self.environment)


def open_run(name_or_folder: str, places: Places) -> StoredRun:
    """Read a run, named as `resolve_run` has it. Raises StoredError."""
    try:
        folder = resolve_run(name_or_folder, places.results)
    except NoSuchRunError as error:
        raise StoredError(str(error), error.hint) from error
    return read_run(folder, places)


def read_run(folder: Path, places: Places) -> StoredRun:
    """Read the run in a folder. Raises StoredError."""
    if not any(os.path.lexists(folder / name) for name in ("plan.json", "trials.jsonl")):
        raise StoredError(
            f"{shown_path(folder)} is not a run: it has no plan.json", "give the folder of a run"
        )
    plan = read_json(folder, "plan.json")
    environment = read_json(folder, "environment.json", missing={})
    reading = _read_journal(folder)
    experiment = _read_experiment(folder, plan, places)
    records = _last_attempts(reading.records)
    for record in records:
        _check_record(record, folder)
    return StoredRun(
        folder=folder,
        experiment=experiment,
        plan=plan,
        environment=environment,
        records=sorted(records, key=lambda record: int(record["index"])),
        complete=os.path.lexists(folder / "claims.json"),
        damaged=tuple(reading.damaged),
    )


def read_load(run: StoredRun, record: Mapping[str, Any]) -> dict[str, Any] | None:
    """What fibload said of a trial; None where it said nothing (client_bench.sh, a failure).

    Raises StoredError when the file is there and cannot be used.
    """
    name = f"trials/{int(record['index']):03d}/load.json"
    return read_json(run.folder, name, missing={}) or None


def read_json(folder: Path, name: str, missing: dict[str, Any] | None = None) -> dict[str, Any]:
    """A JSON object of a run's folder; `missing` stands in for an absent file if it is given.

    Raises StoredError, also for a document of a later schema than this version knows.
    """
    data = read_inside(folder, name, _LARGEST_JSON_BYTES, optional=missing is not None)
    if data is None:
        return dict(missing or {})
    where = shown_path(folder / name)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StoredError(f"{where} is not JSON", _DAMAGED) from error
    if not isinstance(document, dict):
        raise StoredError(f"{where} is not a JSON object", _DAMAGED)
    schema = document.get("schema", 1)
    if type(schema) is not int or schema < 1:
        raise StoredError(f"{where} has no schema number", _DAMAGED)
    if schema > NEWEST_SCHEMA:
        raise StoredError(f"{where} has schema {schema}, which is newer than this fibench", _NEWER)
    return document


_DAMAGED = "the file is damaged: copy the run's folder again, or leave this run out"
_UNREADABLE = "make the run's folder readable, or copy it again"
_NEWER = "use the version of fibench that made the run, or a later one"


def read_inside(folder: Path, name: str, most: int, *, optional: bool = False) -> bytes | None:
    """The bytes of a file of a run's folder; None if it is absent and `optional`.

    Raises StoredError.
    """
    path = _inside(folder, name, optional=optional)
    if path is None:
        return None
    where = shown_path(folder / name)
    try:
        with open(path, "rb", opener=_open_without_waiting) as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise StoredError(f"{where} cannot be read: {error.strerror}", _UNREADABLE) from error
    if len(data) > most:
        raise StoredError(f"{where} is larger than {most // 1024} KiB", _DAMAGED)
    return data


def _inside(folder: Path, name: str, *, optional: bool) -> Path | None:
    """Where a regular file of a run's folder is; None if it is absent and `optional`.

    A symbolic link that leads out of the folder is an error, and so is a FIFO or a device, which
    would make us wait. Raises StoredError.
    """
    where = shown_path(folder / name)
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            hint = "fibench reads nothing outside of it: copy the file there"
            raise StoredError(f"{where} is a link out of the run's folder", hint)
        if not stat.S_ISREG(path.stat().st_mode):
            raise StoredError(f"{where} is not a regular file", _DAMAGED)
    except FileNotFoundError as error:
        if optional and not (folder / name).is_symlink():
            return None
        raise StoredError(f"{where} is missing", "copy the whole folder of the run") from error
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "its links go in circles"
        raise StoredError(f"{where} cannot be read: {reason}", _UNREADABLE) from error
    return path


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)


def shown_path(path: Path) -> str:
    """A path in a message: relative below the working folder, harmless to a terminal."""
    relative = os.path.relpath(path)
    return escaped(str(path) if relative.startswith(os.pardir) else relative)


def cores_of(environment: Mapping[str, Any]) -> int:
    """How many physical cores a run could use, by its environment.json; at least 1."""
    cores = environment.get("usable_cores")
    return cores if type(cores) is int and cores > 0 else 1


def machine_line_of(environment: Mapping[str, Any]) -> str:
    """The machine that a run was made on, in one line."""
    if not environment:
        return "an unknown machine (no environment.json)"
    cores = cores_of(environment)
    python = environment.get("python")
    version = python.get("version") if isinstance(python, dict) else None
    words = [
        str(environment.get("processor", "unknown processor")),
        f"{cores} core{'' if cores == 1 else 's'}",
        f"Linux {environment.get('kernel', 'of unknown version')}",
        *([f"Python {version}"] if version else []),
    ]
    return ", ".join(words)


def _read_journal(folder: Path) -> journal.Reading:
    """The trials of a run; a run that was interrupted at once has no journal."""
    path = _inside(folder, "trials.jsonl", optional=True)
    try:
        return journal.Reading() if path is None else journal.read(path)
    except (OSError, ValueError, RecursionError) as error:
        where = shown_path(folder / "trials.jsonl")
        raise StoredError(f"{where} cannot be read: {error}", _UNREADABLE) from error


def _last_attempts(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last attempt of each trial: one that was tried again counts once."""
    return list({str(record.get("trial")): record for record in records}.values())


_NUMBER = (int, float)
_SHAPE: Mapping[str, type | tuple[type, ...]] = {
    "trial": str,
    "index": int,
    "block": int,
    "cell": str,
    "label": str,
    "valid": bool,
    "reason": (str, type(None)),
    "started_at": str,
    "parameters": dict,
    "metrics": dict,
    "counts": dict,
    "times": dict,
}


def _check_record(record: Mapping[str, Any], folder: Path) -> None:
    """Raise StoredError for a record that is whole, and yet not what a trial leaves behind."""
    schema = record.get("schema", 1)
    where = shown_path(folder / "trials.jsonl")
    if type(schema) is int and schema > NEWEST_SCHEMA:
        raise StoredError(f"{where} has schema {schema}, which is newer than this fibench", _NEWER)
    wrong = [name for name, kind in _SHAPE.items() if not isinstance(record.get(name), kind)]
    if not wrong:
        wrong += [
            name
            for name, kind in (("metrics", (*_NUMBER, type(None))), ("counts", int))
            if not all(isinstance(value, kind) for value in record[name].values())
        ]
        times = record["times"]
        if not all(isinstance(times.get(name), _NUMBER) for name in ("wall_s", "measured_s")):
            wrong.append("times")
        if "clients_answered" in record["counts"] and not isinstance(
            record["parameters"].get("clients"), int
        ):
            wrong.append("parameters")
        if not 0 <= record["index"] <= _LARGEST_INDEX:
            wrong.append("index")
    if wrong:
        trial = escaped(str(record.get("trial"))[:80])
        raise StoredError(f"{where}: trial {trial} has no proper {', '.join(wrong)}", _DAMAGED)


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
        raise StoredError(f"{shown_path(folder / 'plan.json')} has no proper overrides", _DAMAGED)
    cells = _planned_cells(plan, folder)
    try:
        backends = _known_backends(plan, places)
        experiment = parse_experiment(data, name, backends, overrides, folder=folder)
        given = {key: plan[key] for key in ("blocks", "seed") if type(plan.get(key)) is int}
        experiment = replace(experiment, plan=experiment.plan.model_copy(update=given))
        if {cell.key for cell in experiment.cells} == {cell.key for cell in cells}:
            return experiment
        claims, dropped = claims_for(data, name, cells, changed=True)
    except CatalogueError as error:
        raise StoredError(str(error), "restore catalogue.toml from the repository") from error
    except ExperimentError as error:
        raise StoredError(str(error), "this version does not understand the file") from error
    return replace(experiment, cells=cells, claims=claims, dropped_claims=dropped)


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


def _planned_cells(plan: Mapping[str, Any], folder: Path) -> tuple[Cell, ...]:
    """The cells of plan.json. Raises StoredError."""
    where = shown_path(folder / "plan.json")
    listed = plan.get("cells")
    if not isinstance(listed, list) or not listed:
        raise StoredError(f"{where} has no cells", _DAMAGED)
    for entry in listed:
        if (
            not isinstance(entry, dict)
            or not all(isinstance(entry.get(name), str) for name in ("key", "label"))
            or not isinstance(entry.get("parameters"), dict)
            or not all(isinstance(v, _VALUES) for v in entry["parameters"].values())
            or not isinstance(entry["parameters"].get("backend"), str)
        ):
            raise StoredError(f"{where} has a cell without key, label or parameters", _DAMAGED)
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


def _known_backends(plan: Mapping[str, Any], places: Places) -> dict[str, KnownBackend]:
    """The backends as they were when the run was made; schema 1 did not keep them.

    Then the catalogue of today says what they are.
    """
    kept = plan.get("backends")
    if isinstance(kept, dict):
        return {
            name: KnownBackend(
                framings=tuple(str(framing) for framing in entry.get("framings", ())),
                serves=entry.get("serves", "any"),
                language=str(entry.get("language", "c")),
                cores=entry.get("cores", "any"),
            )
            for name, entry in kept.items()
            if isinstance(entry, dict) and entry.get("language") != "own"
        }
    return known_backends(read_catalogue(places.catalogue))
