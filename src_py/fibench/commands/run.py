# SPDX-License-Identifier: BSD-3-Clause
"""What the commands do: each returns the exit status, or raises Refused."""

import json
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fibench import called
from fibench.backends import Backend, CatalogueError, find_backend, known_backends, read_catalogue
from fibench.backends.catalogue import WORKERS, listing, unavailable_reason
from fibench.backends.catalogue import argv as backend_argv
from fibench.build.meson import BuildError, built
from fibench.commands.refused import NOT_STARTED as NOT_STARTED
from fibench.commands.refused import WRONG_INPUT as WRONG_INPUT
from fibench.commands.refused import Refused as Refused
from fibench.folders import Places, find_places, refusal_to_write
from fibench.interruption import exit_status
from fibench.machine import cores as machine
from fibench.wording import escaped

TRIAL_FAILED = 5
WORTH_SAYING_S = 0.05


def read_backends(places: Places) -> dict[str, Backend]:
    """The catalogue, or Refused."""
    try:
        return read_catalogue(places.catalogue)
    except CatalogueError as error:
        raise Refused(str(error), called.restoring("catalogue.toml")) from error


def build() -> int:
    """Compile and install."""
    places = find_places()
    if places.checkout is None:
        raise Refused("an installed fibench has its programs already", "there is nothing to build")
    with built_or_refused(places, "build", retry=True):
        pass
    print(f"installed in {escaped(os.path.relpath(places.programs, _origin()))}")
    return 0


@contextmanager
def built_or_refused(places: Places, name: str, retry: bool = False) -> Iterator[None]:
    """Build what changed, and keep it so inside; `name` is for those who wait to change it.

    A failure shows the compiler's own words, then what and what to do. With `retry` a download that
    failed before is tried once more.
    """
    if places.checkout is not None:
        _refuse_unwritable({"FIBENCH_BUILD": places.build})
    try:
        with built(places, name, retry=retry):
            yield
    except BuildError as error:
        raise refused_build(error) from error


def refused_build(error: BuildError) -> Refused:
    """Show the compiler's own words; the rest is for who called."""
    if error.output:
        print(error.output.rstrip(), file=sys.stderr)
    return Refused(str(error), error.hint)


def _refuse_unwritable(folders: Mapping[str, Path]) -> None:
    """Refuse to begin what cannot be kept: all at once, each with the variable that moves it."""
    reasons = {name: refusal_to_write(folder) for name, folder in folders.items()}
    lines = [
        f"cannot {'write' if folders[name].is_dir() else 'make'} "
        + escaped(f"{folders[name]}: {reason}")
        for name, reason in reasons.items()
        if reason is not None
    ]
    if lines:
        places = " ".join(f"{name}=/some/where" for name, reason in reasons.items() if reason)
        raise Refused("\n".join(lines), f"name another place: {places}")


def backends(as_json: bool) -> int:
    """List the catalogue."""
    places = find_places()
    from fibench.backends import why_unavailable

    rows = listing(read_backends(places).values(), places.programs, why_unavailable)
    if as_json:
        print(json.dumps(rows, indent=2))
        return 0
    from fibench.report import render_backends

    render_backends(rows)
    return 0


def serve(name: str, port: str, options: list[str], interpreter: str = "") -> int:
    """Become the server: Ctrl-C then goes straight to it, and its exit status is the command's."""
    places = find_places()
    catalogue = read_backends(places)
    backend = find_backend(catalogue, name)
    if backend is None:
        from fibench.wording import suggestion

        hint = suggestion(name, catalogue)
        raise Refused(f'there is no backend "{name}"', hint, WRONG_INPUT)
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:
        raise Refused(f"--port {port}: not a port", "a port is from 1 to 65535", WRONG_INPUT)
    with built_or_refused(places, f"serve {backend.name}"):
        pass
    reason = unavailable_reason(backend, places.programs)
    if reason is not None:
        raise Refused(f"{backend.name} cannot run here", reason)
    python = _interpreter(interpreter, backend) if interpreter else None
    _refuse_taken_port(int(port), options)
    workers = None
    if WORKERS in backend.arguments and "--workers" in options:  # an option may be given once
        at = options.index("--workers")
        workers, options = options[at + 1], options[:at] + options[at + 2 :]
    command = [*backend_argv(backend, places.programs, python, workers), *options, port]
    print(f"starting {backend.name} on port {port}; Ctrl-C ends it", file=sys.stderr, flush=True)
    os.execv(command[0], command)


def _refuse_taken_port(port: int, options: list[str]) -> None:
    """Say who holds a port that a server is to listen on. Raises Refused."""
    from fibench.server import StartError, check_port_free
    from fibench.server.starting import PortNames

    host = options[options.index("--host") + 1] if "--host" in options else "127.0.0.1"
    try:
        check_port_free(host, port, PortNames("--host", "--port", may_be_left_out=False))
    except StartError as error:
        raise Refused(str(error), error.hint) from error


def _interpreter(asked: str, backend: Backend) -> str:
    """The program of an interpreter for a backend. Raises Refused."""
    from fibench.backends import NotHere, find_interpreter

    option = f"--interpreter {escaped(asked[:100])}"
    if backend.language != "python":
        hint = "leave the option out"
        raise Refused(f"{option}: {backend.name} is not in Python", hint, WRONG_INPUT)
    try:
        return find_interpreter(asked, _origin(), os.environ).path
    except NotHere as reason:
        hint = 'name a program ("python3.13"), a version of pyenv ("3.13"), or a path'
        raise Refused(f"{option}: {reason}", hint, WRONG_INPUT) from reason


def _origin() -> Path:
    """The folder where the person stands: ./dev goes to the checkout."""
    return Path(os.environ.get("FIBENCH_FROM", "")).absolute()


def doctor(as_json: bool) -> int:
    """Say what on this machine would disturb a measurement; changes nothing."""
    from fibench.commands import vitals

    places = find_places()
    vitals.doctor(places, read_backends(places), as_json)
    return 0


def load(name: str, overrides: Mapping[str, str], places: Places) -> tuple[Any, Path, Any]:
    """Find, read and validate an experiment; Refused with every diagnostic at once."""
    from fibench.document import brief_name
    from fibench.document.text import namesakes
    from fibench.experiment import load_experiment
    from fibench.experiment.experiment import ExperimentError, find_experiment
    from fibench.plan import check_cpus

    backends = read_backends(places)
    try:
        path = find_experiment(name, places.experiments)
        experiment = load_experiment(path, known_backends(backends), overrides=overrides)
    except ExperimentError as error:
        raise Refused(str(error), status=WRONG_INPUT) from error
    if wrong := check_cpus(experiment, os.sched_getaffinity(0)):
        raise Refused("\n".join(wrong), status=WRONG_INPUT)
    if others := namesakes(name, path, places.experiments):
        said = f"{name} is {brief_name(path)}; others of that name are called "
        print(f"note: {escaped(said + ', '.join(others))}", file=sys.stderr)
    return experiment, path, backends


def _from_here(overrides: Mapping[str, str]) -> Mapping[str, str]:
    """The options with paths made absolute: who types one means it from where they stand."""
    words = [word.strip() for word in overrides.get("interpreter", "").split(",")]
    if not any(os.sep in word for word in words):
        return overrides
    paths = [
        word if os.sep not in word or word.startswith("~/") else os.path.join(_origin(), word)
        for word in words
    ]
    return {**overrides, "interpreter": ",".join(paths)}


def plan(name: str, overrides: Mapping[str, str], as_json: bool) -> int:
    """Show what would run, and what cannot run here; measures nothing."""
    from fibench.backends import interpreter_records
    from fibench.backends.available import look
    from fibench.plan import choose, plan_json, warnings

    places = find_places()
    asked, source, backends = load(name, _from_here(overrides), places)
    here = look(asked, source.resolve().parent, backends, places.programs)
    experiment = here.experiment
    advice = warnings(experiment, known_backends(backends), machine.usable_cores())
    pinning = choose(experiment, machine.physical_cores())
    more = {"pinning": asdict(pinning), "interpreters": interpreter_records(here.interpreters)}
    document = plan_json(experiment, advice, more)
    if as_json:
        print(json.dumps(document, indent=2))
        return 0
    from fibench.report import render_plan

    render_plan(document, advice)
    return 0


def run(name: str, overrides: Mapping[str, str], fresh: bool = False) -> int:
    """Build, measure, judge, report; goes on with an unfinished run unless `fresh`."""
    from fibench.machine import LockError, measuring
    from fibench.store import RunError, run_name

    places = find_places()
    overrides = _from_here(overrides)
    experiment, source, backends = load(name, overrides, places)
    written = {"FIBENCH_RESULTS": places.results}
    if places.checkout is not None:
        written["FIBENCH_BUILD"] = places.build
    _refuse_unwritable(written)
    try:
        # Before the build, which would disturb another run's measurement.
        with measuring(run_name(source)) as held:
            began_s = time.monotonic()
            with built_or_refused(places, run_name(source)):
                parts = {"build": time.monotonic() - began_s}
                request = _request(experiment, source, backends, places, overrides, fresh)
                looked_s = time.monotonic() - began_s - parts["build"]
                parts |= {"seeing what can run": looked_s} if looked_s > WORTH_SAYING_S else {}
                outcome = _measure(request, held)
            # A run is unfinished until its verdicts are kept: who waits must not go on with it.
            try:
                status = _conclude(request, outcome, time.monotonic() - began_s, parts)
            except KeyboardInterrupt as interrupt:  # a second Ctrl-C, once the trial had ended
                if not outcome.interrupted:
                    raise
                status = exit_status(interrupt)
    except (RunError, LockError) as error:
        raise Refused(str(error), error.hint) from error
    if outcome.interrupted or status == TRIAL_FAILED:
        does = "resumes it" if outcome.interrupted else "tries the failed trials again"
        print(f"`{_again(name, overrides)}` {does}")
    return status


def _request(
    experiment: Any,
    source: Path,
    backends: Mapping[str, Backend],
    places: Places,
    overrides: Mapping[str, str],
    fresh: bool,
) -> Any:
    """What is to be run of an experiment here; says what is left out, and what to mind."""
    from fibench.backends.available import look
    from fibench.plan import warnings
    from fibench.run import Request

    here = look(experiment, source.resolve().parent, backends, places.programs)
    for line in here.experiment.absent.lines():
        print(escaped(line), file=sys.stderr)
    advice = warnings(here.experiment, known_backends(backends), machine.usable_cores())
    for line in advice:
        print(f"warning: {escaped(line)}", file=sys.stderr)
    return Request(
        here.experiment, source, backends, places, overrides, advice, fresh, here.interpreters
    )


def _measure(request: Any, held: Any) -> Any:
    """Run what is left; returns the outcome."""
    from fibench.report.live import showing_progress
    from fibench.run import Event, RunStarted, run_experiment

    def name_it(event: Event) -> None:
        if isinstance(event, RunStarted):
            held.rename(f"{event.folder.parent.name}/{event.folder.name}")

    with showing_progress() as progress:
        return run_experiment(request, [name_it, progress])


def _again(name: str, overrides: Mapping[str, str]) -> str:
    """The command that goes on with the run."""
    # Invoke knows an option of one letter as -n only.
    flags = {key: f"-{key}" if len(key) == 1 else f"--{key}" for key in overrides}
    options = [word for key, text in overrides.items() for word in (flags[key], text)]
    return called.command(shlex.join(["run", name, *options]))


def _conclude(request: Any, outcome: Any, total_s: float, parts: Mapping[str, float]) -> int:
    """Judge and report what a run measured; the exit status says how it ended."""
    from fibench import __version__
    from fibench.backends import interpreter_records
    from fibench.build.record import build_line, compiler
    from fibench.report import Overhead, render_results
    from fibench.store.folder import CLAIMS, keep_json
    from fibench.verdict import claims_json, exit_code, find

    cores, experiment = machine.usable_cores(), request.experiment
    complete = not outcome.interrupted
    found = find(experiment, outcome.records, outcome.folder, cores, complete=complete)
    if complete:
        keep_json(outcome.folder / CLAIMS, claims_json(found.verdicts))
    render_results(
        None,
        experiment,
        found,
        Overhead(total_s, outcome.measured_s, parts),
        os.path.relpath(outcome.folder, _origin()),
        outcome.interrupted,
        machine.machine_line(cores),
        outcome.pinning,
        build_line=build_line(__version__, compiler(request.places.programs)),
        added_afterwards=outcome.other_claims,
        interpreters=interpreter_records(request.interpreters),
    )
    status = exit_code(found.verdicts, len(found.failures), outcome.interrupted)
    return outcome.ended_with or status
