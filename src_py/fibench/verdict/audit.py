# SPDX-License-Identifier: BSD-3-Clause
"""What a stored run says against itself, or against others: verdicts that its trials do not bear
out, trials that are damaged or missing, and trials that another folder has as well.

These are a run's marks, which `runs`, `report` and `compare` show alike. It cannot be proof against
everybody: who writes whole new journals is not found out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fibench.experiment import claims_digest
from fibench.store import StoredRun
from fibench.store.machine import is_of_another_boot
from fibench.verdict.judging import Verdict, claims_json
from fibench.wording import escaped

_SAME = 1e-6
"""By so much, relatively, a figure may differ that was written and read again."""


def marks_of(run: StoredRun, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """What of a run contradicts the rest of it or is missing, each in one line without an end.

    `verdicts` are those of its own claims, judged anew.
    """
    found = [*run.remarks, *_of_trials(run), *_of_machine(run)]
    if has_other_claims(run):
        found.append("its claims are not those that it was begun with")
    if run.kept_claims:
        found += _of_claims(claims_json(verdicts)["claims"], run.kept_claims)
    return tuple(found)


def has_other_claims(run: StoredRun) -> bool:
    """Whether the run was gone on with under other claims than it was begun with."""
    begun_with = run.plan.get("claims")
    return begun_with is not None and begun_with != claims_digest(run.experiment.claims)


def _of_trials(run: StoredRun) -> Iterator[str]:
    planned = _planned(run.plan)
    there = {str(record["trial"]) for record in run.records}
    if there and not planned:
        yield "plan.json has no list of its trials"
    missing = len(planned - there)
    if planned and run.complete and missing:
        empty = "trials.jsonl is empty: " if not there and not run.ignored else ""
        yield f"{empty}{missing} of {len(planned)} trials are missing"
    if planned and not run.complete and not missing:
        yield "every trial is there, and claims.json is not"
    strange = len(there - planned)
    if planned and strange:
        yield f"{strange} {'trial is' if strange == 1 else 'trials are'} none of its plan"


def _of_machine(run: StoredRun) -> Iterator[str]:
    if not run.environment:
        yield "environment.json is missing or empty: its machine is not known"
    elif is_of_another_boot(run.environment, run.plan):
        yield "environment.json is of another machine, or boot of it, than plan.json"


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
    before = {str(claim.get("id")): claim for claim in kept}
    for claim in judged:
        name = str(claim["id"])
        said = before.pop(name, None)
        if said is None:
            yield f"claims.json lacks {escaped(name)}"
        elif said.get("outcome") != claim["outcome"]:
            has = f"claims.json has {escaped(str(said.get('outcome'))[:20])} for {escaped(name)}"
            yield f"{has}, and its trials say {claim['outcome']}"
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
