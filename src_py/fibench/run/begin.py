# SPDX-License-Identifier: BSD-3-Clause
"""The beginning of a run: a folder of its own, or the latest run where that can be gone on with."""

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fibench import writing
from fibench.backends.own_start import remove_folder
from fibench.experiment import Experiment, claims_digest
from fibench.json_values import Object
from fibench.machine import cores as machine
from fibench.parameters import kept_seed
from fibench.plan import Trial, plan, plan_json
from fibench.record import Record
from fibench.run._identity import (
    OTHER_PARAMETERS,
    Identity,
    backends_used,
    difference,
    identity,
)
from fibench.run._resume import Attempt, is_planned, remaining, tries_again_later
from fibench.run.environment import environment
from fibench.run.request import Request, context_of
from fibench.run.searching.taking_up import taken_up
from fibench.server import end_leftovers
from fibench.store import JOURNAL, RunError, StoredError, journal, run_name
from fibench.store.attempts import attempts_of
from fibench.store.begun import BEGUN
from fibench.store.files import inside, read_json
from fibench.store.folder import (
    CLAIMS,
    as_json,
    create_run,
    is_complete,
    keep_file,
    next_number,
    of_source,
    runs_of,
)
from fibench.store.kept import read_plan
from fibench.store.names import PLAN, source_path
from fibench.store.record import read_head, sound_records
from fibench.store.stops import STOPPED, STOPS
from fibench.trial.trial import TrialContext

_EXPERIMENT = "experiment.toml"
_SEED_BITS = 32
"""Of a seed that a run makes for itself: few enough to be typed."""
_LOOKED_AT = 20
"""So many of the latest runs are looked through for one to go on with."""
_TOO_LATE = "what you expect is not kept: this run was begun before you said it"
_TRIAL_FOLDER = re.compile(r"[0-9]{3,}(?:-[0-9]+)?|\.[0-9]{3,}\.new")


@dataclass(frozen=True)
class Beginning:
    """Where a run keeps its results, and what it has to measure."""

    folder: Path
    experiment: Experiment
    """With the seed, and the rates that are known."""
    trials: Sequence[Trial]
    """The whole plan, in the order of its seed."""
    seed: int
    records: Sequence[Record] = ()
    """The attempts that the journal holds, in the order of writing."""
    resumed: bool = False
    notices: Sequence[str] = ()
    """What a person should know, each in one line."""
    other_claims: bool = False
    """The claims are not those that the run was begun with."""
    lost_folders: int = 0
    """Folders of trials without a line, beyond the one that a crash can leave."""
    claims: int = 0
    """How many its file had when it was begun."""

    @property
    def todo(self) -> list[Attempt]:
        """What is left of the whole plan, if no cell leaves it."""
        return remaining(self.trials, self.records)


def begin(request: Request, context: TrialContext) -> Beginning:
    """Go on with the latest run of the experiment, or make the folder of a new one.

    A run is gone on with if it is unfinished, or nothing of it could start, and nothing that its
    numbers depend on has changed; what has is among the notices. The seed is that
    of the experiment, else that of the run which is gone on with, else a new one. Raises RunError.
    """
    trials = plan(request.experiment)
    facts = identity(request.experiment, trials, context)
    text = request.source.read_bytes() if request.text is None else request.text
    left_behind = end_leftovers()
    latest, why_not = (None, None) if request.fresh else _unfinished(request, facts)
    before = [line for line in (left_behind, why_not) if line is not None]
    if latest is not None and request.beliefs:
        before.append(_TOO_LATE)
        request = replace(request, beliefs=())
    seed = request.experiment.plan.seed
    if seed is None:
        seed = secrets.randbits(_SEED_BITS) if latest is None else latest.seed
    request = _with_seed(request, seed)
    if latest is not None:
        found = taken_up(request.experiment, latest.folder)
        request = replace(request, experiment=found.experiment)
    trials = plan(request.experiment)
    document = _plan(request, trials, context, facts)
    if latest is not None:
        begun = _take_up(latest.folder, text, document, request.experiment)
        return replace(begun, notices=[*before, *begun.notices])
    files = {
        _EXPERIMENT: text,
        PLAN: as_json(document),
        "environment.json": as_json(environment(request.places, facts)),
    }
    name, now = run_name(request.source), datetime.now(UTC)
    clock = _clock_notices(runs_of(request.places.results, name), now)
    folder = create_run(request.places.results, name, files, now)
    claims = request.experiment.claims_in_file
    notices = [*before, *clock]
    experiment = request.experiment
    return Beginning(folder, experiment, trials, seed, notices=notices, claims=claims)


def gone_on_with(request: Request) -> Path | None:
    """The run that `begin` would go on with now; None: it would make a new one."""
    if request.fresh:
        return None
    facts = identity(request.experiment, plan(request.experiment), context_of(request))
    latest, _ = _unfinished(request, facts)
    return None if latest is None else latest.folder


def _with_seed(request: Request, seed: int) -> Request:
    experiment = request.experiment
    asked = replace(experiment.plan, seed=seed)
    return replace(request, experiment=replace(experiment, plan=asked))


def _plan(
    request: Request, trials: Sequence[Trial], context: TrialContext, facts: Identity
) -> Object:
    """The document plan.json."""
    used = backends_used(trials, context)
    experiment = request.experiment
    results = request.places.results
    made = plan_json(request.experiment, request.warnings, cpus=machine.usable_cores())
    return {
        "schema": made["schema"],  # these three first: run_names reads no further
        "number": next_number(results, run_name(request.source)),
        "source_path": source_path(request.source, results),
        **made,
        "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "source": request.source.name,
        **({"as": request.made_as} if request.made_as else {}),
        "overrides": dict(request.overrides),
        "pinning": asdict(context.pinning),
        "claims": claims_digest(experiment.claims, len(experiment.dropped_claims)),
        "claims_in_file": experiment.claims_in_file,
        **({"beliefs": list(request.beliefs)} if request.beliefs else {}),
        "backends": {
            name: {
                "framings": list(backend.framings),
                "serves": backend.serves,
                "language": backend.language,
                "cores": backend.cores,
                "ranked": backend.ranked,
                "busy": backend.busy,
            }
            for name, backend in used.items()
        },
        "identity": dict(facts),
    }


def _clock_notices(runs: Sequence[Path], now: datetime) -> list[str]:
    """Says that the clock was ahead when the run before was made, or is behind now."""
    if not runs or runs[-1].name[: len(f"{now:%Y-%m-%dT%H%M}")] <= f"{now:%Y-%m-%dT%H%M}":
        return []
    before = f"{runs[-1].parent.name}/{runs[-1].name}"
    order = "the clock was wrong then, or is now; runs are in the order in which they were made"
    return [f"{before} was made before this run, and is dated after it: {order}"]


@dataclass(frozen=True)
class _Unfinished:
    """A run that can be gone on with."""

    folder: Path
    seed: int


def _unfinished(request: Request, facts: Identity) -> tuple[_Unfinished | None, str | None]:
    """The run to go on with: the latest of this file with these parameters, if it is unfinished.

    Beside it, if the latest of all is unfinished and cannot be gone on with, a line that says why.
    """
    why_not = None
    name, results = run_name(request.source), request.places.results
    runs = of_source(runs_of(results, name), source_path(request.source, results))
    for run in reversed(runs[-_LOOKED_AT:]):
        before, seed, why = _identity_of(run, request.places.results)
        is_same = before.get("parameters") == facts["parameters"]
        is_same = is_same and request.experiment.plan.seed in (None, seed)
        if not is_same and run is not runs[-1]:
            continue
        unfinished = why is not None or not is_complete(run) or _has_unstarted(run, request, seed)
        why = why or difference(before, facts)
        if why is None and is_same:
            why = taken_up(request.experiment, run).at_odds
        if why is None and not is_same:
            why = OTHER_PARAMETERS
        if unfinished and why is None and seed is not None:
            return _Unfinished(run, seed), why_not
        if unfinished and run is runs[-1]:
            why_not = f"not resuming {name}/{run.name}: {why}"
        if is_same:
            break
    return None, why_not


def _identity_of(run: Path, results: Path) -> tuple[Object, int | None, str | None]:
    """What the numbers of a run depend on, and its seed; or why these cannot be known, or the run
    not be used.

    Whoever can write to the results folder must not make us write elsewhere, or wait.
    """
    trials = run / "trials"
    try:
        if results.resolve() not in run.resolve().parents:
            return {}, None, "it leads outside the results folder"
        if trials.is_symlink() or (trials.exists() and not trials.is_dir()):
            return {}, None, "its trials is not a folder"
        for name in (_EXPERIMENT, JOURNAL, BEGUN, CLAIMS, STOPS):
            inside(run, name, optional=True)
        document = read_json(run, PLAN)
    except StoredError as error:
        return {}, None, str(error)
    except OSError as error:
        return {}, None, f"it cannot be read: {writing.reason(error)}"
    found, seed = document.get("identity"), kept_seed(document)
    if not isinstance(found, dict) or seed is None:
        return {}, None, "another version of fibench wrote it"
    return found, seed, None


def _has_unstarted(run: Path, request: Request, seed: int | None) -> bool:
    """Whether an ended run, of the plan that its seed made, is gone on with for trials that could
    not start.

    Where the number of blocks was not fixed, each claim has been judged by the blocks that there
    were, and what is measured after the last of them changes no verdict.
    """
    if seed is None or not request.experiment.plan.blocks.fixed:
        return False
    experiment = taken_up(_with_seed(request, seed).experiment, run).experiment
    trials = plan(experiment)
    read = map(read_head, journal.read_heads(run / JOURNAL).records)
    heads = [head for head in read if head is not None and is_planned(head, trials)]
    return tries_again_later(attempts_of(heads, experiment).made)


def _take_up(folder: Path, text: bytes, document: Object, experiment: Experiment) -> Beginning:
    """Go on with a run: put its folder in order, and find what is left to measure."""
    trials = plan(experiment)
    reading = journal.read(folder / JOURNAL)
    heads = [one for one in sound_records(reading) if is_planned(one, trials)]
    notices = _damage(reading)
    strange = len(reading.records) - len(heads)
    if strange:
        several = "1 record is" if strange == 1 else f"{strange} records are"
        notices.append(f"{JOURNAL}: {several} of no trial of this plan, and left out")
    try:
        before = read_json(folder, PLAN)
        kept: dict[str, object] = {
            name: before[name]
            for name in ("number", "started_at", "claims", "claims_in_file", "beliefs", "as")
            if name in before
        }
        now = json.loads(as_json({**document, **kept}))
        (folder / "trials").mkdir(exist_ok=True)
        removed = _remove_leftovers(folder / "trials", heads)
        writing.remove_scratch(folder)
        source = folder / _EXPERIMENT
        if not source.exists() or source.read_bytes() != text:
            keep_file(source, text)  # claims may change: they do not touch the numbers
        if before != now:
            keep_file(folder / PLAN, as_json(now))
        (folder / STOPPED).unlink(missing_ok=True)
        # Last, when nothing can fail any more; from here on it counts as unfinished.
        (folder / CLAIMS).unlink(missing_ok=True)
        journal.sync_folder(folder)
    except OSError as error:
        what = f"cannot go on in {folder}: {writing.reason(error)}"
        raise RunError(what, writing.hint(error)) from error
    except StoredError as error:
        hint = "make the folder writable, or begin anew with --fresh"
        raise RunError(f"cannot go on in {folder}: {error}", hint) from error
    other_claims = kept.get("claims") != document["claims"]
    seed = document["seed"]
    assert isinstance(seed, int)
    made = attempts_of(heads, experiment).made
    lost = max(0, removed - 1)
    claims = read_plan(now).claims_in_file or 0
    known = (trials, seed, made, True, notices, other_claims, lost, claims)
    return Beginning(folder, experiment, *known)


def _remove_leftovers(folder: Path, heads: Sequence[Record]) -> int:
    """Remove what a crash left of trials that never came into the journal.

    Returns how many whole trials these were: a crash leaves one at most.
    """
    whole = 0
    kept = {journal.folder_name(head.index, head.attempt) for head in heads}
    for entry in folder.iterdir():
        if entry.name in kept or not _TRIAL_FOLDER.fullmatch(entry.name):
            continue
        whole += not entry.name.startswith(".")
        if entry.is_dir() and not entry.is_symlink():
            remove_folder(entry)  # whatever a server has made of its own in there
        else:
            entry.unlink()
    return whole


def _damage(reading: journal.Reading) -> list[str]:
    """What is wrong with a journal, a line for each kind."""
    copied = [
        f"{JOURNAL}: line {line} is a copy of one above, and left out" for line in reading.copies
    ]
    lines = [str(number) for number in reading.damaged]
    if not lines:
        return copied
    if len(lines) == 1 and reading.damaged[0] > max([0, *reading.lines, *reading.copies]):
        what = f"the last line, {lines[0]}, is torn"
    elif len(lines) == 1:
        what = f"line {lines[0]} is damaged"
    else:
        what = f"{len(lines)} lines are damaged"
    lost = f"{JOURNAL}: {what}; the others are whole, and what is lost is measured again"
    return [lost, *copied]
