# SPDX-License-Identifier: BSD-3-Clause
"""The table of system calls that a request costs, counted by strace: see syscalls.py."""

import json
import platform
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fibench.backends import Backend, Interpreter, known_backends
from fibench.experiment import Experiment, parse_experiment
from fibench.machine import cores as machine
from fibench.plan import Trial, choose, plan
from fibench.trial import run_trial
from fibench.trial.trial import TrialContext
from fibench.trial.untimed.syscalls import per_request, read_summary


@dataclass(frozen=True)
class Load:
    """What a server is asked while its calls are counted, and the heading of the column."""

    heading: str
    framing: str
    clients: int
    rounds: int = 1
    """So often it is counted; of these the one with the fewest calls stays."""


ALONE = Load("1 client", "line", 1)
TOGETHER = Load("16 clients", "line", 16, rounds=3)
"""A loop makes fewer calls the more clients have asked when it looks. What else the machine does
delays clients, and makes that more calls, never fewer."""
ANEW = Load("a connection each", "message", 1)

COUNTED_WORKERS = 2
"""For designs that have workers, so that the table does not depend on how many cores there are."""
SEEN = 0.05
"""Calls made less often than in every twentieth request are summed up, failures are left out."""
TOTAL = "**in all**"
RETURNS_ANOTHERS = "rt_sigreturn"
"""What it returns is the result of the call that a signal interrupted: it does not fail itself."""
IDLING = "poll"
"""What a design that never waits calls while there is nothing to do, and does not fail."""

_EXPERIMENT = """\
title = "system calls"
[[matrix]]
backend = ["{backend}"]
[server]
framing = "{framing}"
workers = {workers}
{interpreter}
[load]
clients = {clients}
n = 1
requests = 500
timeout = "20s"
[plan]
blocks = 1
"""


class NotCounted(Exception):
    """A server did not get through; the text is one line."""


@dataclass(frozen=True)
class Calls:
    """What a request costs: calls by name, and how many of them failed."""

    made: Mapping[str, float]
    failed: Mapping[str, float]

    @property
    def total(self) -> float:
        """All of them."""
        return sum(self.made.values())

    def of_requests(self) -> "Calls":
        """Those that did something. What a server does while idle depends on time, not requests."""
        done = {name: share - self.failed.get(name, 0.0) for name, share in self.made.items()}
        return Calls({name: share for name, share in done.items() if name != IDLING}, {})


def loads(backend: Backend) -> list[Load]:
    """What a backend is asked: of clients together no more than it serves at once."""
    return [ALONE, TOGETHER, ANEW] if backend.serves == "any" else [ALONE, ANEW]


def count(backend: Backend, context: TrialContext, folder: Path) -> dict[Load, Calls]:
    """Run a server under strace for each load. Raises NotCounted."""
    counted = {}
    for load in loads(backend):
        rounds = []
        for index in range(load.rounds):
            place = folder / f"{load.framing}-{load.clients}-{index}"
            place.mkdir()
            rounds.append(_count_once(backend, context, load, place))
        counted[load] = min(rounds, key=lambda calls: calls.total)
    return counted


def _count_once(backend: Backend, context: TrialContext, load: Load, folder: Path) -> Calls:
    experiment, only = cell(backend, context, load)
    pinned = replace(context, pinning=choose(experiment, machine.physical_cores()))
    record = run_trial(replace(only, role="syscalls"), pinned, folder)
    counted = record.syscalls
    if record.reason or counted is None or counted.requests is None:
        raise NotCounted(f"{backend.name}: {record.reason or (counted and counted.absent)}")
    few, many = ((folder / f"strace-{name}.txt").read_text() for name in ("few", "many"))
    calls = Calls(
        made=_gained(read_summary(few), read_summary(many), counted.requests),
        failed=_gained(read_failures(few), read_failures(many), counted.requests),
    )
    return calls.of_requests() if backend.busy else calls


def _gained(few: Counter[str], many: Counter[str], requests: int) -> dict[str, float]:
    """Calls per request; not below zero, which chance can make them."""
    return {name: max(0.0, share) for name, share in per_request(few, many, requests).items()}


def cell(backend: Backend, context: TrialContext, load: Load) -> tuple[Experiment, Trial]:
    """An experiment of one cell, on the interpreter that the context has if any; and its trial."""
    asked = "".join(f"interpreter = {json.dumps(name)}" for name in context.interpreters)
    text = _EXPERIMENT.format(
        backend=backend.name,
        framing=load.framing,
        clients=load.clients,
        workers=COUNTED_WORKERS,
        interpreter=asked,
    )
    experiment = parse_experiment(text, "system calls", known_backends(context.catalogue))
    return experiment, next(trial for trial in plan(experiment) if trial.role == "measure")


def read_failures(text: str) -> Counter[str]:
    """Calls that failed, by name, from the table of `strace -c`."""
    rows = [line.split() for line in text.splitlines()]
    # time, seconds, usecs/call, calls, errors, syscall: the fifth is empty where there were none.
    failing = [row for row in rows if len(row) == 6 and row[4].isdecimal()]
    return Counter(
        {row[5]: int(row[4]) for row in failing if row[5] not in ("total", RETURNS_ANOTHERS)}
    )


def table(counted: Mapping[Load, Calls]) -> str:
    """The table as Markdown: a row for each call, those that are most common first."""
    columns = list(counted.values())
    names = {name for calls in columns for name in calls.made}
    shown = sorted(
        (name for name in names if any(_made(calls, name) >= SEEN for calls in columns)),
        key=lambda name: ([-round(_made(calls, name), 1) for calls in columns], name),
    )
    rest = [calls.total - sum(_made(calls, name) for name in shown) for calls in columns]
    rows = [[f"`{name}`", *(_cell(calls, name) for calls in columns)] for name in shown]
    if any(_number(share) for share in rest):
        rows.append(["others", *map(_number, rest)])
    rows.append([TOTAL, *(f"**{calls.total:.2f}**" for calls in columns)])
    heading = ["call", *(load.heading for load in counted)]
    lines = [heading, ["---", *("--:" for _ in counted)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _made(calls: Calls, name: str) -> float:
    return calls.made.get(name, 0.0)


def _cell(calls: Calls, name: str) -> str:
    made, failed = _number(_made(calls, name)), calls.failed.get(name, 0.0)
    return f"{made}, {_number(failed)} in vain" if made and failed >= SEEN else made


def _number(share: float) -> str:
    return f"{share:.2f}" if share >= 0.005 else ""


def place(language: str, interpreter: Interpreter) -> str:
    """What a table may depend on: the kernel, the C library, the interpreter."""
    words = [f"Linux {'.'.join(platform.release().split('.')[:2])}", platform.machine()]
    if interpreter.path == sys.executable:  # another's may be linked with another C library
        words.append(" ".join(platform.libc_ver()))
    if language == "python":
        words.append(f"{interpreter.implementation} {interpreter.version}")
    return f"Counted on {', '.join(words)}."
