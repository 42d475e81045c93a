# SPDX-License-Identifier: BSD-3-Clause
"""What a stored run says against itself, or against others: verdicts that its trials do not bear
out, trials that are damaged or missing, and trials that another folder has as well.

These are a run's marks, which `runs`, `report` and `compare` show alike. It cannot be proof against
everybody: who writes whole new journals is not found out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from fibench.experiment import claims_digest
from fibench.json_values import object_or_empty
from fibench.parameters import drawn_seed
from fibench.plan import Role, plan, trial_key
from fibench.plan.trials import search_key
from fibench.record import SCHEMA
from fibench.store import StoredRun
from fibench.store.attempts import given_up
from fibench.store.kept import KeptClaim, claim_figures
from fibench.store.searching.follow import follow
from fibench.verdict.deciding.decisions import Decisions
from fibench.verdict.judging import Verdict
from fibench.verdict.verdict import claim_json
from fibench.wording import escaped

SAMPLED: tuple[Role, ...] = ("measure", "syscalls", "timeline")
"""A trial of a block has one of these in its key; the twin has a cell of its own."""
_SAME = 1e-6
"""By so much, relatively, a figure may differ that was written and read again."""


def marks_of(run: StoredRun, verdicts: Sequence[Verdict], decisions: Decisions) -> tuple[str, ...]:
    """What of a run contradicts the rest of it or is missing, each in one line without an end.

    `verdicts` and `decisions` are those of its own claims, judged anew.
    """
    found = [*run.remarks, *_of_trials(run, decisions), *_of_machine(run), *_of_searches(run)]
    found += _of_name(run)
    if has_other_claims(run):
        found.append("claims added afterwards: they are not those that it was begun with")
        found += _of_number(run)
    if run.kept_claims and not _is_of_old(run):
        found += _of_claims(verdicts, run.kept_claims)
    return tuple(found)


def _is_of_old(run: StoredRun) -> bool:
    """Whether its verdicts were given by the rules of an earlier version, which are others."""
    version = object_or_empty(run.plan.document.get("identity")).get("schema")
    return type(version) is int and version < SCHEMA


def has_other_claims(run: StoredRun) -> bool:
    """Whether the run was gone on with under other claims than it was begun with."""
    claims, dropped = run.experiment.claims, len(run.experiment.dropped_claims)
    if run.plan.claims is None:
        return False
    if run.plan.claims_in_file is None:
        return run.plan.claims != claims_digest(claims, with_needs=False)
    return run.plan.claims != claims_digest(claims, dropped)


def _of_number(run: StoredRun) -> Iterator[str]:
    """That claims were taken out of the file: of those that are left it would promise too much."""
    then, experiment = run.plan.claims_in_file or 0, run.experiment
    now = len(experiment.claims) + len(experiment.dropped_claims)
    if now < then:
        yield f"claims were taken out: its file had {then} when it was begun, and has {now}"


def _expected(run: StoredRun, decisions: Decisions) -> frozenset[str]:
    """The keys of the trials that a run should have: what cells that left did not need is not."""
    blocks, last = run.experiment.plan.blocks, dict[str, int]()
    if blocks.fixed:
        given = given_up(run.records)
        every = range(1, blocks.most)
        return run.plan.trials - {
            trial_key(block, cell, role) for cell in given for block in every for role in SAMPLED
        }
    if run.complete and run.sessions and not run.experiment.claims:
        return _until_its_end(run)
    for record in run.records:
        last[record.cell] = max(last.get(record.cell, record.block), record.block)
    spared = {
        trial_key(block, cell, role)
        for cell in {*last, *decisions.left, *decisions.staying}
        for block in range(blocks.most)
        if block >= decisions.left.get(cell, blocks.most)
        or block > max(last.get(cell, -1), decisions.blocks)
        for role in SAMPLED
    }
    return run.plan.trials - spared


def _until_its_end(run: StoredRun) -> frozenset[str]:
    """Those up to the last block of a run without claims: whoever measured it ended it, as `try`
    does by the clock. That nobody cut it since is for stops.json to say."""
    begun = 1 + max((record.block for record in run.records), default=-1)
    cells = {record.cell for record in run.records}
    later = {
        trial_key(block, cell, role)
        for cell in cells
        for block in range(begun, run.experiment.plan.blocks.most)
        for role in SAMPLED
    }
    return run.plan.trials - later


def _of_trials(run: StoredRun, decisions: Decisions) -> Iterator[str]:
    probes = {search_key(cell) for cell in run.experiment.probes}
    expected, planned = _expected(run, decisions) - probes, run.plan.trials - probes
    there = {record.trial for record in run.records if record.role != "search"}
    if there and not planned:
        yield "plan.json has no list of its trials"
    missing = len(expected - there)
    if planned and run.complete and missing:
        verb = "is" if missing == 1 else "are"
        empty = "trials.jsonl is empty: " if not there and not run.ignored else ""
        yield f"{empty}{missing} of {len(expected)} trials {verb} missing"
    if planned and not run.complete and not missing and not _was_stopped(run):
        yield "every trial is there, and claims.json is not"
    strange = len(there - planned)
    if planned and strange:
        yield f"{strange} {'trial is' if strange == 1 else 'trials are'} none of its plan"


def _of_searches(run: StoredRun) -> Iterator[str]:
    """That what was measured is not what the trials that looked for it would have chosen."""
    kept = () if _is_of_old(run) else run.experiment.found_rates
    if kept and not follow(run.experiment, run.records).gives(kept):
        yield "the rates of plan.json are not those that its search trials give"


def _was_stopped(run: StoredRun) -> bool:
    """Whether its last session says that it ended before its verdicts could be given."""
    return bool(run.sessions) and run.sessions[-1].ended in ("interrupted", "not quiet", "stopped")


def _of_machine(run: StoredRun) -> Iterator[str]:
    told, planned = run.environment.boot_id, run.plan.boot_id
    if not run.environment.document:
        yield "environment.json is missing or empty: its machine is not known"
    elif told is not None and planned is not None and told != planned:
        yield "environment.json is of another machine, or boot of it, than plan.json"


def _of_name(run: StoredRun) -> Iterator[str]:
    """That it is none of the name that its plan has: a name draws a seed, and that an order."""
    name = run.plan.made_as
    if not name:
        return
    if run.experiment.plan.seed != drawn_seed(name):
        yield f"its seed is not the one that its name draws: it was not made as {escaped(name)}"
    elif _is_in_another_order(run):
        yield "its trials are not in the order that its seed gives"


def _is_in_another_order(run: StoredRun) -> bool:
    """Whether the trials of a block stand at other places, beside each other, than in the plan."""
    planned = {trial.key: trial.index for trial in plan(run.experiment)}
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for record in run.records:
        if record.trial in planned and record.block >= 0:
            places[record.block].append((record.index, planned[record.trial]))
    return any([at for _, at in sorted(own)] != sorted(at for _, at in own)
               for own in places.values())  # fmt: skip


def _of_claims(verdicts: Sequence[Verdict], kept: Sequence[KeptClaim]) -> Iterator[str]:
    before = {claim.id: claim for claim in kept}
    for verdict in verdicts:
        name = verdict.claim.id
        said = before.pop(name, None)
        if said is None:
            yield f"claims.json lacks {escaped(name)}"
        elif said.outcome != verdict.outcome:
            has = f"claims.json has {escaped(said.outcome[:20])} for {escaped(name)}"
            yield f"{has}, and its trials say {verdict.outcome}"
        elif not all(map(_equal, said.figures, claim_figures(claim_json(verdict)))):
            yield f"claims.json has another figure for {escaped(name)}"
    for name in before:
        yield f"claims.json has {escaped(name[:64])}, which is none of its claims"


def _equal(one: object, other: object) -> bool:
    if not isinstance(one, int | float) or not isinstance(other, int | float):
        return one == other
    return abs(one - other) <= _SAME * max(abs(one), abs(other))


def seeds_shared(runs: Mapping[str, tuple[str, int | None]]) -> dict[str, str]:
    """Of each run that was made under a name, and whose seed one of another name has as well, where
    that is; `runs` has of each its name, or nothing, and its seed."""
    owners: dict[int, list[str]] = defaultdict(list)
    for run, (name, seed) in runs.items():
        if name and seed is not None:
            owners[seed].append(run)
    found = {}
    for shared in owners.values():
        for run in shared:
            other = next((one for one in shared if runs[one][0] != runs[run][0]), None)
            if other is not None:
                name = escaped(runs[other][0])
                found[run] = f"its seed is also that of {escaped(other)}, which is of {name}"
    return found


def copies(trials: Mapping[str, Collection[bytes]]) -> dict[str, str]:
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
