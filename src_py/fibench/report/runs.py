# SPDX-License-Identifier: BSD-3-Clause
"""A folder of runs, from many machines: each run, and as a table a row for each run and claim.

Runs are judged anew, from their trials: claims.json may have been altered, or written by another
version. What contradicts it, or stands in another run as well, is marked. Nothing is read that a
link leads to.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from fibench.document import ExperimentError
from fibench.experiment import Claim
from fibench.folders import Places, find_places
from fibench.json_values import finite
from fibench.record import Record
from fibench.report.lines import short_processor
from fibench.report.words import NOT_DECIDED
from fibench.store import StoredError, StoredRun, read_run, run_name
from fibench.store.carrying.opening import read_page
from fibench.store.carrying.pages import PAGE_ENDING, carries_run
from fibench.store.files import read_json, shown_path
from fibench.store.kept import KeptEnvironment, read_environment
from fibench.store.names import head_of, known_as
from fibench.verdict import Review, Verdict, review
from fibench.verdict.audit import copies, seeds_shared
from fibench.wording import counted, escaped, json_text

SCHEMA = 1
NOT_KNOWN = "not known"
"""What a machine is called of which nothing is."""
_RUN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{4}-[0-9a-f]{4,}")
_MARKS = frozenset(("plan.json", "trials.jsonl", "claims.json"))
"""A folder that has one of these is a run, and is not searched for others."""
_DEEPEST = 64


@dataclass(frozen=True)
class RunRow:
    """A claim of a run, or what stands in its place: `interrupted`, `no claims`, `damaged: ...`."""

    run: str
    """The folder, relative to the root."""
    experiment: str
    """What `report` calls it: its file's name without .toml, or its path where two have one."""
    machine: str
    cores: int | None
    when: str
    """UTC, `2026-11-23 07:15`."""
    complete: bool
    claim: str
    outcome: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    quantity: str = ""
    """What the estimate is: `ratio`, or a metric with its unit."""
    marks: str = ""
    """What is wrong with the run: altered, damaged, missing, copied. The same in all its rows."""
    trials: int | None = None
    """How many are in its journal, the last attempt of each; None of a damaged run."""
    failed: int | None = None
    """How many of these are not valid."""
    claims_added_afterwards: bool = False
    """Its claims are not those that it was begun with."""
    as_: str = ""
    """The name that it was made under (`run --as NAME`)."""

    @property
    def machine_label(self) -> str:
        """The machine with its cores, as `--machine` finds it: `Model 7, 2 cores`."""
        cores = None if self.cores is None else counted(self.cores, "core")
        return ", ".join(filter(None, (self.machine, cores))) or NOT_KNOWN


RUN_COLUMNS = tuple(entry.name.rstrip("_") for entry in fields(RunRow))


@dataclass(frozen=True)
class Wanted:
    """Which runs are asked for; what is empty asks for all."""

    experiment: str = ""
    """As `report` takes it, or the name of a folder of runs."""
    machine: str = ""
    """A part of the machine's label, in either case."""
    since: str = ""
    """UTC, `2026-11-23 07:15`, as of a row."""
    until: str = ""

    def has(self, row: RunRow) -> bool:
        """Whether a run is of that machine and time. One whose time is not known is of any: what
        is damaged must not be out of sight for that."""
        if self.machine.casefold() not in row.machine_label.casefold():
            return False
        return not row.when or self.since <= row.when <= (self.until or "~")


@dataclass(frozen=True)
class ListedRun:
    """A run with its rows, one at least."""

    place: Path
    """Where it was found: its folder, or the page that carries it."""
    folder: Path
    """Its folder; of a page, one that is there for now."""
    rows: list[RunRow]
    source_path: str | None
    """Where its experiment's file is, as its plan has it."""
    digests: frozenset[bytes] = frozenset()
    title: str = ""
    """Of its experiment."""
    seed: int | None = None
    claims: Sequence[Claim] = ()
    """Those of its file, whether they have a verdict or not."""
    verdicts: Sequence[Verdict] = ()
    is_damaged: bool = False
    """It could not be read: there is nothing but its row."""
    beliefs: Mapping[str, str] = field(default_factory=dict)
    """What was expected of its claims before it was made, by their ids: "holds", "does not hold" or
    "too close", of those of which anything was said."""

    @property
    def head(self) -> RunRow:
        """What all of its rows say of the run."""
        return self.rows[0]


def find_runs(root: Path) -> Iterator[Path]:
    """Every run below a folder, or the folder itself, by name: folders of runs, and pages that
    carry one. Links are not followed, and what is hidden, as folders of runs that a crash left
    unborn, is passed over.

    A folder that cannot be listed is yielded too: its row says so.
    """
    stack = [(root, 0)]
    while stack:
        folder, depth = stack.pop()
        if depth and carries_run(folder):
            yield folder
            continue
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError:
            yield folder
            continue
        if any(entry.name in _MARKS for entry in entries):
            yield folder
        elif depth < _DEEPEST:
            below = sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".")
                and (entry.is_dir(follow_symlinks=False) or _may_carry(entry))
            )
            stack += [(folder / name, depth + 1) for name in reversed(below)]


def _may_carry(entry: os.DirEntry[str]) -> bool:
    """Whether it is a page with a run in it."""
    is_file = entry.name.lower().endswith(PAGE_ENDING) and entry.is_file(follow_symlinks=False)
    return is_file and carries_run(Path(entry.path))


OTHER_CELLS = "claims of other cells"
"""What stands in the place of an outcome where all runs are judged by other claims than their own,
and a run has not the cells that these are about."""
ClaimsOf = Callable[[StoredRun], Sequence[Claim]]
"""The claims to judge a run by. Raises ExperimentError where it has not their cells."""


def rows(root: Path, experiment: str = "", added: ClaimsOf | None = None) -> list[RunRow]:
    """The rows of all runs below a folder, of one experiment if it is named. Each is judged by its
    own claims, or by those that are `added`."""
    return table_rows(listed_runs(root, Wanted(experiment), added))


def table_rows(found: Iterable[ListedRun]) -> list[RunRow]:
    """The rows of runs, in their order."""
    return [row for one in found for row in one.rows]


def listed_runs(root: Path, wanted: Wanted, added: ClaimsOf | None = None) -> list[ListedRun]:
    """The runs below a folder that are wanted, in the order of their paths, each judged by its own
    claims, or by those that are `added`.

    What a run has in common with another one is marked, also where that is of another machine or
    time than the wanted ones.
    """
    found = _found(root, wanted.experiment, added)
    names = _names(found)
    shared = [
        copies({one.head.run: one.digests for one in found}),
        seeds_shared({one.head.run: (one.head.as_, one.seed) for one in found}),
    ]
    marked = [
        replace(
            one,
            rows=[
                replace(
                    row,
                    experiment=names[row.run],
                    marks="; ".join(
                        filter(None, (row.marks, *(known.get(row.run, "") for known in shared)))
                    ),
                )
                for row in one.rows
            ],
        )
        for one in found
    ]
    return [one for one in marked if wanted.has(one.head)]


def _found(root: Path, experiment: str, added: ClaimsOf | None) -> list[ListedRun]:
    """Every run below a folder, of one experiment if it is named."""
    found: list[ListedRun] = []
    places = find_places()
    stem = Path(experiment).name.removesuffix(".toml")
    wanted = (experiment, run_name(Path(f"{stem}.toml")))
    for folder in find_runs(root):
        name = folder.parent.name if folder != root else folder.resolve().parent.name
        if not experiment or name in wanted or folder.is_file():
            one = _run_in(folder, root, places, added)
            if not experiment or name in wanted or one.folder.parent.name in wanted:
                found.append(one)
    if os.sep in experiment:  # a path means one file, where the runs say of which they are
        path = os.path.normpath(experiment)
        found = [one for one in found if one.source_path == path] or found
    return found


def _names(found: Iterable[ListedRun]) -> dict[str, str]:
    """What `report` calls the experiment of each run: the path of its file where two of one name
    share a folder."""
    found = list(found)
    sources: dict[Path, set[str]] = defaultdict(set)
    for one in found:
        if one.source_path is not None:
            sources[one.folder.parent].add(one.source_path)
    return {
        one.head.run: (
            one.source_path
            if one.source_path is not None and len(sources[one.folder.parent]) > 1
            else one.head.experiment
        )
        for one in found
    }


def runs_json(found: Iterable[RunRow]) -> str:
    """The rows as one JSON document."""
    listed = [dict(zip(RUN_COLUMNS, astuple(row), strict=True)) for row in found]
    return json_text({"schema": SCHEMA, "runs": listed}, 1)


def _run_in(folder: Path, root: Path, places: Places, added: ClaimsOf | None) -> ListedRun:
    """The run in a folder; one that cannot be read has a row that says so."""
    place = folder
    shown = str(folder.relative_to(root)) if folder != root else folder.resolve().name
    parent = folder.resolve().parent.name
    try:
        stored = read_page(folder, places) if folder.is_file() else read_run(folder, places)
        folder, parent = stored.folder, stored.folder.resolve().parent.name
        judged, outcome = _judged(stored, added)
    except StoredError as error:
        source = head_of(folder).source_path
        experiment = known_as(parent, source)
        why = str(error).replace(f"{shown_path(folder)}/", "")
        why = why.replace(shown_path(folder), escaped(folder.name))
        environment = _environment_of(folder)
        machine = (short_processor(environment), environment.usable_cores)
        row = RunRow(shown, experiment, *machine, _when(folder, ()), False, "", f"damaged: {why}")
        return ListedRun(place, folder, [row], source, is_damaged=True)
    run = judged.run
    source = run.plan.source_path
    known = RunRow(
        shown,
        known_as(parent, source or run.plan.source),
        *(short_processor(run.environment), run.cores),
        _when(folder, run.records),
        run.complete,
        claim="",
        outcome=outcome or ("interrupted" if judged.interrupted else "no claims"),
        marks="; ".join(judged.marks),
        trials=len(run.records),
        failed=len(judged.failures),
        claims_added_afterwards=judged.added_afterwards,
        as_=run.plan.made_as,
    )
    rows = [] if outcome else [_claim_row(known, verdict) for verdict in judged.verdicts]
    if rows:  # interrupted, with some decided: the others are told too
        open_ = judged.findings.undecided
        rows += [replace(known, claim=claim.id, outcome=NOT_DECIDED) for claim in open_]
    return ListedRun(
        place,
        folder,
        rows or [known],
        source,
        digests=frozenset(run.digests),
        title=run.experiment.title,
        seed=run.experiment.plan.seed,
        claims=() if outcome else run.experiment.claims,
        verdicts=() if outcome else judged.verdicts,
        beliefs={
            claim.id: belief
            for claim in run.experiment.claims
            if (belief := run.belief(claim)) is not None
        },
    )


def _judged(stored: StoredRun, added: ClaimsOf | None) -> tuple[Review, str]:
    """A run judged by its own claims or by those that are added; beside it what stands in the place
    of outcomes where it has not their cells."""
    try:
        return review(stored, None if added is None else added(stored)), ""
    except ExperimentError:
        return review(stored), OTHER_CELLS


def _claim_row(run: RunRow, verdict: Verdict) -> RunRow:
    """The row of a claim, with the figures that claims.json would have."""
    row = replace(run, claim=verdict.claim.id, outcome=verdict.outcome)
    shown, count = verdict.shown_estimate, verdict.count
    if shown is not None:
        mean, (low, high) = finite(shown.mean), verdict.known_ends
        return replace(row, estimate=mean, low=low, high=high, quantity=verdict.quantity)
    if count is not None and count.total is not None:
        low, high = (None if end is None else float(end) for end in (count.least, count.most))
        mean = count.total / count.blocks
        return replace(row, estimate=mean, low=low, high=high, quantity=verdict.claim.metric)
    return row


def _environment_of(folder: Path) -> KeptEnvironment:
    """What is known of the machine of a run that cannot be read."""
    try:
        return read_environment(read_json(folder, "environment.json", missing={}))
    except StoredError:
        return read_environment({})


def _when(folder: Path, records: Sequence[Record]) -> str:
    """When the run began, from its folder's name, or where that was changed from its first trial.

    Copies keep neither name nor age for sure.
    """
    name = folder.name
    if _RUN.fullmatch(name):
        return f"{name[:10]} {name[11:13]}:{name[13:15]}"
    times = (datetime.fromisoformat(record.started_at).astimezone(UTC) for record in records)
    began = min(times, default=None)
    return f"{began:%Y-%m-%d %H:%M}" if began is not None else ""
