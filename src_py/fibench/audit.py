# SPDX-License-Identifier: BSD-3-Clause
"""What a stored run says against itself, or against others: verdicts that its trials do not bear
out, trials that are damaged or missing, and trials that another folder has as well.

It cannot be proof against everybody: who writes whole new journals is not found out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fibench.escape import escaped
from fibench.judged import Review
from fibench.run_files import StoredError, read_inside

_LARGEST_JOURNAL_BYTES = 256 * 2**20
_LINE_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"\}$', re.MULTILINE)
_SAME = 1e-6
"""By so much, relatively, a figure may differ that was written and read again."""


def against_itself(
    review: Review, judged: Sequence[Mapping[str, Any]], kept: Sequence[Mapping[str, Any]] | None
) -> list[str]:
    """What of a run contradicts the rest of it, each in one line.

    `judged` are its claims judged anew, `kept` those of claims.json, both as that file has them;
    None: there is no such file.
    """
    return [*_of_journal(review, has_verdicts=kept is not None), *_of_claims(judged, kept or ())]


def _of_journal(review: Review, *, has_verdicts: bool) -> Iterator[str]:
    run = review.run
    yield from run.remarks
    planned = _planned(run.plan)
    there = {str(record["trial"]) for record in run.records}
    if there and not planned:
        yield "plan.json has no list of its trials"
    missing = len(planned - there)
    if planned and has_verdicts and missing:
        empty = "trials.jsonl is empty: " if not there and not run.ignored else ""
        yield f"{empty}{missing} of {len(planned)} trials are missing"
    if planned and not has_verdicts and not missing:
        yield "every trial is there, and claims.json is not"
    strange = len(there - planned)
    if planned and strange:
        yield f"{strange} {'trial is' if strange == 1 else 'trials are'} none of its plan"
    if review.added_afterwards:
        yield "its claims are not those that it was begun with"


def _planned(plan: Mapping[str, Any]) -> set[str]:
    trials = plan.get("trials")
    return {
        str(trial["key"])
        for trial in (trials if isinstance(trials, list) else ())
        if isinstance(trial, dict) and "key" in trial
    }


def _of_claims(
    judged: Sequence[Mapping[str, Any]], kept: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    if not kept:
        return
    before = {str(claim.get("id")): claim for claim in kept}
    for claim in judged:
        name = str(claim["id"])
        said = before.pop(name, None)
        if said is None:
            yield f"claims.json lacks {escaped(name)}"
        elif said.get("outcome") != claim["outcome"]:
            yield f"claims.json has {escaped(str(said.get('outcome'))[:20])} for {escaped(name)}"
        elif not _agree(said, claim):
            yield f"claims.json has another figure for {escaped(name)}"
    for name in before:
        yield f"claims.json has {escaped(name[:64])}, which is none of its claims"


def _agree(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two claims have the same estimate and counts."""
    return all(
        _equal(_member(one, place, name), _member(other, place, name))
        for place, names in (
            ("estimate", ("mean", "low", "high")),
            ("count", ("least", "most", "total")),
        )
        for name in names
    )


def _member(claim: Mapping[str, Any], place: str, name: str) -> object:
    inner = claim.get(place)
    return inner.get(name) if isinstance(inner, dict) else None


def _equal(one: object, other: object) -> bool:
    if not isinstance(one, int | float) or not isinstance(other, int | float):
        return one == other
    return abs(one - other) <= _SAME * max(abs(one), abs(other))


def digests_of(folder: Path) -> frozenset[bytes]:
    """The digests of the trials in a run's journal; none of one that cannot be read."""
    try:
        data = read_inside(folder, "trials.jsonl", _LARGEST_JOURNAL_BYTES, optional=True)
    except StoredError:
        return frozenset()
    return frozenset(_LINE_DIGEST.findall(data or b""))


def copies(trials: Mapping[str, frozenset[bytes]]) -> dict[str, str]:
    """Of each run that has trials which other runs have as well, how many and where.

    A trial's digest has in it when it began, to the millisecond, and all its figures.
    """
    owners: dict[bytes, list[str]] = defaultdict(list)
    for run, digests in trials.items():
        for digest in digests:
            owners[digest].append(run)
    found = {}
    for run, digests in trials.items():
        shared = Counter(other for each in digests for other in owners[each] if other != run)
        if shared:
            most = min(shared, key=lambda other: (-shared[other], other))
            more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
            count = "all" if shared[most] == len(digests) else str(shared[most])
            found[run] = f"{count} of its {len(digests)} trials are also in {escaped(most)}{more}"
    return found
