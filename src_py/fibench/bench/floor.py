# SPDX-License-Identifier: BSD-3-Clause
"""The floor benchmark: what one small request costs, beside the least that it could cost.

The floor of a server is `bare_echo`, an epoll loop that receives and sends and does nothing else;
the floor of the load generator is `bare_client`, a closed loop that sends and receives. Every
subject is measured once in each round, in shuffled order, so that a neighbour's noise hits all
alike; what counts are the ratios within a round. CPU time per request is far steadier than requests
per second.
"""

import json
import operator
import os
import random
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fibench import load, resources, server
from fibench.machine import machine_line, usable_cores

WARMUP_S = 0.3
MOST_OF_BARE = 1.15
"""So many times the CPU time of a bare client fibload may use for a request."""
LOAD_OPTIONS = ["--framing", "line", "--host", "127.0.0.1"]
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Subject:
    """A server and a load to measure together."""

    program: str
    clients: int
    is_echo: bool = False
    generator: str = "fibload"

    @property
    def floor(self) -> "Subject":
        """The server that the same load would cost least."""
        return Subject("bare_echo", self.clients, is_echo=True)


SERVERS = (
    Subject("bare_echo", 64, is_echo=True),
    Subject("null_server", 64),
    Subject("mt_server", 64),
    Subject("mp_server", 64),
    Subject("bare_echo", 1, is_echo=True),
    Subject("server", 1),
)
BARE_CLIENT = Subject("bare_echo", 64, is_echo=True, generator="bare_client")
FIBLOAD = BARE_CLIENT.floor


@dataclass(frozen=True)
class Cost:
    """CPU time per request of both sides, in nanoseconds."""

    server_ns: float
    generator_ns: float


class BenchError(Exception):
    """A subject could not be measured."""


def measure(subject: Subject, programs: Path, duration_s: float, folder: Path) -> Cost:
    """Measure one subject once: server on the first core, load on the second, if there are two."""
    cpus = sorted(os.sched_getaffinity(0))
    port = server.free_port(HOST)
    framing = [] if subject.is_echo else ["--framing", "line"]
    command = server.ServerCommand(
        argv=[str(programs / subject.program), *framing, str(port)],
        port=port,
        host=HOST,
        ready_fd=True,
        cwd=None,
        env=None,
    )
    supervise = programs / "supervise"
    edges: dict[str, resources.CpuSnapshot] = {}
    with pinned(cpus[0]):
        running = server.start(command, supervise=supervise, stderr_path=folder / "server.err")
    with running, pinned(cpus[-1]):

        def on_edge(edge: load.Edge) -> None:
            if edge != "middle":
                edges[edge] = resources.snapshot(running)

        argv = _load_argv(subject, programs, duration_s, port)
        command_of_load = load.LoadCommand(argv, 0.0, None)
        ending = load.drive(command_of_load, supervise, folder, on_edge)
        running.stop()
    document = _answer(folder, ending)
    used = resources.cpu_between(edges["begin"], edges["end"])
    if used is None:
        raise BenchError(f"the CPU time of {subject.program} could not be accounted for")
    requests, generator_ns = _counted(document)
    return Cost(used.total_ns / requests, generator_ns / requests)


def _load_argv(subject: Subject, programs: Path, duration_s: float, port: int) -> list[str]:
    words = ["--clients", str(subject.clients), "--duration", f"{duration_s:.3f}"]
    words += ["--warmup", str(WARMUP_S)]
    if subject.generator == "bare_client":
        return [str(programs / "bare_client"), *words, str(port)]
    asked = ["--request", "1", "--expect", "1"] if subject.is_echo else ["--n", "1"]
    return [str(programs / "fibload"), *LOAD_OPTIONS, *asked, *words, str(port)]


def _answer(folder: Path, ending: load.LoadEnding) -> Mapping[str, object]:
    text = (folder / "load.out").read_text()
    if ending.status != 0:
        words = (folder / "load.err").read_text().strip() or text[-300:]
        raise BenchError(f"the load ended with status {ending.status}: {words}")
    document: Mapping[str, object] = json.loads(text)
    return document


def _counted(document: Mapping[str, object]) -> tuple[int, float]:
    """Replies inside the window, and the generator's CPU time inside it, in nanoseconds."""
    window, generator = document["window"], document["generator"]
    assert isinstance(window, dict)
    assert isinstance(generator, dict)
    return int(window["ok"]), float(generator["cpu_user_ns"] + generator["cpu_system_ns"])


@contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """What is started inside inherits this one CPU (sched_setaffinity(2))."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure_rounds(
    programs: Path, duration_s: float, rounds: int, seed: int = 1
) -> dict[Subject, list[Cost]]:
    """Every subject once in each round, in an order shuffled from the seed."""
    costs: dict[Subject, list[Cost]] = {subject: [] for subject in (*SERVERS, BARE_CLIENT)}
    shuffler = random.Random(seed)
    for _ in range(rounds):
        order = list(costs)
        shuffler.shuffle(order)
        for subject in order:
            with tempfile.TemporaryDirectory(prefix="fibench-") as folder:
                costs[subject].append(measure(subject, programs, duration_s, Path(folder)))
    return costs


def print_floor(programs: Path, duration_s: float, rounds: int) -> bool:
    """Measure, and print medians with ratios to the floor, smallest and largest beside them.

    Returns whether fibload, by the median, costs no more than MOST_OF_BARE bare clients.
    """
    print(machine_line(usable_cores()))
    print(f"one request is n = 1 over a kept connection; {rounds} rounds of {duration_s:g} s\n")
    costs = measure_rounds(programs, duration_s, rounds)
    print(f"{'server':<14}{'clients':>8}  {'CPU/request':>12}  ratio to bare_echo")
    for subject in SERVERS:
        own = [cost.server_ns for cost in costs[subject]]
        floor = [cost.server_ns for cost in costs[subject.floor]]
        print(_row(subject.program, subject.clients, own, floor))
    print(f"\n{'generator':<14}{'clients':>8}  {'CPU/request':>12}  ratio to bare_client")
    floor = [cost.generator_ns for cost in costs[BARE_CLIENT]]
    for subject in (BARE_CLIENT, FIBLOAD):
        own = [cost.generator_ns for cost in costs[subject]]
        print(_row(subject.generator, subject.clients, own, floor))
    print(f"(at most x{MOST_OF_BARE})")
    middle: float = statistics.median(map(operator.truediv, own, floor))
    return middle <= MOST_OF_BARE


def _row(name: str, clients: int, own_ns: list[float], floor_ns: list[float]) -> str:
    ratios = sorted(own / floor for own, floor in zip(own_ns, floor_ns, strict=True))
    middle = statistics.median(ratios)
    return (
        f"{name:<14}{clients:>8}  {statistics.median(own_ns) / 1000:>9.2f} µs  "
        f"x{middle:.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]"
    )
