# SPDX-License-Identifier: BSD-3-Clause
"""One measurement of a server under a load: what both said, and what the server used.

Each has a core of its own where they would disturb each other, so that the cost of a request is the
server's alone. Whatever is started runs under `supervise`: nothing outlives the benchmark.
"""

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fibench.backends import Backend
from fibench.backends.catalogue import argv
from fibench.server import RunningServer, resources
from fibench.server import starting as server
from fibench.server.memory import memory as memory_of
from fibench.trial import load

HOST = "127.0.0.1"
WARMUP_S = 0.3
LIMIT_S = 30.0
"""How much longer than its window a load may take: ten thousand connections take a while."""
PORT = "{port}"
"""In a command: where its port goes."""


class BenchError(Exception):
    """A subject could not be measured."""


@dataclass(frozen=True)
class Desk:
    """Where the programs are, where what they write goes, and which CPUs they get."""

    programs: Path
    folder: Path
    server_cpus: Set[int]
    load_cpus: Set[int]

    @property
    def supervise(self) -> Path:
        """The program that everything runs under."""
        return self.programs / "supervise"


def split_desk(programs: Path, folder: Path) -> Desk:
    """The server on the first CPU and the load on the last, if there are two."""
    cpus = sorted(os.sched_getaffinity(0))
    return Desk(programs, folder, {cpus[0]}, {cpus[-1]})


def shared_desk(programs: Path, folder: Path) -> Desk:
    """Server and load share all CPUs."""
    cpus = os.sched_getaffinity(0)
    return Desk(programs, folder, cpus, cpus)


@dataclass(frozen=True)
class Server:
    """A server to start."""

    name: str
    command: tuple[str, ...]
    """With PORT in it."""
    ready_fd: bool = True
    """It takes --ready-fd; otherwise it is ready when it listens."""
    files: Mapping[Path, str] = field(default_factory=dict, hash=False)
    """What it is to find, by path; PORT in them becomes its port."""


def small_server(program: str, desk: Desk) -> Server:
    """One of the benchmark's own floors."""
    return Server(program, (str(desk.programs / program), PORT))


def design(backend: Backend, desk: Desk, *options: str, workers: int | None = None) -> Server:
    """A backend of the catalogue, with these options."""
    program = argv(backend, desk.programs, workers=workers)
    return Server(backend.name, (*program, *options, PORT))


@dataclass(frozen=True)
class Told:
    """What a load said of itself."""

    requests: int
    wall_s: float
    generator_ns: float = 0.0
    """CPU time of the load itself inside the window; 0 where it does not tell."""
    document: Mapping[str, Any] | None = None
    """Everything, of a load that answers in JSON."""


@dataclass(frozen=True)
class Load:
    """A load to drive."""

    command: tuple[str, ...]
    """With PORT in it."""
    window_s: float
    read: Callable[[str], Told]
    """Makes sense of its output. Raises BenchError where it measured nothing."""
    announces: bool = True
    """It says when its window opens and closes; otherwise that is when it starts and ends."""


@dataclass(frozen=True)
class Measured:
    """A server and a load that ran once."""

    told: Told
    used_ns: int
    """CPU time of the server's whole tree inside the window."""
    memory_bytes: int | None
    """Memory of the tree in the middle of the window."""
    load_used_s: float | None = None
    """CPU time of the load's tree, of its whole life; None: unknown."""

    @property
    def cost_ns(self) -> float:
        """The server's CPU time for a request."""
        return self.used_ns / self.told.requests

    @property
    def rate_per_s(self) -> float:
        """Requests per second."""
        return self.told.requests / self.told.wall_s

    @property
    def cores(self) -> float:
        """How many cores the server kept busy."""
        return self.used_ns / 1e9 / self.told.wall_s


@contextmanager
def pinned(cpus: Set[int]) -> Iterator[None]:
    """What is started inside inherits these CPUs (sched_setaffinity(2))."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def serving(served: Server, desk: Desk) -> Iterator[RunningServer]:
    """Run a server for the length of a with block."""
    port = server.free_port(HOST)
    for path, text in served.files.items():
        path.write_text(text.replace(PORT, str(port)))
    command = server.ServerCommand(
        argv=[word.replace(PORT, str(port)) for word in served.command],
        port=port,
        host=HOST,
        ready_fd=served.ready_fd,
    )
    with pinned(desk.server_cpus):
        running = server.start(
            command, supervise=desk.supervise, stderr_path=desk.folder / "server.err"
        )
    with running:
        _come_and_go(served, port)
        yield running
        running.stop()


def _come_and_go(served: Server, port: int) -> None:
    """Be a server's first client, and leave at once: what has never ended a connection is not yet
    as it will be. glibc maps room anew for each read of a Python server until the room of one,
    which a client's end left empty, has been given back whole (mallopt(3), M_MMAP_THRESHOLD)."""
    try:
        with socket.create_connection((HOST, port), timeout=LIMIT_S) as client:
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
    except OSError as error:
        raise BenchError(f"{served.name} did not take leave of its first client: {error}") from None


def measure(served: Server, driven: Load, desk: Desk) -> Measured:
    """Run both once. Raises BenchError, StartError or LoadError."""
    edges: dict[load.Edge, resources.CpuSnapshot] = {}
    memory: list[int | None] = []
    with serving(served, desk) as running, pinned(desk.load_cpus):

        def on_edge(edge: load.Edge, _at_ns: int) -> None:
            if edge in ("begin", "end"):
                edges[edge] = resources.snapshot(running)
            elif edge == "middle":
                memory.append(memory_of(running).memory_bytes)

        command = load.LoadCommand(
            [word.replace(PORT, str(running.port)) for word in driven.command],
            driven.window_s,
            driven.window_s + LIMIT_S,
            driven.announces,
        )
        ending = load.drive(command, desk.supervise, desk.folder, on_edge)
    text = (desk.folder / "load.out").read_text(errors="replace")
    if ending.status != 0:
        words = (desk.folder / "load.err").read_text(errors="replace").strip() or text[-300:]
        how = "not end in time" if ending.status is None else f"end with status {ending.status}"
        raise BenchError(f"{Path(driven.command[0]).name} at {served.name} did {how}: {words}")
    told = driven.read(text)
    used = resources.cpu_between(edges["begin"], edges["end"])
    if used is None:
        raise BenchError(f"the CPU time of {served.name} could not be accounted for")
    return Measured(told, used.total_ns, memory[0] if memory else None, ending.used_s)
