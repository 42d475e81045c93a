# SPDX-License-Identifier: BSD-3-Clause
"""An experiment file: parsed and validated into an Experiment, or explained line by line.

`python -m fibench.experiment.experiment` prints the JSON Schema that experiment.schema.json holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fibench.document import (
    START_TIMEOUT_S,
    Diagnostic,
    ExperimentError,
    ExperimentFile,
    PlanTable,
    Sound,
    Source,
    apply_overrides,
    brief_name,
    check_document,
    find_experiment,
    parse_toml,
)
from fibench.document.text import decode, read
from fibench.experiment._conflicts import (
    report_conflicts,
    report_given_twice,
    report_groups,
    report_own_names,
    report_too_many,
    report_unknown_backends,
    report_without_effect,
)
from fibench.experiment.absent import NOTHING, Absent
from fibench.experiment.cells import (
    Cell,
    Combination,
    KnownBackend,
    combinations,
    distinct,
    leave_out,
    make_cells,
    report_repeated,
)
from fibench.experiment.claims import Claim, DroppedClaim, resolve_claims

__all__ = [
    "Cell",
    "Claim",
    "Diagnostic",
    "DroppedClaim",
    "Experiment",
    "ExperimentError",
    "KnownBackend",
    "OwnBackend",
    "find_experiment",
    "load_experiment",
    "parse_experiment",
]


@dataclass(frozen=True)
class OwnBackend:
    """A server of the user's own."""

    command: tuple[str, ...]
    """Program and arguments as the file gives them; `{port}` is still to be replaced."""
    framing: Literal["message", "line"]
    serves: int | Literal["any"]
    """How many connections it serves at once."""
    ready_fd: bool
    """Whether it takes --ready-fd FD."""
    folder: Path
    """The experiment file's folder: a relative program with a slash is found from there."""
    start_timeout_s: float = START_TIMEOUT_S
    """How long it may take until it listens."""


@dataclass(frozen=True)
class Experiment:
    """A valid experiment."""

    title: str
    description: str | None
    matrix: tuple[Mapping[str, Sequence[Any]], ...]
    """Each [[matrix]] table: key to values."""
    exclude: tuple[Mapping[str, Any], ...]
    server: Mapping[str, Any]
    """What [server] gives; durations in seconds."""
    load: Mapping[str, Any]
    """What [load] gives, client groups apart; durations in seconds, rates in 1/s."""
    plan: PlanTable
    claims: tuple[Claim, ...]
    dropped_claims: tuple[DroppedClaim, ...]
    """Claims that are not judged, since options have changed their cells."""
    backends: Mapping[str, OwnBackend]
    """Servers of the user's own."""
    cells: tuple[Cell, ...]
    known: Mapping[str, KnownBackend] = field(default_factory=dict)
    """What is known of the backends that the cells use, those of the user's own included."""
    absent: Absent = NOTHING
    """What of it cannot be run here: its cells are not among `cells`."""

    def known_own(self) -> dict[str, KnownBackend]:
        """The servers of the user's own as validation sees them."""
        return {
            name: KnownBackend((own.framing,), own.serves, "own")
            for name, own in self.backends.items()
        }


def load_experiment(
    path: Path,
    known_backends: Mapping[str, KnownBackend],
    overrides: Mapping[str, str] | None = None,
) -> Experiment:
    """Read and validate an experiment file; `overrides` are options that replace its keys.

    Raises ExperimentError with every fault at once.
    """
    name = brief_name(path)
    return parse_experiment(
        read(path, name), name, known_backends, overrides, folder=path.resolve().parent
    )


def parse_experiment(
    data: str | bytes,
    filename: str,
    known_backends: Mapping[str, KnownBackend],
    overrides: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Experiment:
    """Validate the text of an experiment file. Raises ExperimentError with every fault at once.

    `folder` is what programs of the user's own servers are relative to; default: where `filename`
    is.
    """
    text = decode(data, filename)
    document = parse_toml(text, filename)
    folder = folder if folder is not None else Path(filename).parent
    experiment = _validate(document, Source(filename, text), known_backends, folder)
    if not overrides:
        return experiment
    overridden = apply_overrides(document, overrides)
    source = Source(filename, text, overridden.options)
    return _validate(overridden.document, source, known_backends, folder, changed=True)


def _validate(
    document: dict[str, Any],
    source: Source,
    catalogue: Mapping[str, KnownBackend],
    folder: Path,
    *,
    changed: bool = False,
) -> Experiment:
    """Make the experiment of a document. Raises ExperimentError with every fault at once."""
    sound = check_document(document, source)
    experiment = None
    if sound is not None:
        experiment = _judge(sound, document, source, catalogue, folder, changed)
    if source.diagnostics or experiment is None:
        raise ExperimentError(source.sorted())
    return experiment


def _judge(
    sound: Sound,
    document: dict[str, Any],
    source: Source,
    catalogue: Mapping[str, KnownBackend],
    folder: Path,
    changed: bool,
) -> Experiment:
    """The experiment of the sound part of a file; what is wrong with it is reported."""
    file = sound.file
    backends = dict(catalogue) | {
        name: KnownBackend((table.framing,), table.serves, "own")
        for name, table in file.backends.items()
    }
    faulty = document.get("backends", {})
    names = {*backends, *(faulty if isinstance(faulty, dict) else ())}
    doubtful = set(sound.doubtful)
    if report_unknown_backends(file, sound.claims, names, source):
        doubtful.add("backend")
    report_own_names(file, catalogue, source)
    report_given_twice(file, source)
    report_repeated(file, source)
    made = combinations(file, backends, source)
    cells = None
    if made is not None:
        made = _kept(made, file, source, doubtful, changed=changed)
        cells = make_cells(made) or None  # without any, claims about them cannot be judged
        report_too_many(len(made), file, source)
    claims, dropped = resolve_claims(
        list(zip(sound.claims, file.claim, strict=True)),
        cells,
        source,
        doubtful=doubtful,
        changed=changed,
    )
    return Experiment(
        title=file.title,
        description=file.description,
        matrix=tuple(table.given() for table in file.matrix),
        exclude=tuple(table.given() for table in file.exclude),
        server=file.server.given(),
        load={name: value for name, value in file.load.given().items() if name != "group"},
        plan=file.plan,
        claims=claims,
        dropped_claims=dropped,
        backends=_own_backends(file, folder),
        cells=cells or (),
        known={
            cell.backend: backends[cell.backend] for cell in cells or () if cell.backend in backends
        },
    )


def _own_backends(file: ExperimentFile, folder: Path) -> dict[str, OwnBackend]:
    """The servers of the user's own that a file in a folder brings."""
    return {
        name: OwnBackend(
            tuple(table.command),
            table.framing,
            table.serves,
            table.ready_fd,
            folder,
            table.start_timeout,
        )
        for name, table in file.backends.items()
    }


def _kept(
    made: list[Combination],
    file: ExperimentFile,
    source: Source,
    doubtful: set[str],
    *,
    changed: bool,
) -> list[Combination]:
    """The combinations to measure; what cannot be measured is reported."""
    report_without_effect(made, doubtful, source, changed=changed)
    kept = leave_out(made, file.exclude, source, changed=changed)
    if not kept and not source.diagnostics:
        source.report(("matrix",), "no cell is left to measure", "exclude fewer cells", key=True)
    report_conflicts(kept, doubtful, source)
    report_groups(file, kept, source)
    if not doubtful:
        return distinct(kept, source, changed=changed)
    return list({tuple(one.parameters.values()): one for one in kept}.values())
