# SPDX-License-Identifier: BSD-3-Clause
"""The table of what an idle connection costs a server in memory of its own, by design."""

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from fibench.backends import Backend
from fibench.develop.pages.counts import ALONE, NotCounted, cell
from fibench.server.memory import memory as memory_of
from fibench.trial import TrialContext, TrialFailed, pick_port, start_server
from fibench.verdict.sample import told

FIRST = 20
"""Connections before the first reading: what is made at the first one is no cost of the next."""
LIMIT_S = 10.0
"""A reply takes no longer."""


@dataclass(frozen=True)
class Memory:
    """Of all processes of a server, pages that they share counted once."""

    before_bytes: int
    per_connection_bytes: float


def measure(backend: Backend, context: TrialContext, folder: Path, connections: int) -> Memory:
    """Open so many connections, each of which is answered once and then idle. Raises NotCounted."""
    _, only = cell(backend, context, ALONE)
    parameters = only.cell.parameters
    host = parameters.host
    place = folder / f"{backend.name}-memory"
    place.mkdir()
    try:
        port = pick_port(parameters)
        with ExitStack() as clients, start_server(context, parameters, port, place) as running:
            for _ in range(FIRST):
                clients.enter_context(_answered(host, port))
            before = memory_of(running).memory_bytes
            for _ in range(connections):
                clients.enter_context(_answered(host, port))
            after = memory_of(running).memory_bytes
            running.stop()
    except TrialFailed as error:
        raise NotCounted(f"{backend.name}: {told(str(error), error.hint)}") from error
    except OSError as error:
        raise NotCounted(f"{backend.name}: {error}") from error
    if before is None or after is None:
        raise NotCounted(f"{backend.name}: the kernel does not tell its memory")
    return Memory(before, (after - before) / connections)


def _answered(host: str, port: int) -> socket.socket:
    """A connection whose first request is answered."""
    client = socket.create_connection((host, port), LIMIT_S)
    client.sendall(b"1\n")
    if client.recv(64) != b"1\n":
        raise OSError("a connection was closed before its reply")
    return client


def table(measured: Mapping[str, Memory]) -> str:
    """The table as Markdown, the most expensive connections last."""
    rows = sorted(measured.items(), key=lambda item: item[1].per_connection_bytes)
    lines = ["| backend | for each idle connection | before |", "| --- | --: | --: |"]
    for name, memory in rows:
        each, before = memory.per_connection_bytes / 2**10, memory.before_bytes / 2**20
        lines.append(f"| `{name}` | {each:,.1f} KiB | {before:.1f} MiB |")
    return "\n".join(lines)
