# SPDX-License-Identifier: BSD-3-Clause
"""The runs that were made of an experiment before one, and after it, on the same machine: who
repeats a run until it pleases is seen to, also if he goes on with the first of them last.

It is what lies beside a run in the results folder, and no more: who removes a run removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fibench.json_values import Object
from fibench.store.files import StoredError, read_json
from fibench.store.folder import CLAIMS, runs_of
from fibench.store.kept import read_claims
from fibench.store.names import PLAN
from fibench.store.stops import read_sessions

_MACHINE = ("processor", "architecture", "cpus", "memory_bytes")


@dataclass(frozen=True)
class Before:
    """An earlier run."""

    folder: Path
    outcomes: Sequence[str]
    """What claims.json says of each claim."""
    complete: bool
    """It has a claims.json."""


def runs_before(folder: Path) -> list[Before]:
    """The runs of the same file on the same machine that were made before, the first one first.

    Of other cells, too: else any option, as a hundredth more of a second, would make a run the
    first one. What cannot be read is passed over.
    """
    before, _ = _beside(folder)
    return list(map(_before, before))


@dataclass(frozen=True)
class After:
    """How many runs were made after one."""

    made: int
    meanwhile: int
    """Of these, how many before it was gone on with for the last time."""


def runs_after(folder: Path) -> After:
    """How many runs of the same file on the same machine were made after one."""
    _, after = _beside(folder)
    try:
        sessions = read_sessions(folder)
    except StoredError:
        sessions = ()
    meanwhile = max((one.runs_meanwhile for one in sessions), default=0)
    return After(len(after), min(meanwhile, len(after)))


def _beside(folder: Path) -> tuple[list[Path], list[Path]]:
    """The runs of the same file on the same machine, those before and those after one."""
    place = folder.absolute()
    beside = runs_of(place.parents[1], place.parent.name) if len(place.parents) > 1 else []
    own = _same(place)
    if own is None or place not in beside:
        return [], []
    at = beside.index(place)
    before, after = beside[:at], beside[at + 1 :]
    return [run for run in before if _same(run) == own], [run for run in after if _same(run) == own]


def _same(run: Path) -> object:
    """What two runs of one file on one machine have in common; None if it is not known."""
    try:
        plan, machine = read_json(run, PLAN), read_json(run, "environment.json")
    except StoredError:
        return None
    return plan.get("source_path"), [machine.get(name) for name in _MACHINE]


def _before(run: Path) -> Before:
    try:
        document: Object = read_json(run, CLAIMS, missing={})
        claims = read_claims(document, run / CLAIMS) if document else ()
    except StoredError:
        return Before(run, (), False)
    return Before(run, [claim.outcome[:20] for claim in claims], bool(document))
