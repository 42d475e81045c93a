# SPDX-License-Identifier: BSD-3-Clause
"""What a cell's server is told: every key of [server], in the table of which `Parameters` is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from fibench.parameters import kinds
from fibench.parameters.keys import Argument, Key, Option, always, sometimes
from fibench.parameters.kinds import Kind
from fibench.wording import any_of

Framing = Literal["message", "line", "bytes", "http"]
WorkKind = Literal["fib", "hash", "alloc", "shared"]

FRAMINGS: tuple[Framing, ...] = ("message", "line")
"""Those of Fibonacci servers, which a file gives; the others follow from the request."""
_FROM_REQUESTS: Mapping[Framing, str] = {
    "bytes": 'write [requests.NAME] with send = "…" and expect = "…"',
    "http": 'write [requests.NAME] with get = "/"',
}
FRAMING: Kind[Framing] = kinds.choice(*FRAMINGS, found=_FROM_REQUESTS)
WORK_KINDS: tuple[WorkKind, ...] = get_args(WorkKind)
UNIT_N = 20
"""A unit of work takes about as long as fibonacci of this."""

CPUS = (
    'CPUs that the {} may use: "0", "0,2-3", or "all". Default: all; but where neither is given, '
    "no request computes for longer than 0.1 ms, and there are two cores or more, the last core "
    "is the load's and the others are the servers'; where requests of the file are asked for, if "
    "the servers' designs use no more cores than these."
)


@dataclass(frozen=True, kw_only=True)
class ServerParameters:
    """A cell's backend, and what it is told. None: as in `Parameters`."""

    backend: str
    interpreter: str | None = sometimes(
        Key(
            "server",
            kinds.interpreter(),
            None,
            'What runs the servers in Python: a program on your PATH ("python3", "pypy3"), a '
            'version of pyenv ("3.6", "3.13.1", "3.13t"), or a path, from the folder of the file. '
            "It makes no further cells of other servers; cells whose interpreter is not installed "
            "are left out. Default: the Python that runs fibench.",
            own=False,
            python=True,
            process=True,
            option=Option(7, "what runs the servers in Python: python3.13,pypy3,3.6"),
        )
    )
    port: int | None = sometimes(
        Key(
            "server",
            kinds.whole(1, 65535),
            None,
            "Port of the servers. Default: a fresh free one for each trial.",
            varies=False,
            process=True,
            shape=True,
            option=Option(5, "port of the servers (default: a fresh one for each trial)"),
        )
    )
    host: str = always(
        Key(
            "server",
            kinds.pattern(kinds.HOST, "an address or a host name"),
            "127.0.0.1",
            "Address to listen on and to connect to.",
            process=True,
            shape=True,
            argument=Argument("address to listen on (default: 127.0.0.1)"),
        )
    )
    framing: Framing = always(
        Key(
            "server",
            FRAMING,
            "message",
            '"message": a connection for each request, as in the course; "line": requests and '
            "replies are lines, and the connection stays open. Default for a server of your own: "
            "its own.",
            process=True,
            shape=True,
            argument=Argument(any_of(FRAMINGS)),
            option=Option(6, any_of(FRAMINGS)),
        )
    )
    workers: int | None = sometimes(
        Key(
            "server",
            kinds.whole(1, 1024),
            None,
            "Size of the pool, number of loops or processes, where the design has them. Default: "
            "the physical cores available.",
            own=False,
            process=True,
            argument=Argument("pool size, loops or processes, where the design has them"),
        )
    )
    io_wait: float | None = sometimes(
        Key(
            "server",
            kinds.duration(0, 60),
            0.0,
            "How long the server waits before each reply without using the CPU; stands for a slow "
            "downstream call.",
            own=False,
            process=True,
            argument=Argument("milliseconds to wait before each reply", in_ms=True),
        )
    )
    work: WorkKind | None = sometimes(
        Key(
            "server",
            kinds.choice(*WORK_KINDS),
            None,
            'What each request has the server do besides fibonacci(n), in units: "fib": compute '
            'fibonacci(20); "hash": SHA-256, which releases the GIL in Python; "alloc": make '
            'objects and drop them; "shared": count where all threads of the process do, behind a '
            'lock. Default: "fib".',
            own=False,
            optional=True,
            process=True,
            argument=Argument(f"what a request does besides, in units: {any_of(WORK_KINDS)}"),
        )
    )
    work_units: int | None = sometimes(
        Key(
            "server",
            kinds.whole(1, 10_000),
            None,
            "How many units of its work a request does. Each takes about as long as fibonacci(20) "
            'does in that language. Default: one, and of "fib" none.',
            own=False,
            optional=True,
            process=True,
            argument=Argument(f"so many units, each about a fibonacci({UNIT_N})"),
        )
    )
    backlog: int | None = sometimes(
        Key(
            "server",
            kinds.whole(1, 65535),
            4096,
            "Backlog of listen(2), in connections.",
            own=False,
            process=True,
            argument=Argument("listen(2) backlog"),
        )
    )
    idle_timeout: float | None = sometimes(
        Key(
            "server",
            kinds.duration(0.001, 86400),
            60.0,
            "A client that keeps the server waiting for so long is closed.",
            own=False,
            process=True,
            argument=Argument("seconds a client may keep the server waiting"),
        )
    )
    max_connections: int | None = sometimes(
        Key(
            "server",
            kinds.whole(1, 1_000_000),
            65536,
            "Connections above this number are refused, and counted.",
            own=False,
            process=True,
            shape=True,
            argument=Argument("refuse connections above this number"),
        )
    )
    max_n: int | None = sometimes(
        Key(
            "server",
            kinds.whole(0, 45),
            34,
            'Largest n served; above it the reply is "out of range".',
            own=False,
            process=True,
            argument=Argument("largest number served"),
        )
    )
    switch_interval: float | None = sometimes(
        Key(
            "server",
            kinds.duration(1e-6, 10),
            None,
            "How long a Python thread may keep the GIL while others wait: sys.setswitchinterval. "
            "Servers in Python only. Default: the interpreter's.",
            own=False,
            python=True,
            process=True,
            argument=Argument("seconds; Python only"),
        )
    )
    server_cpus: str | None = sometimes(
        Key(
            "server",
            kinds.cpu_list(),
            None,
            CPUS.format("servers"),
            varies=False,
            process=True,
            shape=True,
            written="cpus",
        )
    )

    @property
    def units(self) -> int:
        """How many units of work each request does besides fibonacci(n)."""
        if self.work_units is not None:
            return self.work_units
        return int(self.work not in (None, "fib"))
