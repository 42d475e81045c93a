# SPDX-License-Identifier: BSD-3-Clause
"""Servers of a few lines, each with one way to be right or wrong, to start and watch."""

import gc
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.processes import wait_until

from fibench.machine.processes import descendants, read_stat
from fibench.server.cgroup import create
from fibench.server.starting import RunningServer, ServerCommand, StartError, free_port, start

HOST = "127.0.0.1"
PATIENCE_S = 10.0
"""How long a test waits for an event before it fails."""

LISTEN = """
import os, signal, socket, sys, time
host, port = "127.0.0.1", int(sys.argv[1])
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
def listen(at=port):
    listener.bind((host, at))
    listener.listen()
def tell(line=None):
    if "--ready-fd" in sys.argv:
        fd = int(sys.argv[sys.argv.index("--ready-fd") + 1])
        os.write(fd, b"%d\\n" % port if line is None else line)
        os.close(fd)
def serve():
    while True:
        connection, _ = listener.accept()
        connection.sendall(connection.recv(256))
        connection.close()
"""
"""What the small servers share; `port` is their first argument."""

ECHO = "listen(); tell(); serve()"


def python(text: str) -> list[str]:
    """The start of a command that runs a small server; its port comes next."""
    return [sys.executable, "-S", "-c", LISTEN + text]


def doubled(text: str) -> str:
    """A word of a command in a file, whose braces are meant as they are."""
    return text.replace("{", "{{").replace("}", "}}")


def command(text: str, *, ready_fd: bool = True, port: int | None = None) -> ServerCommand:
    """A small server on a free port."""
    port = port or free_port("127.0.0.1")
    return ServerCommand(argv=[*python(text), str(port)], port=port, ready_fd=ready_fd)


class Starter:
    """Starts servers with the programs and the folder of a test."""

    def __init__(self, supervise: Path, folder: Path, *, cgroup: bool = False) -> None:
        self.supervise = supervise
        self.stderr_path = folder / "server.err"
        self.cgroup = cgroup
        """Give each server a cgroup of its own, where one can be had."""

    def __call__(self, what: ServerCommand, timeout_s: float = PATIENCE_S) -> RunningServer:
        return start(
            what,
            supervise=self.supervise,
            stderr_path=self.stderr_path,
            timeout_s=timeout_s,
            cgroup=create(self.supervise) if self.cgroup else None,
        )


@contextmanager
def nobody_is_left() -> Iterator[None]:
    """A with block after which this process has no other child than before that runs.

    A browser, or who forks commands, serves other tests as well. An interrupt may come before
    anybody holds what was just started: then it ends by its lifeline, when that is collected.
    """
    before = _children()
    yield
    gc.collect()
    wait_until(lambda: _children() <= before, "all that was started has ended")


def _children() -> set[int]:
    """The processes whose parent we are; who has lost another parent is one of them."""
    us = os.getpid()
    stats = {pid: read_stat(pid) for pid in descendants(us)}
    return {pid for pid, stat in stats.items() if stat and stat.parent == us and stat.alive}


def echo(port: int) -> bytes:
    """What an echo server answers to 30."""
    with socket.create_connection((HOST, port), PATIENCE_S) as connection:
        connection.sendall(b"30")
        return b"".join(iter(lambda: connection.recv(256), b""))


def failure(start: Starter, what: ServerCommand, timeout_s: float = PATIENCE_S) -> StartError:
    """Why a server does not start, which it must not: one line of what, one of what to do."""
    with pytest.raises(StartError) as caught:
        start(what, timeout_s=timeout_s)
    assert "\n" not in caught.value.message + caught.value.hint
    assert caught.value.hint
    return caught.value
