# SPDX-License-Identifier: BSD-3-Clause
"""How much of the machine a server turns into computing, when all it is asked for is to compute.

What it is held to is the work alone, on all cores at once: a process for each, which computes and
does nothing else. As many times one core alone would be a promise that no server can keep where the
cores share what lies beneath them, as hardware threads and virtual machines do; how far the cores
themselves keep it is printed. The work alone is measured before and after each server, and the
ratio is to the mean of both. Server and load share all cores. The processes
are of one session, as those of a server are: on a busy machine the kernel divides its time among
sessions (sched(7), autogroup).
"""

import json
import math
import os
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from fibench.backends import Backend
from fibench.develop.bench import alone, loads
from fibench.develop.bench.measuring import BenchError, Desk, Server, design, measure, shared_desk
from fibench.develop.bench.ratios import Limit, spread
from fibench.develop.bench.rounds import Effort
from fibench.develop.bench.table import NAME_WIDTH, print_head, print_promise
from fibench.machine import physical_cores
from fibench.parameters import WORK_KINDS
from fibench.server import clean_environment, launch

WINDOW_S = 3.0
"""Where all clients are served at once their replies come in bursts, and a window cuts through one
at either end: there have to be many."""
ALONE_S = 0.7
LIMIT_S = 60.0
ENOUGH = Limit(least=0.95)


@dataclass(frozen=True)
class Work:
    """What is computed, and by whom."""

    language: str
    n: int
    clients: Mapping[str, int]
    """By backend. Chance divides connections among loops, and does it well for many only."""
    besides: tuple[str, int] = (WORK_KINDS[0], 0)
    """What is done besides, and how many units of it."""

    def command(self, programs: Path, duration_s: float, processes: int) -> list[str]:
        """The program that does this work alone, in so many processes."""
        n, seconds, count = str(self.n), f"{duration_s:.3f}", str(processes)
        kind, units = self.besides[0], str(self.besides[1])
        if self.language == "python":
            asked = [str(programs), n, seconds, count, kind, units]
            return [sys.executable, alone.__file__, *asked]
        asked = ["--n", n, "--duration", seconds, "--processes", count]
        return [str(programs / "bare_fibonacci"), *asked, "--work", kind, "--work-units", units]


EIGHT = 8
WORKS = (
    Work(
        "c",
        34,
        dict.fromkeys(("c-mt", "c-mt-pool", "c-mp-pool", "c-epoll-pool"), EIGHT)
        | {"c-epoll-reuseport": 64},
    ),
    Work("python", 27, {"py-mp-pool": EIGHT}),
)


@dataclass(frozen=True)
class Beside:
    """A server that was measured, and the work alone around it."""

    rate_per_s: float
    cores: float
    """That it kept busy: on a machine that does something else as well, it gets fewer."""
    alone_per_s: float


def print_computing(desk: Desk, backends: Mapping[str, Backend], effort: Effort) -> bool:
    """Measure for two or three minutes; returns whether every promise was kept."""
    window_s = effort.window_s(WINDOW_S)
    desk = shared_desk(desk.programs, desk.folder)
    kept = True
    for work in WORKS:
        cores = len(physical_cores())
        title = f"fibonacci({work.n}) in {work.language.title()}, a connection for each; {cores}"
        print_head(f"{title} {'core' if cores == 1 else 'cores'} at once", effort.rounds, window_s)
        served = {name: design(backends[name], desk) for name in work.clients}
        found = measure_work(work, served, desk, window_s, effort.rounds)
        alone_per_s = median(one.alone_per_s for every in found.values() for one in every)
        print(f"  {'':<{NAME_WIDTH - 2}}{'replies':>9}{'cores':>7}  ratio to the work alone")
        one_core_per_s = median(measure_alone(work, desk, 1) for _ in range(effort.rounds))
        together = alone_per_s / (cores * one_core_per_s)
        print(f"  {'one core alone':<{NAME_WIDTH - 2}}{one_core_per_s:>7.1f}/s")
        print(f"  {'alone':<{NAME_WIDTH - 2}}{alone_per_s:>7.1f}/s{'':7}  ", end="")
        print(f"x{together:.2f} of as many times one core")
        for name, every in found.items():
            kept &= _print_server(work, name, every)
    return kept


def _print_server(work: Work, name: str, found: Sequence[Beside]) -> bool:
    rate_per_s, cores = (median(one.rate_per_s for one in found), median(o.cores for o in found))
    label = f"{name}, {work.clients[name]} clients"
    share = spread([one.rate_per_s / one.alone_per_s for one in found])
    figures = f"{label:<{NAME_WIDTH - 2}}{rate_per_s:>7.1f}/s{cores:>7.2f}  "
    return print_promise(figures, share, ENOUGH)


def measure_work(
    work: Work, served: Mapping[str, Server], desk: Desk, window_s: float, rounds: int
) -> dict[str, list[Beside]]:
    """By backend, round by round."""
    found: dict[str, list[Beside]] = {name: [] for name in served}
    shuffler = random.Random(work.n)
    cores = len(physical_cores())
    before = measure_alone(work, desk, cores)
    for _ in range(rounds):
        order = list(served)
        shuffler.shuffle(order)
        for name in order:
            asks = ("--framing", "message", "--clients", str(work.clients[name]))
            load = loads.fibload(desk.programs, window_s, *asks, "--n", str(work.n))
            once = measure(served[name], load, desk)
            after = measure_alone(work, desk, cores)
            found[name].append(Beside(once.rate_per_s, once.cores, (before + after) / 2))
            before = after
    return found


def measure_alone(work: Work, desk: Desk, processes: int) -> float:
    """How often so many processes compute it in a second together, with no server around them."""
    command = work.command(desk.programs, ALONE_S, processes)
    written = desk.folder / "alone.out"
    with (
        written.open("wb") as output,
        launch(
            command,
            supervise=desk.supervise,
            output=output,
            environment=clean_environment(os.environ),
            cwd=None,
        ) as running,
    ):
        running.wait(lambda report: report.ended, LIMIT_S)
        status = running.report.status
    lines = written.read_text(errors="replace").splitlines()
    if status != 0 or len(lines) != processes:
        raise BenchError(f"{' '.join(command)} failed: {' '.join(lines[-1:])}")
    return total_rate_per_s(lines)


def total_rate_per_s(answers: Sequence[str]) -> float:
    """What processes do together, each of which says how often it computed, and for how long."""
    documents = [json.loads(answer) for answer in answers]
    return math.fsum(document["computed"] / document["wall_ns"] * 1e9 for document in documents)
