# SPDX-License-Identifier: BSD-3-Clause
"""`--work`: what a request does besides fibonacci(n) changes its cost, and no reply."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.here import CHECKOUT, leave_out

from fibench.backends.interpreters import NotHere, locate

from . import oracle
from .backends import EVERY_OF_OURS, Backend
from .conftest import Start
from .process import Server
from .wire import connect, read_exactly

UNITS = {"c": "300", "python": "25"}
"""Milliseconds in each language, beside which a request that asks for no number is next to nothing,
also where it is handed from process to process."""
NUMBER, NO_NUMBER = b"5\n", b"x\n"
EVERY_KIND = b"5\nx\n99\n7\n"


def answered(server: Server, connection: socket.socket, requests: bytes) -> float:
    """The CPU time in seconds that it takes to answer these requests, as the oracle does."""
    before_s = server.cpu_s()
    connection.sendall(requests)
    expected = oracle.lines(requests, ended=False).replies
    assert read_exactly(connection, len(expected)) == expected
    return server.cpu_s() - before_s


@pytest.mark.parametrize("kind", ["hash", "alloc", "shared"])
@pytest.mark.parametrize("backend", EVERY_OF_OURS)
def test_every_server_does_its_work_and_answers_as_without_it(
    start_server: Start, backend: Backend, kind: str
) -> None:
    options = ("--work", kind, "--work-units", UNITS[backend.language])
    with start_server(backend, *options) as server, connect(server) as connection:
        answered(server, connection, NO_NUMBER)  # a fork for the connection is no part of a request
        bare_s = answered(server, connection, NO_NUMBER)
        worked_s = answered(server, connection, NUMBER)
        assert answered(server, connection, EVERY_KIND) > 0
        if not backend.busy:  # which burns a core while the test asks
            assert worked_s > 4 * bare_s


COUNTS = """
import sys, threading
sys.path.insert(0, sys.argv[1])
import fibwork
sys.setswitchinterval(1e-6)
shared = fibwork.Shared()
threads = [threading.Thread(target=shared.count) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(shared.counter["increments"] - len(threads) * fibwork.INCREMENTS)
"""
BEGINS = """
import sys
sys.path.insert(0, sys.argv[1])
import fibprotocol, fibwork
done = []
for kind in list(fibwork._UNITS):
    fibwork._UNITS[kind] = lambda kind=kind: lambda: done.append(kind)
    for units in (0, 3):
        fibprotocol.compute = fibprotocol.fibonacci
        fibwork.begin(kind, units)
        assert fibprotocol.reply(b"5", 34, b"") == b"8"
        assert fibprotocol.reply(b"x", 34, b"") == b"error"
        print(kind, units, len(done))
        del done[:]
"""


def printed(programs: Path, interpreter: str, script: str) -> str:
    """What a script prints that knows the folder of the servers."""
    command = [interpreter, "-c", script, str(programs)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("name", ["", "3.6", "3.13t", "3.14t"])
def test_no_increment_of_any_thread_is_lost_in_python(programs: Path, name: str) -> None:
    """With a GIL that threads take from each other at every turn, and without one."""
    try:
        interpreter = locate(name, CHECKOUT, os.environ) if name else sys.executable
    except NotHere as reason:
        leave_out(f"Python {name}: {reason}")
    assert printed(programs, interpreter, COUNTS) == "0\n"


def test_unless_said_a_request_does_one_unit_and_of_fibonacci_none(programs: Path) -> None:
    assert printed(programs, sys.executable, BEGINS).splitlines() == [
        "fib 0 0", "fib 3 3", "hash 0 1", "hash 3 3",
        "alloc 0 1", "alloc 3 3", "shared 0 1", "shared 3 3",
    ]  # fmt: skip
