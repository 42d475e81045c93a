# SPDX-License-Identifier: BSD-3-Clause
"""One trial: a fresh server, a check of its replies, warm-up, a measured window, and its end.

What comes back is the trial's journal record: figures in base units, every count, and whether the
trial is valid. A trial that is not valid says why in one line; it is never averaged in.
"""

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fibench.backends import Backend
from fibench.experiment import Cell
from fibench.machine import disturbance
from fibench.machine.computing import alone_in_python_s, alone_s
from fibench.parameters import Parameters
from fibench.plan import Trial, schedule_seed, stack_padding
from fibench.record import GeneratorSide, Record, Times
from fibench.trial import _gates as gates
from fibench.trial import load
from fibench.trial._course import INVALID, Course
from fibench.trial._figures import (
    Figures,
    course_figures,
    fibload_figures,
    queue_hint,
    with_lines,
    with_saturated,
)
from fibench.trial._placement import core_count, cpu_count, load_cpus, server_cpus
from fibench.trial._readings import Readings
from fibench.trial.answer import read_answer
from fibench.trial.asking.checking import Check, RightReplies, backlog_for_each
from fibench.trial.asking.repeating import forget, learn
from fibench.trial.asking.wrong import hint_of
from fibench.trial.evidence.design import (
    most_by_threads,
    most_by_turns,
    most_cores,
    most_cores_with_a_gil,
)
from fibench.trial.evidence.watch import Seen, Watch
from fibench.trial.serving import (
    NULL_REPLY,
    TrialContext,
    TrialFailed,
    asked_numbers,
    check_crowd,
    check_replies,
    clients_at_once,
    pick_port,
    put_away,
    start_server,
    unexpected_end,
)
from fibench.trial.untimed.syscalls import count_calls
from fibench.trial.untimed.timeline import watch_threads

__all__ = ["TrialContext", "run_trial", "scratch_name"]


def scratch_name(trial: Trial) -> str:
    """The name of a trial's folder until it is whole."""
    return f".{trial.index:03d}.new"


def run_trial(trial: Trial, context: TrialContext, folder: Path, attempt: int = 1) -> Record:
    """Run one trial, with its files in `folder`; returns its journal record.

    Whatever the server or the load does wrong becomes the record's `reason`. Nothing that was
    started is left when this returns or raises (KeyboardInterrupt, a full disk).
    """
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    context = replace(
        context,
        seed=schedule_seed(context.seed, trial.block),
        padding=stack_padding(context.seed, trial.key),
    )
    began_s, before = time.monotonic(), disturbance.read_counters()
    course = _course(trial, context, folder)
    if course.failed is None:
        forget(folder)
    gained = disturbance.counted_between(before, disturbance.read_counters())
    backend = context.backend(trial.cell.parameters.backend)
    put_away(backend, folder, failed=course.failed is not None)
    figures, failed = course.figures, course.failed
    return Record(
        trial=trial.key,
        role=trial.role,
        index=trial.index,
        block=trial.block,
        cell=trial.cell.key,
        label=trial.cell.label,
        attempt=attempt,
        started_at=started_at,
        valid=failed is None,
        reason=None if failed is None else str(failed),
        hint=None if failed is None else failed.hint or None,
        failure=None if failed is None else failed.kind,
        window_opened=course.window_opened,
        load_began=course.load_began or course.window_opened,
        parameters=trial.cell.parameters,
        port=course.port,
        metrics=figures.metrics,
        counts=figures.counts,
        groups=figures.groups,
        bounds=figures.bounds,
        halves=figures.halves,
        checks=replace(
            figures.checks,
            listen_overflows=gained.listen_overflows,
            listen_drops=gained.listen_drops,
            retransmits=gained.retransmits,
            fibonacci_s=_fibonacci_s(context, trial.cell.parameters) if failed is None else None,
        ),
        server=course.server,
        generator=course.generator,
        machine={**disturbance.machine_json(gained), **course.seen.figures},
        syscalls=course.syscalls,
        timeline=course.timeline,
        evidence=course.seen.evidence,
        times=Times(wall_s=time.monotonic() - began_s, measured_s=figures.measured_s),
    )


def _course(trial: Trial, context: TrialContext, folder: Path) -> Course:
    """How a trial goes that is for this."""
    if trial.role == "syscalls":
        return count_calls(context, trial.cell, folder)
    if trial.role == "timeline":
        return watch_threads(context, trial.cell, folder)
    course = _measure(trial, context, folder)
    context.not_started.pop(trial.cell.key, None)
    if course.failed is not None and course.server is None:
        context.not_started[trial.cell.key] = str(course.failed)
    return course


def _measure(trial: Trial, context: TrialContext, folder: Path) -> Course:
    parameters = trial.cell.parameters
    backend = context.backend(parameters.backend)
    port: int | None = None
    repeated: RightReplies | None = None
    try:
        port = pick_port(parameters, context.names, backend.port)
        if trial.repeats is not None:
            repeated = learn(context, trial.repeats, trial.cell.asks[0], port, folder)
            context = replace(context, repeats=repeated.replies)
        running = start_server(context, parameters, port, folder)
    except TrialFailed as failure:
        return Course(port, failed=failure)
    loaded: tuple[Figures, GeneratorSide] | None = None
    failed: TrialFailed | None = None
    right, seen, asked = 0, Seen(), list[load.Edge]()
    # client_bench.sh announces no window, in whose middle the clients would be there.
    has_middle = parameters.kind != "process"
    with (
        running,
        Watch(context.programs, running.supervisor_pid) as watch,
        Readings(running, watch, memory=has_middle) as readings,
    ):
        try:
            checking = Check(context, parameters, port, folder, asked.append)
            right, checked = _check(checking, trial.cell, running.backlog, repeated)
            with context.under_load():
                loaded = _load(context, trial.cell, port, folder, readings, checked)
            seen = watch.conclude(readings.cores(), loaded[0].load_cores)
            of_server = _of_server(context, parameters, readings, seen)
            seen = replace(seen, figures={**seen.figures, **of_server})
        except TrialFailed as failure:
            failed = failure
        died = not running.alive()
        ending = running.stop()
    figures, generator = loaded or (Figures(), None)
    opened = readings.window_opened
    described = readings.describe(ending, ended_itself=died)
    course = Course(
        *(port, figures, described, generator),
        seen=seen,
        window_opened=opened,
        load_began=readings.load_began or bool(asked),
        failed=failed,
    )
    measured = failed is None and figures.reason is None
    if died and not (measured and readings.ended_after_the_window(ending)):
        return replace(course, failed=unexpected_end(ending))
    if failed is not None:
        return course
    switches = readings.switches(ending)
    replies = figures.counts["ok"] + figures.counts.get("ok_after", 0) + right
    metrics = {
        **figures.metrics,
        "switches_per_request": sum(switches) / replies if switches else None,
    }
    if figures.reason is not None:
        failed = TrialFailed(figures.reason, INVALID, figures.hint)
    return replace(course, figures=replace(figures, metrics=metrics), failed=failed)


def _fibonacci_s(context: TrialContext, parameters: Parameters) -> float | None:
    """What the least number that is asked of a server of the catalogue takes to compute alone, in
    its language. It is found out when no server runs, once for each interpreter."""
    backend, numbers = context.backend(parameters.backend), asked_numbers(parameters)
    if backend.command or not backend.ranked or not numbers:
        return None
    if backend.language == "python":
        python = context.interpreter(parameters) or sys.executable
        return alone_in_python_s(python, context.programs, min(numbers))
    return alone_s(context.programs, min(numbers))


def _check(
    check: Check, cell: Cell, backlog: int | None, repeated: RightReplies | None
) -> tuple[int, RightReplies | None]:
    """Check a cell's server before its load; how many replies were right, and of requests of the
    file what the check was answered. Raises TrialFailed."""
    context, parameters, port = check.context, check.parameters, check.port
    backend = context.backend(parameters.backend)
    cores = core_count(server_cpus(parameters, context.pinning))
    at_once = clients_at_once(backend, parameters, cores, backlog_for_each(cell.asks, backlog))
    if cell.asks:
        checked = check.of_cell(cell, at_once, repeated)
        return checked.right, checked
    right = check_replies(backend, parameters, port, at_once)
    if backend.command and at_once > 1:
        right += check_crowd(context, parameters, port, check.folder, at_once, check.tell)
    return right, None


def _load(
    context: TrialContext,
    cell: Cell,
    port: int,
    folder: Path,
    readings: Readings,
    checked: RightReplies | None,
) -> tuple[Figures, GeneratorSide]:
    """Drive the load, and take what it and the readings of the server tell. Raises TrialFailed."""
    parameters, backend = cell.parameters, context.backend(cell.parameters.backend)
    cpus = load_cpus(parameters, context.pinning)
    try:
        if parameters.kind == "process":
            command = load.process_command(context.programs, parameters, port, cpus)
            ending = load.drive(command, context.supervise, folder, readings)
            figures = course_figures(ending, parameters, folder)
        else:
            fixed = None if backend.ranked else NULL_REPLY
            command = load.fibload_command(
                context.programs,
                parameters,
                port,
                reply=fixed if checked is None else checked.asks,
                seed=context.seed,
                cpus=cpus,
            )
            ending = load.drive(command, context.supervise, folder, readings)
            answer = read_answer(load.read_fibload(folder))
            readings.went_on(answer.cooldown_ns)
            figures = fibload_figures(answer, ending, backend, parameters)
            cores = _available_cores(context, backend, parameters)
            used, key = readings.cores(), _cores_key(backend)
            figures = replace(figures, checks=gates.check(answer, cores, used, key))
            figures = with_lines(figures, answer, parameters)
            figures = with_saturated(figures, gates.overload(answer, cores, used).groups)
            if figures.reason is not None:
                hint = queue_hint(answer, readings.backlog)
                if checked is not None:
                    hint = hint or hint_of(answer, cell.asks, checked.took_s)
                figures = replace(figures, hint=hint)
    except load.LoadError as error:
        raise TrialFailed(str(error), "load") from error
    known = readings.metrics(figures.metrics["wall_s"], figures.counts["window_ok"])
    metrics = {**figures.metrics, **known}
    if checked is not None:
        figures = replace(figures, checks=replace(figures.checks, check_s=checked.took_s))
    elif backend.command:  # those of the catalogue are known to compute
        least_s = alone_s(context.programs, min(asked_numbers(parameters)))
        figures = replace(figures, checks=replace(figures.checks, computing_s=least_s))
    return replace(figures, metrics=metrics), GeneratorSide(cpus, figures.use)


def _of_server(
    context: TrialContext, parameters: Parameters, readings: Readings, seen: Seen
) -> dict[str, float | None]:
    """What is known of a server that bears on the CPU time that it used."""
    return {
        "design_cores": _most_cores(context, parameters, readings, seen),
        "capacity_cpus": _capacity_cpus(context, parameters, readings, seen),
        "cpu_stretch": readings.stretched(),
        "one_gil": 1.0 if _has_one_gil(context, parameters, readings) else 0.0,
        "serves": _serves(context, parameters),
        "late_s": readings.too_late_s(),
    }


def _most_cores(
    context: TrialContext, parameters: Parameters, readings: Readings, seen: Seen
) -> float | None:
    """The most cores that its design can have let a server be measured to use; None: as many as
    there are, or not known."""
    backend = context.backend(parameters.backend)
    if backend.gil and context.has_gil(parameters):
        used, processes = readings.use(), readings.processes()
        work = parameters.work
        most = most_cores_with_a_gil(backend, processes, used, seen.figures, work)
    else:
        most = most_cores(backend, parameters.workers, readings.threads(), seen.figures)
    stretched = readings.stretched()
    return None if most is None or stretched is None else most * stretched


def _capacity_cpus(
    context: TrialContext, parameters: Parameters, readings: Readings, seen: Seen
) -> float:
    """The most CPUs that a server could keep busy: those that it may run on, fewer where a quota,
    its design or its GIL leaves it fewer. Hardware threads count each: no more is certain."""
    backend = context.backend(parameters.backend)
    cpus = float(cpu_count(server_cpus(parameters, context.pinning)))
    if backend.gil and context.has_gil(parameters):
        most = most_by_turns(backend, readings.processes(), readings.use(), parameters.work)
    else:
        most = most_by_threads(backend, parameters.workers, readings.threads())
    limits = [cpus, most, seen.figures.get("quota_cores")]
    return min(one for one in limits if one)


def _has_one_gil(context: TrialContext, parameters: Parameters, readings: Readings) -> bool:
    """Whether all that a server computes has the GIL of its only process."""
    backend = context.backend(parameters.backend)
    takes_turns = backend.gil and not backend.command and context.has_gil(parameters)
    return takes_turns and readings.processes() == 1


def _serves(context: TrialContext, parameters: Parameters) -> float | None:
    """How many connections a design of the catalogue serves at once; None: any number, or nobody
    but its file says so. Without a number of workers there are no more than CPUs."""
    backend = context.backend(parameters.backend)
    if backend.command or backend.serves == "any":
        return None
    if backend.serves == "workers":
        return float(parameters.workers or cpu_count(server_cpus(parameters, context.pinning)))
    return float(backend.serves)


def _cores_key(backend: Backend) -> str:
    """What to write if a server of the user's own, which says nothing of cores, can use but one."""
    if not backend.command or backend.cores != "any":
        return ""
    return f"if its design uses no more than one, write cores = 1 in [backends.{backend.name}]"


def _available_cores(
    context: TrialContext, backend: Backend, parameters: Parameters
) -> gates.AvailableCores:
    """How much CPU server and load could use."""
    server_cores = core_count(server_cpus(parameters, context.pinning))
    return gates.AvailableCores(
        server=gates.design_cores(backend.cores, parameters.workers, server_cores),
        load=core_count(load_cpus(parameters, context.pinning)),
    )
