# SPDX-License-Identifier: BSD-3-Clause
"""The loop over a plan's trials: each is run, and kept before the next begins.

It judges nothing, and prints nothing. What happens is told as events to listeners: the progress
display, a log, a test.
"""

import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import FrameType

from fibench import called, writing
from fibench.experiment import Cell, Experiment
from fibench.interruption import Interrupted, heeded, signal_of
from fibench.plan import TWIN, Pinning, Trial, plan
from fibench.plan.searching.found import most_trials, open_searches
from fibench.record import Record
from fibench.run._attempts import Attempts, NotQuietError, tails
from fibench.run._resume import Attempt, broken_off, is_planned
from fibench.run._unchanged import ChangedError, Unchanged
from fibench.run.begin import Beginning, begin
from fibench.run.blocks import AfterBlock, Walk
from fibench.run.events import (
    BlockEnded,
    Event,
    Listener,
    Notice,
    RatesFound,
    RunBegun,
    RunStarted,
    SearchStarted,
    StopRequested,
    TrialFinished,
    TrialMadeAgain,
    TrialStarted,
    told_of_load,
)
from fibench.run.request import Request, context_of
from fibench.run.searching.looking import NotStartedError, keep_rates, look, so_far
from fibench.store import JOURNAL, RunError, journal
from fibench.store.attempts import given_up
from fibench.store.before import runs_after
from fibench.store.begun import Begun, tell_begun
from fibench.store.record import usable
from fibench.store.stops import begun_by, keep_stop, tell_end, tell_resumption
from fibench.trial import run_trial, scratch_name
from fibench.trial.trial import TrialContext
from fibench.wording import shown


@dataclass(frozen=True)
class RunOutcome:
    """What a run left behind."""

    folder: Path
    records: list[Record]
    """The last attempt of each trial, those of before a resumption too."""
    attempts: list[Record]
    """Every attempt, in the order of writing."""
    interrupted_by: int | None = None
    """The number of the signal that ended it; None: it ran to its end."""
    measured_s: float = 0.0
    """Warm-up and windows of what was measured now, not before a resumption."""
    pinning: Pinning | None = None
    """Which CPUs servers and load had."""
    other_claims: bool = False
    """The claims are not those that the run was begun with."""
    claims_begun_with: int = 0
    """How many its file had then."""
    not_quiet: str | None = None
    """What disturbed two blocks in a row, which ended it."""
    experiment: Experiment | None = None
    """As it was measured, with the rates that were found; None: as it was asked for."""

    @property
    def interrupted(self) -> bool:
        """Whether a signal ended it."""
        return self.interrupted_by is not None


class _Stop:
    """Whether Ctrl-C was pressed; the second press raises Interrupted where it hits."""

    def __init__(self, tell: Listener) -> None:
        self.requested: int | None = None
        """The signal that asks for it."""
        self.measured = False
        """All has been measured that will be: what stands is put together, whoever signals."""
        self.late: int | None = None
        """The signal that came meanwhile."""
        self._tell = tell

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.measured:
            self.late = number
            return
        is_second, self.requested = self.requested is not None, number
        if is_second or number != signal.SIGINT:
            raise Interrupted(number)
        self._tell(StopRequested())

    def check(self) -> None:
        """Raise Interrupted if it was pressed."""
        if self.requested is not None:
            raise Interrupted(self.requested)


@contextmanager
def _stop_on_signals(tell: Listener) -> Iterator[_Stop]:
    stop = _Stop(tell)
    before = {number: signal.signal(number, stop) for number in heeded()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_experiment(
    request: Request,
    listeners: Sequence[Listener] = (),
    after_block: AfterBlock | None = None,
) -> RunOutcome:
    """Run what is left of the plan in order; each trial is in the journal before the next begins.

    `after_block` says which cells go on; without it every block has all of them. A trial that fails
    is recorded with its reason, and the run goes on. Interrupted, it returns what was finished.
    Raises RunError when results cannot be kept, and when a program that is measured is missing or
    not the one that it was: a trial during which that came about is not kept.
    """

    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    context = context_of(request)
    programs = Unchanged(plan(request.experiment), context)
    _check_all_is_there(programs)
    begun = begin(request, context)
    context = replace(context, seed=begun.seed, loading=told_of_load(tell))
    for text in begun.notices:
        tell(Notice(text))
    tell(RunBegun(begun.claims))
    records = list(begun.records)
    if begun.experiment.found_rates:
        tell(RatesFound(begun.experiment))
    walk = _walk(begun, records, after_block, tell)
    todo = walk.left()
    if begun.resumed:
        _keep_resumption(begun, broken_off(records, todo))
    session = 1 + begun_by(begun.folder)
    keep = _Keeper(records, begun.folder, session, context, programs)
    with _stop_on_signals(tell) as stop:
        searched = _Searched(begun, _End())
        if open_searches(begun.experiment):
            searched = _search(begun, records, keep, tell, stop)
            begun = searched.begun
        end, attempts = searched.end, Attempts(tails(begun.experiment), records)
        if end.why == "ended":
            walk = _walk(begun, records, after_block, tell)
            _tell_start(begun, records, walk.left(), tell)
            once = partial(keep, attempts.judged)
            end = _end_of(partial(_measure, walk, attempts, once, tell, stop), begun.folder)
        stop.measured = True
        tell_end(begun.folder, end.why)
        outcome = _outcome(begun, end, context.pinning)
    if stop.late is not None and end.interrupted_by is None:
        raise Interrupted(stop.late)
    return replace(outcome, measured_s=searched.measured_s + attempts.measured_s)


def _outcome(begun: Beginning, end: "_End", pinning: Pinning) -> RunOutcome:
    # The journal is the truth: an interrupt may come between a line of it and its event.
    kept = usable(journal.read(begun.folder / JOURNAL), begun.experiment)
    return RunOutcome(
        begun.folder,
        [one for one in kept.records if is_planned(one, begun.trials)],
        [one for one in kept.attempts if is_planned(one, begun.trials)],
        interrupted_by=end.interrupted_by,
        pinning=pinning,
        other_claims=begun.other_claims,
        claims_begun_with=begun.claims,
        not_quiet=end.not_quiet,
        experiment=begun.experiment,
    )


def _walk(
    begun: Beginning, records: Sequence[Record], after_block: AfterBlock | None, tell: Listener
) -> Walk:
    return Walk(begun.trials, records, after_block, partial(_tell_end_of_block, tell, records))


def _tell_start(
    begun: Beginning, records: Sequence[Record], todo: Sequence[Attempt], tell: Listener
) -> None:
    left, total = [one.trial for one in todo], len(begun.trials)
    stand = len({record.trial for record in records} - {trial.key for trial in left})
    of, made = begun.experiment, tuple(records)
    tell(RunStarted(begun.folder, left, of, total, begun.resumed, stand, made))


@dataclass(frozen=True)
class _Keeper:
    """Makes attempts, and adds their records to those that there are."""

    records: list[Record]
    folder: Path
    session: int
    context: TrialContext
    programs: Unchanged

    def __call__(self, judged: Callable[[Record], Record], attempt: Attempt) -> Record:
        record = _keep(self.folder, attempt, self.session, self.context, self.programs, judged)
        self.records.append(record)
        return record


def _keep_resumption(begun: Beginning, blocks: Mapping[int, int]) -> None:
    """The folder says what was lost before it is gone on with, and what was run in between."""
    meanwhile = runs_after(begun.folder).made
    tell_resumption(begun.folder, blocks, begun.lost_folders, meanwhile)


def _tell_end_of_block(
    tell: Listener, records: Sequence[Record], block: int, gone: Sequence[Cell]
) -> None:
    tell(BlockEnded(block, gone))
    for text in _given_up(gone, records) if block == 0 else ():
        tell(Notice(text))


def _given_up(gone: Sequence[Cell], records: Sequence[Record]) -> Iterator[str]:
    """A line that says which of the cells that left have no server that starts, if any."""
    never = given_up(records)
    own = [cell for cell in gone if cell.key in never]
    labels = [shown(cell.label) for cell in own if not cell.key.endswith(TWIN)]
    if labels:
        theirs = "its server" if len(labels) == 1 else "their servers"
        yield f"not started again, since {theirs} did not start in block 1: {', '.join(labels)}"


@dataclass(frozen=True)
class _End:
    """Why nothing more is measured: all has been, unless one of these says something else."""

    interrupted_by: int | None = None
    not_quiet: str | None = None

    @property
    def why(self) -> str:
        """As the folder of the run keeps it."""
        if self.interrupted_by is not None:
            return "interrupted"
        return "ended" if self.not_quiet is None else "not quiet"


def _end_of(measure: Callable[[], None], folder: Path) -> _End:
    """Measure, and keep in the folder what stops it. Raises RunError if a program has changed,
    or a search could not go on."""
    try:
        measure()
    except KeyboardInterrupt as interrupt:
        return _End(interrupted_by=signal_of(interrupt))
    except NotQuietError as noise:
        keep_stop(folder, str(noise), not_quiet=True)
        return _End(not_quiet=str(noise))
    except ChangedError as change:
        what = f"{change} while the run measured it"
        keep_stop(folder, what)
        tell_end(folder, "stopped")
        raise RunError(f"stopped: {what}", _mended(change)) from change
    except NotStartedError as why:
        keep_stop(folder, str(why))
        tell_end(folder, "stopped")
        hint = f"{why.hint}; then" if why.hint else "when that is over,"
        raise RunError(
            f"the search for rates stopped: {why}", f"{hint} the same command goes on with this run"
        ) from why
    return _End()


@dataclass(frozen=True)
class _Searched:
    """A run that has looked for its rates."""

    begun: Beginning
    end: _End
    """Why it did not come to the end of its search, if so."""
    measured_s: float = 0.0


def _search(
    begun: Beginning,
    records: Sequence[Record],
    keep: _Keeper,
    tell: Listener,
    stop: _Stop,
) -> _Searched:
    """Look for the rates of a run, and keep them in its plan."""
    experiment = replace(begun.experiment, probes=())
    tell(SearchStarted(begun.folder, most_trials(experiment), begun.resumed))
    attempts = Attempts((), records)
    measure = partial(attempts.measure, once=partial(keep, attempts.judged))
    again = partial(_tell_again, tell=tell, stop=stop)
    looking = partial(look, experiment, records, measure, tell, again, stop.check)
    end = _end_of(looking, begun.folder)
    found = so_far(experiment, records)
    begun = replace(begun, experiment=found, trials=plan(found))
    if end.why == "ended":
        keep_rates(begun.folder, found, other_claims=begun.other_claims)
        tell(RatesFound(found))
    return _Searched(begun, end, attempts.measured_s)


def _measure(
    walk: Walk,
    attempts: Attempts,
    once: Callable[[Attempt], Record],
    tell: Listener,
    stop: _Stop,
) -> None:
    """Measure what is left, block by block. Raises Interrupted, NotQuietError and ChangedError."""
    for block in walk.blocks():
        for attempt, following in pairwise([*block.todo, None]):
            assert attempt is not None
            stop.check()
            tell(TrialStarted(attempt.trial))
            again = partial(_tell_again, attempt.trial, tell=tell, stop=stop)
            record = attempts.measure(attempt, once, again)
            tell(TrialFinished(attempt.trial, record))
            attempts.check_end_of_block(attempt, following)


def _tell_again(trial: Trial, record: Record, tell: Listener, stop: _Stop) -> None:
    """Tell that an attempt is followed by another one, unless somebody wants to stop."""
    tell(TrialMadeAgain(trial, record))
    stop.check()


def _check_all_is_there(programs: Unchanged) -> None:
    try:
        programs.check()
    except ChangedError as missing:
        raise RunError(str(missing), _brought_back(missing)) from missing


def _keep(
    folder: Path,
    attempt: Attempt,
    session: int,
    context: TrialContext,
    programs: Unchanged,
    judged: Callable[[Record], Record],
) -> Record:
    """Say durably that a trial is begun, run it in a scratch folder, and make folder and journal
    line durable.

    Raises ChangedError, before or after the trial, which is not kept then.
    """
    trial = attempt.trial
    scratch = folder / "trials" / scratch_name(trial)
    final = folder / "trials" / journal.folder_name(trial.index, attempt.number)
    programs.check()
    try:
        tell_begun(folder, Begun(session, trial.key, trial.block, attempt.number))
        scratch.mkdir()
        record = judged(run_trial(trial, context, scratch, attempt.number))
        programs.check()
        journal.settle_folder(scratch, final)
        journal.append(folder / JOURNAL, record.as_document())
    except ChangedError:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    except OSError as error:
        what = f"cannot keep the results in {folder}: {writing.reason(error)}"
        raise RunError(what, writing.hint(error)) from error
    except journal.JournalError as error:
        raise RunError(f"cannot keep the results in {folder}: {error}", error.hint) from error
    return record


def _mended(change: ChangedError) -> str:
    """What to do about a program that has gone, or is another one."""
    if not change.is_gone:
        return "the same command measures what is there now, in a run of its own; this one is kept"
    return f"{_brought_back(change)}; then the same command goes on with this run"


def _brought_back(change: ChangedError) -> str:
    """What to do about a program that is missing."""
    if not change.is_own:
        return "put it there, or correct the command that names it"
    return called.rebuilding()
