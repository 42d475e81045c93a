# SPDX-License-Identifier: BSD-3-Clause
"""What a stored run was planned to measure: its experiment, with the cells that its plan has.

What the folder says is data from outside: every member of it is checked before it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from fibench.backends import CatalogueError, known_backends, read_catalogue
from fibench.document import ExperimentError, Source, check_document, parse_toml
from fibench.document.text import LARGEST_FILE_BYTES, decode
from fibench.experiment import (
    ASKED,
    Absent,
    AbsentCell,
    Cell,
    Claim,
    DroppedClaim,
    Experiment,
    KnownBackend,
    parse_experiment,
    resolve_claims,
)
from fibench.folders import Places
from fibench.parameters import (
    FRAMINGS,
    Parameters,
    Repetitions,
    kept_blocks,
    kept_seed,
    kept_timelines,
)
from fibench.store.files import DAMAGED, NOT_UNDERSTOOD, StoredError, read_inside, shown_path
from fibench.store.searching.planned import as_searched
from fibench.wording import escaped


def read_experiment(folder: Path, plan: Mapping[str, object], places: Places) -> Experiment:
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
        experiment = replace(experiment, plan=_asked(experiment.plan, plan), absent=absent)
        experiment = as_searched(experiment, plan)
        if {cell.key for cell in experiment.cells} == {cell.key for cell in cells}:
            return _without_absent(experiment)
        tolerates = experiment.plan.tolerate_failures
        claims, dropped = claims_for(data, name, cells, tolerates=tolerates, changed=True)
    except ValueError as error:
        what = f"{shown_path(folder / 'plan.json')} has no proper searches: {error}"
        raise StoredError(what, DAMAGED) from error
    except CatalogueError as error:
        raise StoredError(str(error), "restore catalogue.toml from the repository") from error
    except ExperimentError as error:
        raise StoredError(_first_fault(error), NOT_UNDERSTOOD) from error
    return replace(experiment, cells=measured, claims=claims, dropped_claims=dropped)


def _asked(in_file: Repetitions, plan: Mapping[str, object]) -> Repetitions:
    """What a plan says of blocks, seed and timelines; what it does not is as in the file, but that
    servers are watched only where it says so."""
    blocks, seed = kept_blocks(plan), kept_seed(plan)
    return replace(
        in_file,
        blocks=in_file.blocks if blocks is None else blocks,
        seed=in_file.seed if seed is None else seed,
        timelines=kept_timelines(plan),
    )


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
    data: bytes,
    name: str,
    cells: Sequence[Cell],
    *,
    tolerates: float = 0.0,
    changed: bool = False,
) -> tuple[tuple[Claim, ...], tuple[DroppedClaim, ...]]:
    """The claims of a file, resolved to cells that were measured.

    The file is a whole experiment, or has [[claim]] tables alone. Which share of trials may fail,
    `tolerates`, is the run's: a file written afterwards cannot forgive more. With `changed`, a
    claim that has lost its cells is dropped instead of reported. Raises ExperimentError with every
    fault at once.
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
            return tuple(replace(claim, tolerates=tolerates) for claim in claims), dropped
    raise ExperimentError(source.sorted())


@dataclass(frozen=True)
class _Planned:
    """A cell as plan.json has it, among those that were measured or those that were left out."""

    key: str
    label: str
    parameters: Parameters
    reason: str
    """Why it was left out."""


def _planned(entry: object) -> _Planned:
    """An entry of plan.json. Raises ValueError, which says what it is without."""
    if isinstance(entry, dict):
        key, label, parameters = (entry.get(name) for name in ("key", "label", "parameters"))
        if isinstance(key, str) and isinstance(label, str) and isinstance(parameters, dict):
            try:
                read = Parameters.read(parameters)
            except ValueError as error:
                raise ValueError(f"proper parameters: {error}") from error
            return _Planned(key, label, read, str(entry.get("reason")))
    raise ValueError("key, label or parameters")


def _planned_cells(plan: Mapping[str, object], folder: Path) -> tuple[tuple[Cell, ...], Absent]:
    """The cells of plan.json, and what could not be run. Raises StoredError."""
    where = shown_path(folder / "plan.json")
    listed, left_out = plan.get("cells"), plan.get("left_out", [])
    if not isinstance(listed, list) or not isinstance(left_out, list) or not (listed or left_out):
        raise StoredError(f"{where} has no cells", DAMAGED)
    try:
        every = [_planned(entry) for entry in [*listed, *left_out]]
    except ValueError as error:
        raise StoredError(f"{where} has a cell without {escaped(str(error))}", DAMAGED) from error
    cells = _cells(every)
    if len({cell.key for cell in cells}) < len(cells) or _are_repeated(cells):
        raise StoredError(f"{where} has the same cell twice", DAMAGED)
    absent = zip(cells[len(listed) :], every[len(listed) :], strict=True)
    return cells[: len(listed)], Absent(
        tuple(AbsentCell(cell, entry.reason) for cell, entry in absent),
        *(_reasons(plan.get("not_here"), name) for name in ("backends", "interpreters")),
    )


def _are_repeated(cells: Sequence[Cell]) -> bool:
    """Whether two cells have the same parameters: no selector could tell them apart."""
    return len({cell.parameters for cell in cells}) < len(cells)


def _reasons(kept: object, name: str) -> dict[str, str]:
    """Why backends or interpreters were not there, as far as plan.json says."""
    found = kept.get(name) if isinstance(kept, dict) else None
    return {k: str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _cells(listed: Sequence[_Planned]) -> tuple[Cell, ...]:
    """Cells as plan.json has them; their axes are what differs between them."""
    values = [entry.parameters.as_json() for entry in listed]
    names = dict.fromkeys(name for each in values for name in each if name != ASKED)
    varying = [name for name in names if len({each.get(name) for each in values}) > 1]
    return tuple(
        Cell(
            backend=entry.parameters.backend,
            parameters=entry.parameters,
            axes=tuple((name, own[name]) for name in varying if own.get(name) is not None),
            label=entry.label,
            key=entry.key,
        )
        for entry, own in zip(listed, values, strict=True)
    )


def _known_backends(
    plan: Mapping[str, object], data: bytes, name: str, places: Places
) -> dict[str, KnownBackend]:
    """Every backend that the file may name, as it was when the run was made where that was kept.

    Schema 1 kept nothing of them, and later ones what the run used: the catalogue of today stands
    for the others. One that it has no more takes anything. What the file brings is its own.
    """
    kept = plan.get("backends")
    then = {
        backend: KnownBackend(
            framings=tuple(str(framing) for framing in entry.get("framings") or FRAMINGS),
            serves=entry.get("serves", "any"),
            language=str(entry.get("language", "c")),
            cores=entry.get("cores", "any"),
            busy=entry.get("busy") is True,
        )
        for backend, entry in (kept.items() if isinstance(kept, dict) else ())
        if isinstance(entry, dict)
    }
    document = parse_toml(decode(data, name), name)
    gone = {
        backend: KnownBackend(FRAMINGS, "any", "python" if backend.startswith("py-") else "c")
        for backend in _named(document)
    }
    brought = document.get("backends")
    own = brought if isinstance(brought, dict) else {}
    every = {**gone, **_catalogue(places.catalogue), **then}
    return {backend: known for backend, known in every.items() if backend not in own}


@lru_cache
def _catalogue(path: Path) -> Mapping[str, KnownBackend]:
    """The backends of today, read once for however many runs."""
    return known_backends(read_catalogue(path))


def _named(document: Mapping[str, object]) -> Iterator[str]:
    """The backends in [[matrix]] and in needs of a document that is still to be validated."""
    for table_name, key in (("matrix", "backend"), ("claim", "needs_backend")):
        found = document.get(table_name)
        for table in found if isinstance(found, list) else [found]:
            names = table.get(key) if isinstance(table, dict) else None
            listed = names if isinstance(names, list) else [names]
            yield from (name for name in listed if type(name) is str)
