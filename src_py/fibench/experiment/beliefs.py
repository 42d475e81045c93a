# SPDX-License-Identifier: BSD-3-Clause
"""What a person expects of claims before a run, each bound to the claim as they were told it.

A belief is nothing that a claim is judged by. What a folder has of them is data from outside: what
is none is left out, and one of a claim that says something else by now is of no claim.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeGuard, get_args

from fibench.experiment.asking.rendered import ASKED
from fibench.experiment.cells import cell_key
from fibench.experiment.claims import Claim, cells_of
from fibench.json_values import Json, object_or_empty

Belief = Literal["holds", "does not hold", "too close"]
"""That a claim holds, that it does not, or that it is too close to say."""
MOST_BELIEFS = 10_000
"""No file has so many claims: what tells of more is nothing that a person was asked."""
_LONGEST_NAME = 1000
_DIGEST_DIGITS = 64
_OF_RATES = ("rate", "groups", ASKED)
"""What cells have another value of once their rate is found."""


def told_digest(claim: Claim) -> str:
    """A digest of a claim as a person is asked about it: its words, and what decides it.

    Of one about sustained rates the cells are told without theirs, which may still be searched.
    """
    document: list[object] = [" ".join(claim.says.split()), claim.kind, claim.metric, claim.group]
    document += [claim.low, claim.high, claim.over, claim.limit, *_subjects(claim)]
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def _subjects(claim: Claim) -> Iterable[str]:
    if claim.kind != "sustains":
        return [cell.key for cell in cells_of(claim)]
    every = (cell.parameters.as_json() for cell in cells_of(claim))
    keys = (cell_key({k: v for k, v in one.items() if k not in _OF_RATES}) for one in every)
    return list(dict.fromkeys(keys))


@dataclass(frozen=True)
class Beliefs:
    """What a person expected of the claims of a run before it began."""

    told: Mapping[tuple[str, str], Belief] = field(default_factory=dict)
    """By the id of a claim, and the digest of what they were told."""
    improper: int = 0
    """What stands among them and is none, or contradicts another one."""

    def about(self, claim: Claim) -> Belief | None:
        """What was expected of a claim; None of one that nobody said anything of, as it is now."""
        return self.told.get((claim.id, told_digest(claim)))

    def of_others(self, claims: Iterable[Claim]) -> int:
        """How many are of none of these claims, as they are now."""
        return len(self.told.keys() - {(claim.id, told_digest(claim)) for claim in claims})


NO_BELIEFS = Beliefs()


def beliefs_json(said: Iterable[tuple[Claim, Belief]]) -> list[Json]:
    """Beliefs as a plan keeps them."""
    return [
        {"claim": claim.id, "told": told_digest(claim), "expected": belief}
        for claim, belief in said
    ]


def read_beliefs(document: object) -> Beliefs:
    """What `beliefs_json` has written; the document may be anything, None of a run without them."""
    if document is None:
        return NO_BELIEFS
    if not isinstance(document, list) or len(document) > MOST_BELIEFS:
        return Beliefs(improper=1)
    found: dict[tuple[str, str], set[Belief]] = defaultdict(set)
    improper = 0
    for entry in document:
        about = object_or_empty(entry)
        claim, told, belief = (about.get(name) for name in ("claim", "told", "expected"))
        if _is_name(claim) and _is_digest(told) and is_belief(belief):
            found[claim, told].add(belief)
        else:
            improper += 1
    sure = {key: beliefs.pop() for key, beliefs in found.items() if len(beliefs) == 1}
    return Beliefs(sure, improper + len(found) - len(sure))


def is_belief(value: object) -> TypeGuard[Belief]:
    """Whether a value that was read is a belief."""
    return isinstance(value, str) and value in get_args(Belief)


def _is_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= _LONGEST_NAME


def _is_digest(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) == _DIGEST_DIGITS
