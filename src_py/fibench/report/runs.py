# SPDX-License-Identifier: BSD-3-Clause
"""A folder of runs, from many machines, as a table: a row for each run and claim.

Runs are judged anew, from their trials: claims.json may have been altered, or written by another
version. What contradicts it, or stands in another run as well, is marked. Nothing is read that a
link leads to.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
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
from fibench.verdict.audit import copies
from fibench.wording import json_text

SCHEMA = 1
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


RUN_COLUMNS = tuple(entry.name for entry in fields(RunRow))


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
    """The rows of all runs below a folder, of one experiment if it is named: as `report` takes it,
    or by the name of its folder. Each is judged by its own claims, or by those that are `added`."""
    found: list[_Run] = []
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
    copied = copies({one.rows[0].run: one.digests for one in found})
    names = _names(found)
    return [
        replace(
            row,
            experiment=names[row.run],
            marks="; ".join(filter(None, (row.marks, copied.get(row.run, "")))),
        )
        for one in found
        for row in one.rows
    ]


def _names(found: Iterable[_Run]) -> dict[str, str]:
    """What `report` calls the experiment of each run: the path of its file where two of one name
    share a folder."""
    found = list(found)
    sources: dict[Path, set[str]] = defaultdict(set)
    for one in found:
        if one.source_path is not None:
            sources[one.folder.parent].add(one.source_path)
    return {
        one.rows[0].run: (
            one.source_path
            if one.source_path is not None and len(sources[one.folder.parent]) > 1
            else one.rows[0].experiment
        )
        for one in found
    }


def runs_json(found: Iterable[RunRow]) -> str:
    """The rows as one JSON document."""
    listed = [dict(zip(RUN_COLUMNS, astuple(row), strict=True)) for row in found]
    return json_text({"schema": SCHEMA, "runs": listed}, 1)


@dataclass(frozen=True)
class _Run:
    """A run with its rows, one at least."""

    folder: Path
    rows: list[RunRow]
    source_path: str | None
    """Where its experiment's file is, as its plan has it."""
    digests: frozenset[bytes] = frozenset()


def _run_in(folder: Path, root: Path, places: Places, added: ClaimsOf | None) -> _Run:
    """The run in a folder; one that cannot be read has a row that says so."""
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
        environment = _environment_of(folder)
        machine = (short_processor(environment), environment.usable_cores)
        row = RunRow(shown, experiment, *machine, _when(folder, ()), False, "", f"damaged: {why}")
        return _Run(folder, [row], source)
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
    )
    rows = [] if outcome else [_claim_row(known, verdict) for verdict in judged.verdicts]
    if rows:  # interrupted, with some decided: the others are told too
        open_ = judged.findings.undecided
        rows += [replace(known, claim=claim.id, outcome=NOT_DECIDED) for claim in open_]
    return _Run(folder, rows or [known], source, frozenset(run.digests))


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
