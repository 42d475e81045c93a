# SPDX-License-Identifier: BSD-3-Clause
"""What ten thousand connections that say nothing cost those that do, and in memory."""

import resource
from collections.abc import Mapping
from typing import Any

from fibench.backends import Backend
from fibench.develop.bench import loads
from fibench.develop.bench.measuring import BenchError, Desk, Measured, design
from fibench.develop.bench.ratios import Limit, ratios, spread
from fibench.develop.bench.rounds import Effort, Subject, absent_backends, measure_rounds
from fibench.develop.bench.table import NAME_WIDTH, print_absent, print_head, print_promise

_WITH = " and idle"
IDLE, ACTIVE = 10_000, 64
SPARE_FILES = 256
WINDOW_S = 1.5
OURS = ("c-epoll", "c-epoll-reuseport", "c-uring")
THROUGHPUT = Limit(least=0.90)
P99 = Limit(most=1.10)
MOST_BYTES = 4096


def print_idle(desk: Desk, backends: Mapping[str, Backend], effort: Effort) -> bool:
    """Measure for about two minutes; returns whether every promise was kept."""
    window_s = effort.window_s(WINDOW_S)
    print_head(f"{IDLE:,} idle connections beside {ACTIVE} that ask", effort.rounds, window_s)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if files != resource.RLIM_INFINITY and files < IDLE + ACTIVE + SPARE_FILES:
        print_absent({"idle": f"no process may open more than {files} files (ulimit -Hn)"})
        return True
    absent = absent_backends(OURS, backends, desk)
    active = ("--group", f"name=active,clients={ACTIVE}")
    idle = ("--group", f"name=idle,clients={IDLE},idle")
    subjects: dict[str, Subject] = {}
    for name in OURS:
        if name in absent:
            continue
        served = design(backends[name], desk, "--framing", "line")
        subjects[name] = Subject(served, loads.fibload(desk.programs, window_s, *active))
        both = loads.fibload(desk.programs, window_s, *active, *idle)
        subjects[name + _WITH] = Subject(served, both)
    found = measure_rounds(subjects, desk, effort.rounds)
    kept = [_print_design(name, found) for name in OURS if name in found]
    print_absent(absent)
    return all(kept)


def _print_design(name: str, found: Mapping[str, list[Measured]]) -> bool:
    alone, beside = found[name], found[name + _WITH]
    for once in beside:
        _check_idle(name, once)
    rates = ratios([once.rate_per_s for once in beside], [once.rate_per_s for once in alone])
    p99s = ratios([p99_ns(once) for once in beside], [p99_ns(once) for once in alone])
    kept = [
        print_promise(f"{name}: throughput", spread(rates), THROUGHPUT),
        print_promise(f"{name}: p99", spread(p99s), P99),
    ]
    taken = [bytes_each(little, much) for little, much in zip(alone, beside, strict=True)]
    each = spread(taken)
    kept.append(each.middle <= MOST_BYTES)
    what = f"{name}: memory of an idle connection"
    print(
        f"  {what:<{NAME_WIDTH + 14}}{each.middle:.0f} B [{each.low:.0f}, {each.high:.0f}]"
        f"  at most {MOST_BYTES} B: {'kept' if kept[-1] else 'MISSED'}"
    )
    return all(kept)


def p99_ns(once: Measured) -> float:
    """Of those that ask. Raises BenchError without one."""
    p99 = _group(once, "active")["latency"]["p99_ns"]
    if p99 is None:
        raise BenchError("there is no p99: too few replies came")
    return float(p99)


def bytes_each(alone: Measured, beside: Measured) -> float:
    """The server's memory for each idle connection, which is what user space holds."""
    if alone.memory_bytes is None or beside.memory_bytes is None:
        raise BenchError("the memory of a server could not be read")
    return (beside.memory_bytes - alone.memory_bytes) / IDLE


def _check_idle(name: str, once: Measured) -> None:
    idle = _group(once, "idle")
    lost = idle["lost"] + IDLE - idle["clients"]["connected"]
    if lost:
        raise BenchError(f"{name} lost {lost} of {IDLE} idle connections")


def _group(once: Measured, name: str) -> Mapping[str, Any]:
    assert once.told.document is not None
    groups: list[dict[str, Any]] = once.told.document["groups"]
    return next(group for group in groups if group["name"] == name)
