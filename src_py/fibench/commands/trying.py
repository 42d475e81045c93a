# SPDX-License-Identifier: BSD-3-Clause
"""What `try` does: two backends beside each other for a few seconds, with no file and no claims.

It is a run like every other, of an experiment that is written here, and kept like every other:
`report try` shows it again. How long it goes on is decided by the clock alone, never by figures.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fibench.backends import Backend, find_backend, known_backends
from fibench.commands.build import built_or_refused, refuse_unwritable
from fibench.commands.refused import TRIAL_FAILED, UNDECIDED, WRONG_INPUT, Refused
from fibench.commands.run import conclude
from fibench.commands.serve import read_backends
from fibench.folders import Places, find_places, origin
from fibench.interruption import exit_status
from fibench.machine import cores as machine
from fibench.wording import escaped, suggestion

if TYPE_CHECKING:
    from fibench.experiment import Experiment
    from fibench.record import Record
    from fibench.run import Event, Request
    from fibench.run.loop import RunOutcome

NAME = "try"
_BEFORE_AND_AFTER_S = 1.5
"""What the command takes to begin, and to tell what it found."""
_LEAST_S, _MOST_S = 3.0, 3600.0
_TEXT = """\
title = "{first} beside {second}"

[[matrix]]
backend = ["{first}", "{second}"]

[load]
duration = "0.35s"
warmup = "0.15s"

[plan]
blocks = {{ least = 5, most = 100 }}
"""


@dataclass
class _Clock:
    """Ends a run in time: after a block, when the next would end too late."""

    began_s: float
    limit_s: float
    keys: Collection[str] = ()
    """The cells, the twin among them."""
    blocks: int = 0

    def __call__(self, records: Sequence[Record]) -> Collection[str]:
        """The cells of the next block; none: it is time, or one of the two does not start."""
        from fibench.store.attempts import given_up

        self.blocks = len({one.block for one in records if one.role == "measure"})
        spent_s = self.spent_s()
        if self.blocks and spent_s + spent_s / self.blocks > self.limit_s:
            return ()
        return () if given_up(records) else self.keys

    def spent_s(self) -> float:
        """How long it has gone on."""
        return time.monotonic() - self.began_s


def try_out(first: str, second: str, seconds: str, overrides: Mapping[str, str]) -> int:
    """Measure two backends in turns for about so many seconds, and say which is faster, or that it
    was too short to say; returns the exit status."""
    from fibench.machine import LockError, measuring
    from fibench.plan import plan
    from fibench.store import RunError

    limit_s = _limit_s(seconds)
    places = find_places()
    catalogue = read_backends(places)
    names = [named_backend(name, catalogue).name for name in (first, second)]
    if names[0] == names[1]:
        what = f"both are {names[0]}"
        hint = "name two; what chance alone does, the A/A check of every run tells"
        raise Refused(what, hint, WRONG_INPUT)
    text = _TEXT.format(first=names[0], second=names[1])
    experiment = _read(text, catalogue, overrides)
    _refuse_unwritable(places)
    try:
        with measuring(NAME), built_or_refused(places, NAME):
            request = _request(experiment, text, catalogue, places, overrides)
            keys = {trial.cell.key for trial in plan(request.experiment)}
            clock = _Clock(time.monotonic(), limit_s - _BEFORE_AND_AFTER_S, keys)
            print(f"{names[0]} and {names[1]} in turns, for {seconds} seconds", flush=True)
            outcome = _measure(request, clock)
    except (RunError, LockError) as error:
        raise Refused(str(error), error.hint) from error
    return _tell(request, outcome, clock)


def _limit_s(text: str) -> float:
    """What --seconds says. Raises Refused."""
    try:
        limit_s = float(text)
    except ValueError:
        limit_s = 0.0
    if not _LEAST_S <= limit_s <= _MOST_S:
        hint = f"a number of seconds from {_LEAST_S:.0f} to {_MOST_S:.0f}"
        raise Refused(
            f"--seconds {escaped(text[:100])}: not how long it may take", hint, WRONG_INPUT
        )
    return limit_s


def named_backend(name: str, catalogue: Mapping[str, Backend], own: str = "") -> Backend:
    """A backend by its name or its program; `own` is what has one of a file. Raises Refused."""
    backend = find_backend(catalogue, name)
    if backend is None:
        hint = suggestion(name, catalogue)
        if own and hint.startswith("valid"):
            hint += f"; one of your own: `{own}`"
        raise Refused(f'there is no backend "{escaped(name[:100])}"', hint, WRONG_INPUT)
    return backend


def _read(text: str, catalogue: Mapping[str, Backend], overrides: Mapping[str, str]) -> Experiment:
    """The experiment, with the person's options. Raises Refused."""
    from fibench.document import ExperimentError
    from fibench.experiment.experiment import parse_experiment

    for name in ("backend", "blocks", "seed"):
        if overrides.get(name):
            what = f"--{name} is no option of try"
            raise Refused(what, "leave it out; an experiment file can say it", WRONG_INPUT)
    try:
        return parse_experiment(
            text, f"{NAME}.toml", known_backends(catalogue), overrides, folder=origin()
        )
    except ExperimentError as error:
        raise Refused(str(error), status=WRONG_INPUT) from error


def _refuse_unwritable(places: Places) -> None:
    refuse_unwritable({"FIBENCH_RESULTS": places.results})


def _request(
    experiment: Experiment,
    text: str,
    catalogue: Mapping[str, Backend],
    places: Places,
    overrides: Mapping[str, str],
) -> Request:
    """What is to be run. Raises Refused where one of the two cannot run here."""
    from fibench.backends.available import find_here
    from fibench.plan import warnings
    from fibench.run import Request

    here = find_here(experiment, origin(), catalogue, places.programs)
    for absent in here.experiment.absent.cells:
        raise Refused(f"{absent.cell.backend} cannot run here", absent.reason)
    advice = warnings(here.experiment, known_backends(catalogue), machine.usable_cores())
    for line in advice:
        print(f"warning: {escaped(line)}", file=sys.stderr)
    return Request(
        here.experiment,
        origin() / f"{NAME}.toml",
        catalogue,
        places,
        overrides,
        advice,
        fresh=True,
        interpreters=here.interpreters,
        text=text.encode(),
    )


def _measure(request: Request, clock: _Clock) -> RunOutcome:
    """Measure until it is time."""
    from fibench.run import Notice, StopRequested, run_experiment

    def say(event: Event) -> None:
        if isinstance(event, Notice):
            print(event.text, file=sys.stderr, flush=True)
        elif isinstance(event, StopRequested):
            print("finishing this trial; Ctrl-C again ends at once", file=sys.stderr, flush=True)

    return run_experiment(request, [say], after_block=clock)


def _tell(request: Request, outcome: RunOutcome, clock: _Clock) -> int:
    """Show the cells, then in a sentence which of the two is faster."""
    from fibench.report.faster import faster_lines
    from fibench.verdict.sampling.sampled import samples

    found = conclude(request, outcome)
    said = faster_lines(request.experiment.cells, samples(outcome.attempts), clock.spent_s())
    print()
    for line in said.lines:
        print(line)
    if outcome.interrupted_by is not None:
        return exit_status(outcome.interrupted_by)
    if found.failures:
        return TRIAL_FAILED
    return 0 if said.is_clear and outcome.not_quiet is None else UNDECIDED
