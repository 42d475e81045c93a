# SPDX-License-Identifier: BSD-3-Clause
"""Children of a server: none outlives a parent that is killed, and what one is sent is its own."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from tests.here import leave_out, servers_python
from tests.processes import stop, wait_until

from .backends import EVERY_PARSING, Backend, all_backends, each
from .conftest import Start
from .ends import SIGNALS, check_exit, children, name_of
from .flood import limit_buffers_if_allowed, send_until_blocked
from .process import Server
from .wire import (
    ask_on,
    check_serves,
    connect,
    is_readable,
    read_exactly,
    right_answer,
    wait_until_read,
)

WORKERS = "2"
FEW = 6
ROUNDS = 30
DEATH_S = 10.0  # on the busiest machine; what the children do takes far longer
LONG = b"45\n" * 40  # more than a minute, in any language
SHOWN_S = 0.1  # of CPU time, which an idle server does not use

SERVERS = Path(__file__).resolve().parents[2] / "src_py" / "servers"
EVERY_PYTHON = each(*(b for b in all_backends() if b.language == "python"))
ONE_FOR_EACH = ("mp", "mp-pool")
IN_SHARDS = ("protocol", "async-reuseport", "uvloop")
"""Threads where no GIL would make these take turns, else processes."""
SERVED_BY_CHILDREN = (*ONE_FOR_EACH, *(IN_SHARDS if servers_python().gil else ()))
"""With --workers, as each is started here. first_child() sees to it that none is missing."""
WITH_CHILDREN = (*SERVED_BY_CHILDREN, "async-mp")

SLOW_CHILD = """
import os, select, sys
from fiblifeline import Lifeline

lifeline = Lifeline()
dead, alive = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.close(alive)
        os.read(dead, 1)
        if sys.argv[1] == "hold":
            lifeline.hold()
        print("outlives", end="", flush=True)
    os._exit(0)
"""
EARLY_SIGNAL = """
import os, select, signal
from fibstop import Stop

def is_told_itself(stop):
    return bool(select.select([stop.fd], [], [], 0)[0])

stop = Stop()
with stop.held_back():
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGTERM)
        stop.serve_apart()
        print("child:", is_told_itself(stop), stop.is_told(), flush=True)
        os._exit(0)
os.waitpid(pid, 0)
print("parent:", stop.is_told())
"""


def first_child(server: Server) -> int:
    """One of its children, or skip: it is a single process."""
    found = children(server)
    assert bool(found) == (server.backend.design in WITH_CHILDREN), f"{server}: {found}"
    if not found:
        leave_out(f"{server.backend.name}: it is a single process")
    return found[0]


def connect_few(server: Server) -> list[socket.socket]:
    """Connections which are all served at once, by more than one child if there are any."""
    serves = server.backend.serves
    return [connect(server) for _ in range({1: 1, "workers": int(WORKERS)}.get(serves, FEW))]


def kill_and_check_that_nothing_is_left(server: Server) -> None:
    """Kill the main process, and fail if any other does not end of it."""
    server.send_signal(signal.SIGKILL)
    left = server.wait_until_nothing_is_left(DEATH_S)
    assert left == [], f"{server} leaves {left}"
    assert "Traceback" not in server.stderr()


@pytest.mark.parametrize("backend", EVERY_PARSING)
def test_who_computes_ends_with_the_parent(start_server: Start, backend: Backend) -> None:
    with start_server(backend, "--workers", WORKERS, "--max-n", "45") as server:
        for client in connect_few(server):
            client.sendall(LONG)
        before = server.cpu_s()
        wait_until(lambda: server.cpu_s() > before + SHOWN_S, f"{server} computes")
        kill_and_check_that_nothing_is_left(server)


@pytest.mark.parametrize("backend", EVERY_PARSING)
def test_who_waits_ends_with_the_parent(start_server: Start, backend: Backend) -> None:
    with start_server(backend, "--workers", WORKERS, "--io-wait", "3600000") as server:
        for client in connect_few(server):
            client.sendall(b"10\n")
            wait_until_read(server, client)
        kill_and_check_that_nothing_is_left(server)


@pytest.mark.parametrize("backend", EVERY_PARSING)
def test_whose_client_takes_no_replies_ends_with_the_parent(
    start_server: Start, backend: Backend
) -> None:
    with start_server(backend, "--workers", WORKERS, "--idle-timeout", "3600") as server:
        limit_buffers_if_allowed(server)
        with connect(server, receive_buffer=16384) as client:
            send_until_blocked(server, client)
            kill_and_check_that_nothing_is_left(server)


@pytest.mark.parametrize("backend", EVERY_PARSING)
def test_who_is_stopped_ends_with_the_parent(start_server: Start, backend: Backend) -> None:
    with start_server(backend, "--workers", WORKERS) as server, connect(server) as client:
        ask_on(server, client)
        stop(lambda: children(server))
        kill_and_check_that_nothing_is_left(server)


@pytest.mark.parametrize("line", ["hold", "die"])
def test_a_child_that_is_slow_to_hold_on_ends_as_well(line: str) -> None:
    """Its parent may be dead before: here it waits until that is so."""
    done = subprocess.run(
        [sys.executable, "-c", SLOW_CHILD, line],
        env={**os.environ, "PYTHONPATH": str(SERVERS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=DEATH_S,
    )
    assert (done.stdout, done.stderr) == ({"hold": "", "die": "outlives"}[line], "")


# What one child is sent.


@pytest.mark.parametrize("number", SIGNALS, ids=name_of)
@pytest.mark.parametrize("backend", EVERY_PYTHON)
def test_a_child_that_is_told_to_end_ends_alone(
    start_server: Start, backend: Backend, number: signal.Signals
) -> None:
    """It answers what it owes, closes its connections, and the server serves all others."""
    with start_server(backend, "--workers", WORKERS, "--io-wait", "100") as server:
        clients = connect_few(server)
        for client in clients:
            ask_on(server, client)
        told = first_child(server)
        for client in clients:
            client.sendall(b"10\n10\n")
            wait_until_read(server, client)
        os.kill(told, number)
        for client in clients:
            replies = right_answer(server) * 2
            assert read_exactly(client, len(replies)) == replies
        if backend.design in SERVED_BY_CHILDREN:
            wait_until_ended(server, {told})
        alive = [client for client in clients if not is_readable(client, 0)]
        if backend.design in ONE_FOR_EACH:
            assert len(clients) - len(alive) == 1
        elif backend.design not in SERVED_BY_CHILDREN:
            assert (told in children(server), alive) == (True, clients)
        for client in alive:
            ask_on(server, client)
            client.close()
        for _ in range(FEW):
            check_serves(server)
        server.send_signal(signal.SIGTERM)
        check_exit(server)


@pytest.mark.parametrize("backend", EVERY_PYTHON)
def test_signals_to_children_at_any_moment_tell_nobody_else(
    start_server: Start, backend: Backend
) -> None:
    """In the midst of a fork, too: whoever appears is told at once."""
    with start_server(backend, "--workers", WORKERS) as server:
        with connect(server) as client:
            ask_on(server, client)
            first_child(server)
        told = set()
        for _ in range(ROUNDS):
            clients = [connect(server) for _ in range(3)]
            living = children(server)
            told.update(living)
            for pid in living:
                with suppress(ProcessLookupError):  # it has just ended
                    os.kill(pid, signal.SIGTERM)
            for client in clients:
                client.close()
        if backend.design in SERVED_BY_CHILDREN:
            wait_until_ended(server, told)  # one may be about to accept, and would close
        for _ in range(FEW):
            check_serves(server)
        server.send_signal(signal.SIGTERM)
        check_exit(server)


def wait_until_ended(server: Server, told: set[int]) -> None:
    """Wait for the end of children."""
    wait_until(lambda: told.isdisjoint(children(server)), f"{server}: all of {told} have ended")


def test_what_a_child_gets_before_it_is_apart_is_not_told_to_its_parent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EARLY_SIGNAL],
        env={**os.environ, "PYTHONPATH": str(SERVERS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=DEATH_S,
    )
    assert (done.stdout, done.stderr) == ("child: True False\nparent: False\n", "")
