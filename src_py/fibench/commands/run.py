# SPDX-License-Identifier: BSD-3-Clause
"""What `plan` and `run` do: each returns the exit status, or raises Refused."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fibench import called
from fibench.backends import Backend, known_backends
from fibench.commands.build import built_or_refused, refuse_unwritable
from fibench.commands.page import keep_page
from fibench.commands.refused import TRIAL_FAILED, WRONG_INPUT, Refused, exit_code
from fibench.commands.serve import read_backends
from fibench.experiment import Experiment, load_experiment
from fibench.folders import Places, find_places, from_here, origin
from fibench.interruption import exit_status, signal_of
from fibench.json_values import Json
from fibench.machine import cores as machine
from fibench.parameters import LONGEST_MADE_AS, drawn_seed, option_flag, read_name
from fibench.tried import could_not_start
from fibench.wording import escaped

if TYPE_CHECKING:
    from fibench.machine.lock import Held
    from fibench.report import Overhead
    from fibench.run import Request
    from fibench.run.loop import RunOutcome
    from fibench.verdict import Findings

WORTH_SAYING_S = 0.05


@dataclass(frozen=True)
class Asked:
    """An experiment that a person has named, valid on any machine, and what it was read with."""

    experiment: Experiment
    source: Path
    """Its file."""
    backends: Mapping[str, Backend]
    """The catalogue."""
    overrides: Mapping[str, str]
    """The options that have replaced keys of the file."""
    made_as: str = ""
    """The name that it is to be made under; empty: none."""

    @property
    def folder(self) -> Path:
        """What paths in the file are relative to."""
        return self.source.resolve().parent


def load(name: str, overrides: Mapping[str, str], places: Places) -> Asked:
    """Find, read and validate an experiment; Refused with every diagnostic at once."""
    from fibench.document import ExperimentError, brief_name, find_experiment
    from fibench.document.text import namesakes

    backends, overrides = read_backends(places), _with_absolute_paths(overrides)
    try:
        path = find_experiment(name, places.experiments)
        experiment = load_experiment(path, known_backends(backends), overrides=overrides)
        _check_cpus(experiment, path)
    except ExperimentError as error:
        raise Refused(str(error), status=WRONG_INPUT) from error
    if others := namesakes(name, path, places.experiments):
        said = f"{name} is {brief_name(path)}; others of that name are called "
        print(f"note: {escaped(said + ', '.join(others))}", file=sys.stderr)
    return Asked(experiment, path, backends, overrides)


def made_under(asked: Asked, name: str | None) -> Asked:
    """What is asked for under a person's name, if any: it draws the seed. Raises Refused."""
    if name is None:
        return asked
    if "seed" in asked.overrides:
        raise Refused("--as and --seed are both given", "a name draws its seed", WRONG_INPUT)
    try:
        kept = read_name(name)
    except ValueError as error:
        hint = f"a name has 1 to {LONGEST_MADE_AS} characters, on one line: --as ada"
        raise Refused(f"--as {escaped(name[:40])}: {error}", hint, WRONG_INPUT) from error
    seeded = replace(asked.experiment.plan, seed=drawn_seed(kept))
    return replace(asked, experiment=replace(asked.experiment, plan=seeded), made_as=kept)


def _check_cpus(experiment: Experiment, path: Path) -> None:
    """Hold the CPUs that a file names against those of this machine. Raises ExperimentError."""
    from fibench.document import ExperimentError, Source, brief_name
    from fibench.document.text import decode, read
    from fibench.plan import check_cpus

    wrong = check_cpus(experiment, os.sched_getaffinity(0))
    if not wrong:
        return
    name = brief_name(path)
    source = Source(name, decode(read(path, name), name))
    for place, what, hint in wrong:
        source.report(place, what, hint)
    raise ExperimentError(source.sorted())


def _with_absolute_paths(overrides: Mapping[str, str]) -> Mapping[str, str]:
    """The options as they are meant wherever they are read: who types a path means their folder."""
    words = [word.strip() for word in overrides.get("interpreter", "").split(",")]
    if not any(os.sep in word for word in words):
        return overrides
    paths = [
        word if os.sep not in word or word.startswith("~/") else str(from_here(word).absolute())
        for word in words
    ]
    return {**overrides, "interpreter": ",".join(paths)}


def plan(name: str, overrides: Mapping[str, str], as_json: bool) -> int:
    """Show what would run, and what cannot run here; measures nothing."""
    from fibench.backends import interpreter_records
    from fibench.backends.available import find_here
    from fibench.commands.helping.missing import missing_lines
    from fibench.plan import choose, plan_json, warnings
    from fibench.report.words import to_judge
    from fibench.run.preparing import taken_ports

    places = find_places()
    asked = load(name, overrides, places)
    here = find_here(asked.experiment, asked.folder, asked.backends, places.programs)
    experiment = here.experiment
    advice = warnings(experiment, known_backends(asked.backends), machine.usable_cores())
    advice += missing_lines(asked.source, experiment)
    advice += [f"{what}: {hint}" for what, hint in taken_ports(experiment)]
    pinning = choose(experiment, machine.physical_cores())
    more = {
        "pinning": asdict(pinning),
        "interpreters": interpreter_records(here.interpreters),
        "to_judge": to_judge(experiment.claims),
    }
    document = plan_json(experiment, advice, more, machine.usable_cores())
    if as_json:
        print(json.dumps(document, indent=2))
        return 0
    from fibench.report import render_plan

    render_plan(document, advice)
    return 0


def run(
    name: str,
    overrides: Mapping[str, str],
    fresh: bool = False,
    predict: bool = False,
    made_as: str | None = None,
    allow: str = "",
) -> int:
    """Build, measure, judge, report; goes on with an unfinished run unless `fresh`.

    With `predict` a person is asked before a new one what they expect of its claims.
    """
    from fibench.commands.graders.allowed import allowed_outcomes
    from fibench.commands.quiet import say_who_is_busy
    from fibench.machine import LockError, measuring
    from fibench.machine.foreign import Glancing
    from fibench.run.preparing import make_ready
    from fibench.store import RunError, run_name

    places, allowed = find_places(), allowed_outcomes(allow)
    asked = made_under(load(name, overrides, places), made_as)
    _refuse_unwritable(places)
    beliefs = _predicted(asked, places, fresh) if predict else ()
    try:
        # Before the build, which would disturb another run's measurement.
        with measuring(run_name(asked.source)) as held:
            began_s = time.monotonic()
            glancing = Glancing(starts=True)
            with built_or_refused(places, run_name(asked.source)):
                parts = {"build": time.monotonic() - began_s}
                request = replace(_request(asked, places, fresh), beliefs=beliefs)
                _say_what_to_mind(request)
                looked_s = time.monotonic() - began_s - parts["build"]
                parts |= {"seeing what can run": looked_s} if looked_s > WORTH_SAYING_S else {}
                make_ready(request.experiment, places.programs / "supervise", _say)
                made_s = time.monotonic() - began_s - parts["build"] - looked_s
                parts |= {"building servers": made_s} if made_s > WORTH_SAYING_S else {}
                say_who_is_busy(glancing)
                outcome = _measure(request, held)
            # A run is unfinished until its verdicts are kept: who waits must not go on with it.
            try:
                total_s = time.monotonic() - began_s
                status = _conclude(request, outcome, total_s, parts, allowed)
            except KeyboardInterrupt as interrupt:  # a second Ctrl-C, once the trial had ended
                if not outcome.interrupted:
                    raise
                status = exit_status(signal_of(interrupt))
    except (RunError, LockError) as error:
        raise Refused(str(error), error.hint) from error
    _say_how_to_go_on(request, outcome, f"`{_again(name, asked)}`", status)
    return status


def _refuse_unwritable(places: Places) -> None:
    written = {"FIBENCH_RESULTS": places.results}
    if places.checkout is not None:
        written["FIBENCH_BUILD"] = places.build
    refuse_unwritable(written)


def _say_how_to_go_on(request: Request, outcome: RunOutcome, again: str, status: int) -> None:
    """What the same command, which is `again`, does with what is left of a run."""
    from fibench.run import tries_again_later

    if outcome.interrupted:
        print(f"{again} resumes it")
    elif outcome.not_quiet is not None:
        print(f"when the machine is quiet {again} goes on with it; --fresh begins anew")
    elif request.experiment.plan.blocks.fixed and tries_again_later(outcome.attempts):
        print(f"{again} tries again what could not start; a trial that failed otherwise stands")
    elif any(map(could_not_start, outcome.records)):
        print(
            f"what could not start is not filled in once a run has ended; {again} begins a new one"
        )
    elif status == TRIAL_FAILED:
        print(f"a trial that failed is a result, and stays one; {again} begins a new run")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _predicted(asked: Asked, places: Places, fresh: bool) -> Sequence[Json]:
    """What a person expects of a run's claims."""
    from fibench.commands.predicting.beforehand import predicted
    from fibench.store import run_name

    return predicted(run_name(asked.source), places, partial(_request, asked, places, fresh))


def _request(asked: Asked, places: Places, fresh: bool) -> Request:
    """What is to be run of an experiment here."""
    from fibench.backends.available import find_here
    from fibench.plan import warnings
    from fibench.run import Request

    here = find_here(asked.experiment, asked.folder, asked.backends, places.programs)
    advice = warnings(here.experiment, known_backends(asked.backends), machine.usable_cores())
    return Request(
        here.experiment,
        asked.source,
        asked.backends,
        places,
        asked.overrides,
        advice,
        fresh,
        here.interpreters,
        asked.made_as,
    )


def _say_what_to_mind(request: Request) -> None:
    """What of an experiment is left out here, and what to mind."""
    for line in request.experiment.absent.lines():
        print(escaped(line), file=sys.stderr)
    for line in request.warnings:
        print(f"warning: {escaped(line)}", file=sys.stderr)


def _measure(request: Request, held: Held) -> RunOutcome:
    """Run what is left; returns the outcome."""
    from fibench.commands.following import Following
    from fibench.report.live import showing_progress
    from fibench.run import (
        Event,
        RatesFound,
        RunBegun,
        RunStarted,
        SearchStarted,
        run_experiment,
    )
    from fibench.verdict import questions_of

    following = Following(questions_of(request.experiment, machine.usable_cores()))
    fixed = request.experiment.plan.blocks.fixed

    def hear(event: Event) -> None:
        if isinstance(event, RunBegun):
            following.begun_with(event.claims)
        if isinstance(event, RatesFound):
            following.asks(questions_of(event.experiment, machine.usable_cores()))
        if isinstance(event, RunStarted | SearchStarted):
            held.rename(f"{event.folder.parent.name}/{event.folder.name}")

    with showing_progress(
        lambda: following.questions, lambda: None if fixed else following.decisions
    ) as progress:
        return run_experiment(request, [hear, progress], following)


def _again(name: str, asked: Asked) -> str:
    """The command that goes on with the run."""
    options = [word for key, text in asked.overrides.items() for word in (option_flag(key), text)]
    options += ["--as", asked.made_as] if asked.made_as else []
    return called.command(shlex.join(["run", name, *options]))


def _conclude(
    request: Request,
    outcome: RunOutcome,
    total_s: float,
    parts: Mapping[str, float],
    allowed: Collection[str],
) -> int:
    """Judge and report what a run measured; the exit status says how it ended."""
    from fibench.commands.graders import github
    from fibench.report import Overhead

    found = conclude(request, outcome, Overhead(total_s, outcome.measured_s, parts))
    github.tell_of_run(outcome.folder, request.places, request.source, allowed)
    return exit_code(
        found.verdicts,
        len(found.failures),
        outcome.interrupted_by,
        not_quiet=outcome.not_quiet is not None,
        allowed=allowed,
    )


def conclude(request: Request, outcome: RunOutcome, overhead: Overhead | None = None) -> Findings:
    """Judge what a run measured, keep its verdicts if it is whole, and report it."""
    from fibench import __version__
    from fibench.backends import interpreter_records
    from fibench.build import compiler
    from fibench.report import Circumstances, lines, render_results
    from fibench.store.begun import read_begun
    from fibench.store.folder import CLAIMS, keep_json
    from fibench.store.kept import beliefs_in
    from fibench.store.stops import read_sessions
    from fibench.store.stored_run import server_words
    from fibench.verdict import claims_json, find

    cores = machine.usable_cores()
    experiment = request.experiment if outcome.experiment is None else outcome.experiment
    experiment = replace(experiment, claims_begun_with=outcome.claims_begun_with)
    complete = not outcome.interrupted and outcome.not_quiet is None
    words = server_words(outcome.folder, outcome.attempts)
    found = find(
        experiment,
        outcome.attempts,
        cores,
        complete=complete,
        server_words=words,
        sessions=read_sessions(outcome.folder),
        begun=read_begun(outcome.folder, [(one.trial, one.attempt) for one in outcome.attempts]),
        not_quiet=outcome.not_quiet,
    )
    if complete:
        document: dict[str, object] = {
            **claims_json(found.verdicts, added_afterwards=outcome.other_claims)
        }
        if experiment.found_rates:
            document["searches"] = [one.as_json() for one in experiment.found_rates]
        keep_json(outcome.folder / CLAIMS, document)
    render_results(
        None,
        experiment,
        found,
        Circumstances(
            os.path.relpath(outcome.folder, origin()),
            interrupted=outcome.interrupted,
            overhead=overhead,
            machine_line=lines.machine_line(cores),
            pinning=lines.pinning_words(outcome.pinning) if outcome.pinning else "",
            build_line=lines.build_line(__version__, compiler(request.places.programs)),
            interpreters=interpreter_records(request.interpreters),
            added_afterwards=outcome.other_claims,
            made_as=lines.made_as_line(outcome.folder),
            before=lines.before_line(outcome.folder),
            beliefs=beliefs_in(outcome.folder),
        ),
    )
    page = keep_page(outcome.folder, request.places)
    if page is not None:
        print(f"page: {escaped(os.path.relpath(page, origin()))}")
    return found
