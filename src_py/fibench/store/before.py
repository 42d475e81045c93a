# SPDX-License-Identifier: BSD-3-Clause
"""The runs that were made of an experiment before one, on the same machine: who repeats a run until
it pleases is seen to.

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
    place = folder.absolute()
    beside = runs_of(place.parents[1], place.parent.name) if len(place.parents) > 1 else []
    own = _same(place)
    if own is None or place not in beside:
        return []
    return [_before(run) for run in beside[: beside.index(place)] if _same(run) == own]


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
