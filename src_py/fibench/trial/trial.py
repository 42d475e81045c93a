# SPDX-License-Identifier: BSD-3-Clause
"""One trial: a fresh server, a check of its replies, warm-up, a measured window, and its end.

What comes back is the trial's journal record: figures in base units, every count, and whether the
trial is valid. A trial that is not valid says why in one line; it is never averaged in.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fibench.backends import Backend
from fibench.machine import disturbance
from fibench.parameters import Parameters
from fibench.plan import Trial, schedule_seed
from fibench.trial import _gates as gates
from fibench.trial import load, syscalls
from fibench.trial._figures import Measured, queue_hint, refused_by_cap, take_course, take_fibload
from fibench.trial._placement import core_count, load_cpus, server_cpus
from fibench.trial._readings import Readings
from fibench.trial.serving import (
    NULL_REPLY,
    STOP_GRACE_S,
    TrialContext,
    TrialFailed,
    check_replies,
    pick_port,
    start_server,
    unexpected_end,
)

__all__ = ["SCHEMA", "TrialContext", "run_trial", "scratch_name"]

SCHEMA = 2


def scratch_name(trial: Trial) -> str:
    """The name of a trial's folder until it is whole."""
    return f".{trial.index:03d}.new"


def run_trial(
    trial: Trial, context: TrialContext, folder: Path, attempt: int = 1
) -> dict[str, Any]:
    """Run one trial, with its files in `folder`; returns its journal record.

    Whatever the server or the load does wrong becomes the record's `reason`. Nothing that was
    started is left when this returns or raises (KeyboardInterrupt, a full disk).
    """
    record = _identity(trial, attempt)
    context = replace(context, seed=schedule_seed(context.seed, trial.block))
    measured = Measured()
    began_s, before = time.monotonic(), disturbance.read()
    try:
        if trial.role == "syscalls":
            syscalls.count(context, trial.cell.parameters, folder, measured)
        else:
            _measure(trial.cell.parameters, context, folder, measured)
        record["reason"] = measured.reason
        record["hint"] = measured.hint or None
    except TrialFailed as failure:
        record["reason"] = str(failure)
        record["failure"] = failure.kind
        record["hint"] = failure.hint or None
    gained = disturbance.between(before, disturbance.read())
    record["valid"] = record["reason"] is None
    if not record["valid"] and record["failure"] is None:
        record["failure"] = "invalid"
    return record | {
        "port": measured.port,
        "metrics": measured.metrics,
        "counts": measured.counts,
        "groups": measured.groups,
        "halves": measured.halves,
        "checks": measured.checks | _lost_by_the_kernel(gained),
        "server": measured.server,
        "generator": measured.generator,
        "machine": disturbance.machine_json(gained),
        **({} if measured.syscalls is None else {"syscalls": measured.syscalls}),
        "times": {"wall_s": time.monotonic() - began_s, "measured_s": measured.measured_s},
    }


def _identity(trial: Trial, attempt: int) -> dict[str, Any]:
    """The part of a record that is known before the trial."""
    return {
        "schema": SCHEMA,
        "trial": trial.key,
        "role": trial.role,
        "index": trial.index,
        "block": trial.block,
        "cell": trial.cell.key,
        "label": trial.cell.label,
        "attempt": attempt,
        "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "valid": False,
        "reason": None,
        "hint": None,
        "failure": None,
        "parameters": trial.cell.parameters.as_json(),
    }


def _lost_by_the_kernel(gained: disturbance.Counters) -> dict[str, int | None]:
    return {
        "listen_overflows": gained.listen_overflows,
        "listen_drops": gained.listen_drops,
        "retransmits": gained.retransmits,
    }


def _measure(
    parameters: Parameters, context: TrialContext, folder: Path, measured: Measured
) -> None:
    backend = context.backend(parameters.backend)
    port = measured.port = pick_port(parameters)
    running = start_server(context, parameters, port, folder)
    failed: TrialFailed | None = None
    with running:
        # client_bench.sh announces no window, in whose middle the clients would be there.
        readings = Readings(running, memory=parameters.kind != "process")
        try:
            measured.checked = check_replies(backend, parameters, port)
            _load(context, backend, parameters, port, folder, readings, measured)
        except TrialFailed as failure:
            failed = failure
        died = not running.alive()
        ending = running.stop(STOP_GRACE_S)
    measured.server = {
        "status": ending.status,
        "signal": ending.signal,
        "swept": ending.swept,
        "forced": ending.forced,
        "cpus": running.command.cpus,
        "backlog": running.backlog,
        **readings.describe(ending),
    }
    if died:
        raise unexpected_end(ending)
    if failed is not None:
        raise failed
    switches = readings.switches(ending)
    replies = measured.counts["ok"] + measured.checked
    measured.metrics["switches_per_request"] = sum(switches) / replies if switches else None


def _load(
    context: TrialContext,
    backend: Backend,
    parameters: Parameters,
    port: int,
    folder: Path,
    readings: Readings,
    measured: Measured,
) -> None:
    """Drive the load, and take what it and the readings of the server tell."""
    cpus = load_cpus(parameters, context.pinning)
    try:
        if parameters.kind == "process":
            command = load.process_command(context.programs, parameters, port, cpus)
            ending = load.drive(command, context.supervise, folder, readings)
            take_course(ending, parameters, folder, measured)
        else:
            command = load.fibload_command(
                context.programs,
                parameters,
                parameters.host,
                port,
                reply=None if backend.ranked else NULL_REPLY,
                seed=context.seed,
                cpus=cpus,
            )
            ending = load.drive(command, context.supervise, folder, readings)
            document = load.read_fibload(folder)
            take_fibload(document, ending, backend, parameters, measured)
            if measured.reason is not None:
                measured.hint = queue_hint(document, readings.backlog)
    except load.LoadError as error:
        raise TrialFailed(str(error), "load") from error
    measured.generator["cpus"] = cpus
    measured.metrics |= readings.metrics(measured.metrics["wall_s"], measured.counts["window_ok"])
    _check_meter(context, backend, parameters, readings, measured)


def _check_meter(
    context: TrialContext,
    backend: Backend,
    parameters: Parameters,
    readings: Readings,
    measured: Measured,
) -> None:
    """See whether the meter was the limit, as far as this trial alone can tell."""
    if measured.document is None:
        return  # client_bench.sh says nothing of itself
    server_cores = core_count(server_cpus(parameters, context.pinning))
    places = gates.Places(
        server_cores=gates.design_cores(backend.cores, parameters.workers, server_cores),
        load_cores=core_count(load_cpus(parameters, context.pinning)),
    )
    refused = refused_by_cap(measured.document)
    measured.checks = gates.check(measured.document, places, readings.cores(), refused)
