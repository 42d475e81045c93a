# SPDX-License-Identifier: BSD-3-Clause
"""What a run keeps beside its trials: plan.json, environment.json and claims.json, read once.

They may come from anywhere. Of what they do not say, or not as fibench would, nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fibench.experiment import NO_BELIEFS, Beliefs, read_beliefs
from fibench.json_values import (
    Object,
    list_or_empty,
    object_or_empty,
    object_or_none,
    text_or_none,
)
from fibench.parameters import LONGEST_MADE_AS
from fibench.store.files import DAMAGED, StoredError, read_json, shown_path
from fibench.store.names import PLAN

_FIGURES = (
    *(("estimate", end) for end in ("mean", "low", "high")),
    *(("count", end) for end in ("least", "most", "total")),
)
_MOST_CLAIMS = 100_000
"""No file has so many: each takes more than a few bytes."""


@dataclass(frozen=True)
class KeptPlan:
    """What a run was to measure."""

    document: Object
    """All of it, for what compares or shows it as it stands."""
    source: str | None
    """The name of the experiment's file."""
    source_path: str | None
    """Where that file is, from the folder that the results are in."""
    claims: str | None
    """The digest of the claims that the run was begun with."""
    claims_in_file: int | None
    """How many its file had then, those that options dropped too. None: an earlier version."""
    trials: frozenset[str]
    """The keys of its trials."""
    boot_id: str | None
    """Of which boot of the machine it is."""
    cores: int | None
    """How many physical cores it could use."""
    beliefs: Beliefs = NO_BELIEFS
    """What a person expected of its claims, who was asked before it was begun."""
    made_as: str = ""
    """The name that it was made under, as the file has it; empty of one without."""


def read_plan(document: Object) -> KeptPlan:
    """What plan.json says."""
    identity = object_or_empty(document.get("identity"))
    source, claims = text_or_none(document.get("source")), document.get("claims")
    in_file = document.get("claims_in_file")
    trials = (object_or_empty(trial) for trial in list_or_empty(document.get("trials")))
    return KeptPlan(
        document=document,
        source=None if source is None or "\0" in source else source,
        source_path=text_or_none(document.get("source_path")),
        claims=None if claims is None else str(claims),
        claims_in_file=in_file if type(in_file) is int and 0 <= in_file <= _MOST_CLAIMS else None,
        trials=frozenset(str(trial["key"]) for trial in trials if "key" in trial),
        boot_id=text_or_none(identity.get("boot_id")),
        cores=len(list_or_empty(identity.get("cores"))) or None,
        beliefs=read_beliefs(document.get("beliefs")),
        made_as=(text_or_none(document.get("as")) or "")[: LONGEST_MADE_AS + 1],
    )


def beliefs_in(folder: Path) -> Beliefs:
    """What was expected of the run in a folder; nothing where its plan cannot be read."""
    try:
        return read_plan(read_json(folder, PLAN)).beliefs
    except StoredError:
        return NO_BELIEFS


@dataclass(frozen=True)
class KeptEnvironment:
    """The machine that a run was made on."""

    document: Object
    """All of it, for what compares or shows it as it stands; empty where it was not kept."""
    processor: str
    """Its name as the kernel tells it; empty where it is not known."""
    kernel: str
    """Its release, likewise."""
    python: str
    """The version of the Python that ran fibench, likewise."""
    usable_cores: int | None
    boot_id: str | None
    fibench: str | None
    """Its version."""
    compiler: Object | None
    """The compiler of the C programs."""
    interpreters: Object
    """Those that cells name, by the text that asks for each."""


def read_environment(document: Object) -> KeptEnvironment:
    """What environment.json says."""
    cores = document.get("usable_cores")
    return KeptEnvironment(
        document=document,
        processor=str(document.get("processor") or ""),
        kernel=str(document.get("kernel") or ""),
        python=str(object_or_empty(document.get("python")).get("version") or ""),
        usable_cores=cores if type(cores) is int and cores > 0 else None,
        boot_id=text_or_none(document.get("boot_id")),
        fibench=text_or_none(document.get("fibench")),
        compiler=object_or_none(document.get("compiler")),
        interpreters=object_or_empty(document.get("interpreters")),
    )


@dataclass(frozen=True)
class KeptClaim:
    """What claims.json says of a claim."""

    id: str
    outcome: str
    figures: Sequence[object]
    """As `claim_figures` has them: they may be anything."""


def claim_figures(claim: Object) -> tuple[object, ...]:
    """The figures of a claim of claims.json that decide it; None for each that is not there."""
    return tuple(object_or_empty(claim.get(place)).get(name) for place, name in _FIGURES)


def read_claims(document: Object, path: Path) -> tuple[KeptClaim, ...]:
    """The claims that claims.json, which is at `path`, says something of. Raises StoredError."""
    found = document.get("claims")
    if not isinstance(found, list):
        raise _improper(path)
    return tuple(_claim(object_or_empty(claim), path) for claim in found)


def _claim(claim: Object, path: Path) -> KeptClaim:
    name, outcome = claim.get("id"), claim.get("outcome")
    if not isinstance(name, str) or not isinstance(outcome, str):
        raise _improper(path)
    return KeptClaim(name, outcome, claim_figures(claim))


def _improper(path: Path) -> StoredError:
    return StoredError(f"{shown_path(path)} has no proper claims", DAMAGED)
