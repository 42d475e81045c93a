# SPDX-License-Identifier: BSD-3-Clause
"""How much of the machine a server turns into computing, when all it is asked for is to compute.

What it is held to is the work alone, on all cores at once: a process on each, which computes and
does nothing else. One core alone would be a promise that no server can keep where the cores share
what lies beneath them, as hardware threads and virtual machines do. It is measured before and after
each server, and the ratio is to the mean of both. Server and load share all cores.
"""

import json
import math
import os
import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from fibench.bench import alone, loads
from fibench.bench.measuring import BenchError, Desk, Server, design, measure, shared_desk
from fibench.bench.ratios import Limit, spread
from fibench.bench.rounds import Effort
from fibench.bench.table import NAME_WIDTH, print_head, print_promise
from fibench.catalogue import Backend
from fibench.machine import physical_cores
from fibench.server import clean_environment
from fibench.supervision import launch

WINDOW_S = 1.5
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

    def command(self, programs: Path, duration_s: float) -> list[str]:
        """The program that does this work alone."""
        if self.language == "python":
            return [sys.executable, alone.__file__, str(programs), str(self.n), f"{duration_s:.3f}"]
        bare = str(programs / "bare_fibonacci")
        return [bare, "--n", str(self.n), "--duration", f"{duration_s:.3f}"]


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


def print_computing(desk: Desk, backends: Mapping[str, Backend], effort: Effort) -> bool:
    """Measure for about two minutes; returns whether every promise was kept."""
    window_s = effort.window_s(WINDOW_S)
    desk = shared_desk(desk.programs, desk.folder)
    kept = True
    for work in WORKS:
        cores = len(physical_cores())
        title = f"fibonacci({work.n}) in {work.language.title()}, a connection for each; {cores}"
        print_head(f"{title} {'core' if cores == 1 else 'cores'} at once", effort.rounds, window_s)
        served = {name: design(backends[name], desk) for name in work.clients}
        found = measure_work(work, served, desk, window_s, effort.rounds)
        every = [rate for pairs in found.values() for _, rate in pairs]
        print(f"  {'alone':<{NAME_WIDTH}}{statistics.median(every):>9.1f}/s")
        for name, pairs in found.items():
            rate_per_s = statistics.median(rate for rate, _ in pairs)
            label = f"{name}, {work.clients[name]} clients"
            share = spread([rate / beside for rate, beside in pairs])
            kept &= print_promise(f"{label:<{NAME_WIDTH}}{rate_per_s:>9.1f}/s", share, ENOUGH)
    return kept


def measure_work(
    work: Work, served: Mapping[str, Server], desk: Desk, window_s: float, rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """By backend and round: its replies per second, and those of the work alone around it."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in served}
    shuffler = random.Random(work.n)
    before = measure_alone(work, desk)
    for _ in range(rounds):
        order = list(served)
        shuffler.shuffle(order)
        for name in order:
            asks = ("--framing", "message", "--clients", str(work.clients[name]))
            load = loads.fibload(desk.programs, window_s, *asks, "--n", str(work.n))
            rate_per_s = measure(served[name], load, desk).rate_per_s
            after = measure_alone(work, desk)
            found[name].append((rate_per_s, (before + after) / 2))
            before = after
    return found


def measure_alone(work: Work, desk: Desk) -> float:
    """How often all cores together compute it in a second, a process on each."""
    command = work.command(desk.programs, ALONE_S)
    outputs: list[Path] = []
    with ExitStack() as running:
        started = []
        for core in physical_cores():
            outputs.append(desk.folder / f"alone-{core[0]}.out")
            with outputs[-1].open("wb") as output:
                process = launch(
                    command,
                    supervise=desk.supervise,
                    output=output,
                    environment=clean_environment(os.environ),
                    cwd=None,
                    cpus=str(core[0]),
                )
            started.append(running.enter_context(process))
        for process in started:
            process.wait(lambda report: report.ended, LIMIT_S)
            if process.report.status != 0:
                raise BenchError(f"{' '.join(command)}: {_words(outputs)}")
    return total_rate_per_s([output.read_text() for output in outputs])


def total_rate_per_s(answers: Sequence[str]) -> float:
    """What processes do together, each of which says how often it computed, and for how long."""
    documents = [json.loads(answer) for answer in answers]
    return math.fsum(document["computed"] / document["wall_ns"] * 1e9 for document in documents)


def _words(outputs: Sequence[Path]) -> str:
    return " ".join(output.read_text(errors="replace").strip() for output in outputs)
