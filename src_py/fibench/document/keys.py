# SPDX-License-Identifier: BSD-3-Clause
"""Every key of [server] and [load]: its type, limits, default and meaning, in one table.

A cell's parameters, the models of the file, its JSON Schema, the matrix, the sides of claims and
the options of the command line are all made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fibench.document.kinds import (
    HOST,
    choice,
    cpu_list,
    duration,
    flag,
    interpreter,
    pattern,
    rate,
    whole,
)
from fibench.quantities import decimal, format_duration

Where = Literal["server", "load"]
Unit = Literal["", "s", "/s"]
"""What a number is in: itself, seconds, or per second."""


@dataclass(frozen=True)
class Key:
    """One key of [server] or [load]."""

    table: Where
    type: Any
    default: Any
    """The value where the file gives none; None: not passed on, `meaning` says what happens."""
    meaning: str
    varies: bool = True
    """Whether [[matrix]] may vary it."""
    own: bool = True
    """Whether it applies to a server of the user's own, which takes none of our options."""
    python: bool = False
    """Whether it applies to servers in Python only."""
    process: bool = False
    """Whether it applies to the load of kind "process", which is client_bench.sh."""
    open_loop: bool = False
    """Whether it means something only where requests are due at a rate."""
    unit: Unit | None = None
    """What its numbers are in; None: it is not a number, and no axis of a crossover."""
    written: str = ""
    """How the file calls it, if not by its name as a parameter: two tables may have it."""


START_TIMEOUT_S = 10.0
"""How long a server may take until it listens, if the file does not say."""
LONGEST_START_S = 3600.0
_CPUS = (
    'CPUs that the {} may use: "0", "0,2-3", or "all". Default: all; but where neither is given, '
    "no request computes for longer than 0.1 ms, and there are two cores or more, the last core "
    "is the load's and the others are the servers'."
)

KEYS: Mapping[str, Key] = {
    "interpreter": Key(
        "server",
        Annotated[str, interpreter()],
        None,
        'What runs the servers in Python: a program on the PATH ("python3.13", "pypy3"), a version '
        'of pyenv ("3.6", "3.13.1", "3.13t"), or a path, from the folder of the file. It makes no '
        "further cells of other servers; cells whose interpreter is not installed are left out. "
        "Default: the Python that runs fibench.",
        own=False,
        python=True,
        process=True,
    ),
    "port": Key(
        "server",
        Annotated[int, whole(1, 65535)],
        None,
        "Port of the servers. Default: a fresh free one for each trial.",
        varies=False,
        process=True,
    ),
    "host": Key(
        "server",
        Annotated[str, pattern(HOST, "an address or a host name")],
        "127.0.0.1",
        "Address to listen on and to connect to.",
        process=True,
    ),
    "framing": Key(
        "server",
        Annotated[str, choice("message", "line")],
        "message",
        '"message": a connection for each request, as in the course; "line": requests and replies '
        "are lines, and the connection stays open. Default for a server of your own: its own.",
        process=True,
    ),
    "workers": Key(
        "server",
        Annotated[int, whole(1, 1024)],
        None,
        "Size of the pool, number of loops or processes, where the design has them. Default: the "
        "physical cores available.",
        own=False,
        process=True,
        unit="",
    ),
    "io_wait": Key(
        "server",
        Annotated[float, duration(0, 60)],
        0.0,
        "How long the server waits before each reply without using the CPU; stands for a slow "
        "downstream call.",
        own=False,
        process=True,
        unit="s",
    ),
    "backlog": Key(
        "server",
        Annotated[int, whole(1, 65535)],
        4096,
        "Backlog of listen(2), in connections.",
        own=False,
        process=True,
        unit="",
    ),
    "idle_timeout": Key(
        "server",
        Annotated[float, duration(0.001, 86400)],
        60.0,
        "A client that keeps the server waiting for so long is closed.",
        own=False,
        process=True,
        unit="s",
    ),
    "max_connections": Key(
        "server",
        Annotated[int, whole(1, 1_000_000)],
        65536,
        "Connections above this number are refused, and counted.",
        own=False,
        process=True,
        unit="",
    ),
    "max_n": Key(
        "server",
        Annotated[int, whole(0, 45)],
        34,
        'Largest n served; above it the reply is "out of range".',
        own=False,
        process=True,
        unit="",
    ),
    "switch_interval": Key(
        "server",
        Annotated[float, duration(1e-6, 10)],
        None,
        "How long a Python thread may keep the GIL while others wait: sys.setswitchinterval. "
        "Servers in Python only. Default: the interpreter's.",
        own=False,
        python=True,
        process=True,
        unit="s",
    ),
    "server_cpus": Key(
        "server",
        Annotated[str, cpu_list()],
        None,
        _CPUS.format("servers"),
        varies=False,
        process=True,
        written="cpus",
    ),
    "kind": Key(
        "load",
        Annotated[str, choice("fibload", "process")],
        "fibload",
        '"fibload": the load generator; "process": client_bench.sh, timed as a whole, as in the '
        "course. Of the load's keys only clients, n and timeout apply to the latter.",
        process=True,
    ),
    "clients": Key(
        "load",
        Annotated[int, whole(1, 20_000)],
        1,
        "How many clients there are, each with a connection of its own.",
        process=True,
        unit="",
    ),
    "n": Key(
        "load",
        Annotated[int, whole(0, 45)],
        1,
        "Which Fibonacci number is asked for.",
        process=True,
        unit="",
    ),
    "duration": Key(
        "load",
        Annotated[float, duration(0.01, 3600)],
        1.0,
        "Length of the measured window of each trial.",
        unit="s",
    ),
    "requests": Key(
        "load",
        Annotated[int, whole(1, 1_000_000_000)],
        None,
        "End each trial's window after so many replies, instead of after a duration.",
        unit="",
    ),
    "warmup": Key(
        "load",
        Annotated[float, duration(0, 3600)],
        0.2,
        "Time under load before the measured window.",
        unit="s",
    ),
    "pipeline": Key(
        "load",
        Annotated[int, whole(1, 1024)],
        1,
        'Requests each client keeps in flight; more than 1 needs framing = "line".',
        unit="",
    ),
    "requests_per_connection": Key(
        "load",
        Annotated[int, whole(0, 1_000_000_000)],
        0,
        'Open a new connection after so many replies; 0: never. Needs framing = "line".',
        unit="",
    ),
    "threads": Key(
        "load",
        Annotated[int, whole(1, 256)],
        1,
        "Threads of the load generator.",
        unit="",
    ),
    "rate": Key(
        "load",
        Annotated[float, rate(1, 1_000_000)],
        None,
        'An open loop: so many requests/s of all clients together, "500/s" or 500, each due at a '
        "time that does not depend on replies; latency counts from that time. Default: a closed "
        "loop, in which each client waits for its reply before it asks again.",
        unit="/s",
    ),
    "arrivals": Key(
        "load",
        Annotated[str, choice("poisson", "uniform")],
        "poisson",
        'When the requests of an open loop are due: "poisson": independently of each other; '
        '"uniform": at equal distances.',
        open_loop=True,
    ),
    "spin": Key(
        "load",
        Annotated[int, flag()],
        0,
        "Whether the load generator of an open loop waits for the next request by spinning, which "
        "is more exact and wants a core of its own.",
        open_loop=True,
    ),
    "load_cpus": Key(
        "load",
        Annotated[str, cpu_list()],
        None,
        _CPUS.format("load"),
        varies=False,
        process=True,
        written="cpus",
    ),
    "timeout": Key(
        "load",
        Annotated[float, duration(0.001, 60)],
        30.0,
        "A request without a reply for so long makes the trial invalid.",
        process=True,
        unit="s",
    ),
}


GROUP_KEYS = ("clients", "n", "rate", "arrivals")
"""The keys of [load] that a client group may have of its own."""


def in_file(name: str) -> str:
    """How the file calls a key."""
    return KEYS[name].written or name


def parameter(table: str, written: str) -> str:
    """The name as a parameter of what [server] or [load] calls `written`."""
    for name, key in KEYS.items():
        if key.table == table and key.written == written:
            return name
    return written


def is_numeric(name: str) -> bool:
    """Whether a key has numbers for values, that can be an axis to find a crossover on."""
    return KEYS[name].varies and KEYS[name].unit is not None


def default_text(name: str) -> str | int | float | None:
    """A key's default as the file would write it."""
    default = KEYS[name].default
    if name in _FLAGS:
        return bool(default)
    return format_duration(default) if isinstance(default, float) else default


_FLAGS = frozenset({"spin"})


def shown_value(name: str, value: Any) -> str:
    """A parameter's value as it is written in tables and labels."""
    if value is None:
        return "default"
    if name in _FLAGS:
        return "true" if value else "false"
    if name == "rate":
        return f"{decimal(value)}/s"
    return format_duration(value) if isinstance(value, float) else str(value)
