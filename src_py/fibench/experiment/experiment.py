# SPDX-License-Identifier: BSD-3-Clause
"""An experiment file: parsed and validated into an Experiment, or explained line by line.

`python -m fibench.experiment.experiment` prints the JSON Schema that experiment.schema.json holds.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fibench.document import (
    ExperimentError,
    ExperimentFile,
    Given,
    Sound,
    Source,
    apply_overrides,
    brief_name,
    check_document,
    parse_toml,
    read_overrides,
)
from fibench.document.text import decode, read
from fibench.experiment._conflicts import (
    report_braces_without_value,
    report_conflicts,
    report_given_twice,
    report_groups,
    report_own_names,
    report_too_many,
    report_unknown_backends,
    report_without_effect,
)
from fibench.experiment.absent import NOTHING, Absent
from fibench.experiment.asking.tables import report_unknown_requests, requests_of
from fibench.experiment.cells import Cell, Combination, KnownBackend
from fibench.experiment.claims import Claim, DroppedClaim, resolve_claims
from fibench.experiment.matrix.combinations import combinations
from fibench.experiment.matrix.distinct import distinct, leave_out, make_cells, report_repeated
from fibench.experiment.own import OwnBackend, own_backends, report_own_servers
from fibench.experiment.searching.rates import FoundRates
from fibench.experiment.searching.search import Search, searches_of, with_targets
from fibench.parameters import KEYS, Repetitions, Scalar


@dataclass(frozen=True)
class Experiment:
    """A valid experiment."""

    title: str
    description: str | None
    server: Mapping[str, Scalar]
    """What [server] gives; durations in seconds."""
    load: Mapping[str, Scalar]
    """What [load] gives, client groups apart; durations in seconds, rates in 1/s."""
    plan: Repetitions
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
    claims_begun_with: int = 0
    """How many claims the file had when the run of it was begun that is gone on with, or read."""
    searches: tuple[Search, ...] = ()
    """Rates that a run looks for before it measures: until then other cells stand in for them."""
    probes: tuple[Cell, ...] = ()
    """What it has measured to find them, in order."""
    found_rates: tuple[FoundRates, ...] = ()
    """What it has found."""

    def known_own(self) -> dict[str, KnownBackend]:
        """The servers of the user's own as validation sees them."""
        return {name: own.known for name, own in self.backends.items()}

    @property
    def claims_in_file(self) -> int:
        """How many claims the file has, or had when the run was begun, if these were more: the
        verdicts are simultaneous over all of them."""
        return max(len(self.claims) + len(self.dropped_claims), self.claims_begun_with)


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
    folder = folder if folder is not None else Path(filename).parent
    source = Source(filename, text)
    document = parse_toml(text, filename)
    sound = check_document(document, source)
    judge = _Judge(
        known_backends, folder, _names(document, "backends"), _names(document, "requests")
    )
    if not overrides:
        return judge.experiment(sound, source)
    given = read_overrides(overrides)
    if any(given.replaces(fault.path) for fault in source.diagnostics):
        document = _replaced(document, source, given)
        source = Source(filename, text)
        sound = check_document(document, source)
    return judge.changed(sound, source, given)


def _names(document: Mapping[str, object], table: str) -> frozenset[str]:
    """What the tables [table.NAME] are called, faulty ones too."""
    found = document.get(table)
    return frozenset(found if isinstance(found, dict) else ())


def _replaced(document: Mapping[str, object], source: Source, given: Given) -> dict[str, object]:
    """The document without the faulty values that options replace; what varies does so still."""
    mended = copy.deepcopy(dict(document))
    for path in [fault.path for fault in source.diagnostics if given.replaces(fault.path)]:
        assert path is not None
        table = mended[str(path[0])]
        if isinstance(table, list):
            table = table[int(path[1])]
        assert isinstance(table, dict)
        key = path[2] if path[0] == "matrix" else path[1]
        table.pop(key, None)
        if path[0] == "matrix" and key in given.values:
            values = [value for value in given.values[str(key)] if isinstance(value, Scalar)]
            table[key] = [KEYS[str(key)].kind.filed(value) for value in values]
    return mended


@dataclass(frozen=True)
class _Judge:
    """What a sound file is held against."""

    catalogue: Mapping[str, KnownBackend]
    folder: Path
    own: frozenset[str]
    """The names of the user's own servers, faulty ones too."""
    requests: frozenset[str]
    """Those of the file's requests, likewise."""

    def experiment(self, sound: Sound | None, source: Source) -> Experiment:
        """The experiment of what is sound. Raises ExperimentError with every fault at once."""
        experiment = None if sound is None else self._judged(sound, source)
        if source.diagnostics or experiment is None:
            raise ExperimentError(source.sorted())
        return experiment

    def changed(self, sound: Sound | None, source: Source, given: Given) -> Experiment:
        """The experiment of a file, of which `source` has the faults of single values, with
        options. Raises ExperimentError with every fault of both; what an option mends is none.
        """
        if sound is None:
            raise ExperimentError([*source.sorted(), *given.faults])
        sound = replace(sound, doubtful=sound.doubtful | given.doubtful)
        put = apply_overrides(sound.file, given)
        told = Source(source.file, source.text, put.options)
        experiment = self._judged(replace(sound, file=put.file), told)
        faults = list(source.diagnostics)
        if told.diagnostics or told.forgiven:  # by options, or was it so in the file?
            self._judged(sound, source)
            left = {fault.what for fault in told.diagnostics}
            faults = [
                fault
                for fault in source.sorted()
                if fault in faults
                or fault.path is None
                or (not given.replaces(fault.path) and (fault.what in left or told.forgave(fault)))
            ]
        seen = {fault.what for fault in faults}
        of_options = [fault for fault in told.sorted() if fault.what not in seen]
        if faults or given.faults or of_options:
            raise ExperimentError([*faults, *given.faults, *of_options])
        return experiment

    def _judged(self, sound: Sound, source: Source) -> Experiment:
        """The experiment of the sound part of a file; what is wrong with it is reported."""
        file = sound.file
        changed = bool(source.options)
        requests = requests_of(file, self.own, source)
        own = own_backends(file, self.folder, requests)
        backends = dict(self.catalogue) | {name: one.known for name, one in own.items()}
        doubtful = set(sound.doubtful)
        programs = {one.program: name for name, one in self.catalogue.items() if one.program}
        there_are = {*backends, *self.own}
        unknown = report_unknown_backends(file, sound.claims, there_are, source, programs)
        if unknown:
            doubtful.add("backend")
        if report_unknown_requests(file, sound.claims, self.requests, source):
            doubtful.add("request")
        report_own_names(file, self.catalogue, source)
        report_own_servers(file, requests.axes, doubtful, source)
        report_given_twice(file, source)
        report_repeated(file, source)
        made = combinations(file, backends, source, requests)
        cells, searches = None, list[Search]()
        if made is not None:
            report_without_effect(made, requests, doubtful, source, changed=changed)
            made = _kept(made, file, source, doubtful, unknown, changed=changed)
            report_braces_without_value(made, requests, doubtful, source)
            cells = make_cells(made) or None  # without any, claims about them cannot be judged
            searches = searches_of(made, cells or (), requests, source)
            report_too_many(len(made), file, source)
        claims, dropped = resolve_claims(
            list(zip(sound.claims, file.claim, strict=True)),
            cells,
            source,
            doubtful=doubtful,
            changed=changed,
            untrusted=sound.untrusted,
        )
        share = file.plan.repetitions().tolerate_failures
        claims = tuple(replace(claim, tolerates=share) for claim in claims)
        used = dict.fromkeys(cell.backend for cell in cells or ())
        return Experiment(
            title=file.title,
            description=file.description,
            server=file.server.given(),
            load=file.load.given(),
            plan=file.plan.repetitions(),
            claims=claims,
            dropped_claims=dropped,
            backends=own,
            cells=cells or (),
            known={name: backends[name] for name in used if name in backends},
            searches=with_targets(searches, claims, file, source) if searches else (),
        )


def _kept(
    made: list[Combination],
    file: ExperimentFile,
    source: Source,
    doubtful: set[str],
    unknown: Collection[str],
    *,
    changed: bool,
) -> list[Combination]:
    """The combinations to measure; what cannot be measured is reported."""
    kept = leave_out(made, file.exclude, unknown, source, changed=changed)
    if not kept and not source.diagnostics:
        source.report(("matrix",), "no cell is left to measure", "exclude fewer cells", key=True)
    report_conflicts(kept, doubtful, source)
    report_groups(file, kept, source)
    if not doubtful:
        return distinct(kept, source, changed=changed)
    return list({one.parameters: one for one in kept}.values())
