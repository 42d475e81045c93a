# SPDX-License-Identifier: BSD-3-Clause
"""System calls per request, counted by strace in a trial of its own that is not timed.

Under strace(1) a server is many times slower, so that only numbers of calls are taken from it. Two
servers are run, which differ only in how many requests they answer: what a start, an end, and the
connections still open at the end cost is in both, and the difference is that of the requests.
"""

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from fibench.experiment import Cell
from fibench.record import SystemCalls
from fibench.trial import load
from fibench.trial._course import INVALID, Course
from fibench.trial._figures import Figures, why_not_valid
from fibench.trial._placement import load_cpus
from fibench.trial.answer import Answer, read_answer
from fibench.trial.asking.checking import Check
from fibench.trial.serving import (
    NULL_REPLY,
    TrialContext,
    TrialFailed,
    pick_port,
    start_server,
    timed_check,
    unexpected_end,
)

REQUESTS = 2000
"""How many requests the second server answers more than the first, at most. Where one call serves
many, as io_uring_enter does, those that a start makes by chance must be few beside the others."""
FEWEST_REQUESTS = 20
BUDGET_S = 3.0
"""About how long those may take, if each takes as long as the first one."""
LIMIT_S = 60.0
"""A load takes no longer, but for one time-out."""
START_TIMES = 3
"""So many times longer a server may take until it is ready."""


def strace() -> str | None:
    """The program that counts calls; None where it is not installed."""
    return shutil.which("strace")


@lru_cache
def absent_reason() -> str | None:
    """Why calls cannot be counted here; None where they can, as one trial has shown."""
    program = strace()
    if program is None:
        return "strace is not installed"
    try:
        done = subprocess.run(
            [program, "-f", "-c", "-o", "/dev/null", "true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"strace cannot be run: {error}"
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        return said[-1] if said else f"strace ends with status {done.returncode}"
    return None


def wrapper(summary: Path) -> tuple[str, ...]:
    """The words that run a server under strace, which writes its table to `summary`."""
    return (strace() or "strace", "-f", "-c", "-o", str(summary), "--")


def more_requests(one_s: float) -> int:
    """How many requests fit the time when one takes `one_s`."""
    return max(FEWEST_REQUESTS, min(REQUESTS, int(BUDGET_S / max(one_s, 1e-6))))


def read_summary(text: str) -> Counter[str]:
    """Calls by name, from the table of `strace -c`. Empty if it is none."""
    lines = [line.split() for line in text.splitlines()]
    heads = [index for index, words in enumerate(lines) if words[:1] == ["%"]]
    if not heads:
        return Counter()
    # "% time", "usecs/call" and so on: the heading has one word more than there are columns.
    at = lines[heads[0]].index("calls") - 1
    rows = [words for words in lines[heads[0] + 1 :] if len(words) > at and words[at].isdecimal()]
    return Counter({words[-1]: int(words[at]) for words in rows if words[-1] != "total"})


def per_request(few: Counter[str], many: Counter[str], requests: int) -> dict[str, float]:
    """What each of `requests` more requests cost, by call, most first; calls of no request are 0.

    A call that both servers made about as often, by chance more in the first, can be below zero.
    """
    gained = {name: (many[name] - few[name]) / requests for name in few.keys() | many.keys()}
    return dict(sorted(gained.items(), key=lambda item: (-item[1], item[0])))


def count_calls(context: TrialContext, cell: Cell, folder: Path) -> Course:
    """A trial that counts system calls.

    Where they cannot be counted, the metric is None and the record says why: no fault of a server.
    """
    why, parameters = absent_reason(), cell.parameters
    if parameters.kind == "process":
        why = "client_bench.sh does not end after a number of requests"
    course = Course(figures=_NOT_COUNTED, syscalls=SystemCalls(why))
    if why is not None:
        return course
    only = context.backend(parameters.backend).port
    in_flight: int = parameters.clients * (parameters.pipeline or 1)

    def few(check_s: float) -> int:
        return min(2 * in_flight, more_requests(check_s))

    def many(check_s: float) -> int:
        return few(first.check_s) + more_requests(first.request_s)

    try:
        course = replace(course, port=(port := pick_port(parameters, context.names, only)))
        first = _traced("few", few, context, cell, folder, port)
        course = replace(course, window_opened=True)
        if first.failed is not None:
            return replace(course, failed=first.failed)
        course = replace(course, port=(port := pick_port(parameters, context.names, only)))
        second = _traced("many", many, context, cell, folder, port)
    except TrialFailed as failure:
        opened = course.window_opened or failure.kind in ("load", "server-ended")
        return replace(course, window_opened=opened, failed=failure)
    return replace(_compared(first, second, course), failed=second.failed)


_NOT_COUNTED = Figures(metrics={"syscalls_per_request": None})


@dataclass(frozen=True)
class _Traced:
    """One server under strace."""

    calls: Counter[str]
    requests: int
    """Right replies, without those of the check."""
    check_s: float
    request_s: float
    """What a request took under this load, at most what the first one did."""
    failed: TrialFailed | None
    """Why the trial is not valid."""


def _traced(
    name: str,
    requests: Callable[[float], int],
    context: TrialContext,
    cell: Cell,
    folder: Path,
    port: int,
) -> _Traced:
    """Run a server under strace for a number of requests, which depends on how long one takes.

    Raises TrialFailed.
    """
    parameters, backend = cell.parameters, context.backend(cell.parameters.backend)
    summary = folder / f"strace-{name}.txt"
    running = start_server(
        context,
        parameters,
        port,
        folder,
        wrapper=wrapper(summary),
        slower_times=START_TIMES,
    )
    failed: TrialFailed | None = None
    check_s = load_s = 0.0
    right = 0
    reason = None
    with running:
        try:
            reply: str | Path | None = None if backend.ranked else NULL_REPLY
            if cell.asks:
                check = Check(context, parameters, port, folder)
                checked = check.of_cell(cell, 1, None)
                reply, check_s = checked.asks, checked.took_s
            else:
                check_s = timed_check(backend, parameters, port)
            asked = requests(check_s)
            ending, answer = _load(asked, reply, context, cell, port, folder)
            load_s, right = ending.wall_s, answer.total.counts["ok"]
            reason = why_not_valid(answer, ending, backend, parameters)
        except TrialFailed as failure:
            failed = failure
        died = not running.alive()
        end = running.stop()
    if died:
        raise unexpected_end(end)
    if failed is not None:
        raise failed
    (folder / "load.json").rename(folder / f"load-{name}.json")
    calls = read_summary(summary.read_text()) if summary.exists() else Counter()
    invalid = None if reason is None else TrialFailed(reason, INVALID)
    return _Traced(calls, right, check_s, min(check_s, load_s / max(1, right)), invalid)


def _load(
    requests: int,
    reply: str | Path | None,
    context: TrialContext,
    cell: Cell,
    port: int,
    folder: Path,
) -> tuple[load.LoadEnding, Answer]:
    """The cell's clients and framing, in a closed loop, for a number of requests.

    Where its groups ask for requests of the file, all clients ask for what the first one does.
    """
    parameters = cell.parameters
    closed = replace(parameters, rate=None, arrivals=None, spin=None, groups=())
    if cell.asks:
        closed = replace(closed, request=cell.asks[0].name)
    fixed = replace(closed, requests=requests, duration=None, warmup=0.0)
    try:
        command = load.fibload_command(
            context.programs,
            fixed,
            port,
            reply=reply,
            cpus=load_cpus(parameters, context.pinning),
        )
        limited = replace(command, limit_s=LIMIT_S + parameters.timeout)
        ending = load.drive(limited, context.supervise, folder, lambda edge, at_ns: None)
        return ending, read_answer(load.read_fibload(folder))
    except load.LoadError as error:
        raise TrialFailed(str(error), "load") from error


def _compared(few: _Traced, many: _Traced, course: Course) -> Course:
    """The course with what the difference between two servers says of each request."""
    requests = many.requests - few.requests
    absent = None
    if not few.calls or not many.calls:
        absent = "strace wrote no table, since the server had to be killed"
    elif requests <= 0:
        absent = "the longer of two loads got no more replies"
    if absent is not None:
        return replace(course, syscalls=SystemCalls(absent))
    calls = per_request(few.calls, many.calls, requests)
    rounded = {name: round(share, 4) for name, share in calls.items() if share}
    return replace(
        course,
        figures=Figures(metrics={"syscalls_per_request": sum(calls.values())}),
        syscalls=SystemCalls(None, requests, rounded),
    )
