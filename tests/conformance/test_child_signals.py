# SPDX-License-Identifier: BSD-3-Clause
"""A signal to one process of a server that is made of several: that process ends, and no other.

It answers what it owes, as a stopping server does. A pool puts another one into its place.
"""

import os
import signal
import socket
from contextlib import suppress

import pytest
from tests.processes import wait_until

from . import sanitized
from .backends import Backend, all_backends, each
from .conftest import Start
from .ends import (
    LIMIT_S,
    SIGNALS,
    SLACK_S,
    ask_after_a_reply,
    check_nothing_is_left,
    name_of,
)
from .process import Server
from .states import ProcessState
from .wire import ask_on, check_serves, connect, read_to_end, right_answer

IN_C = [b for b in all_backends() if b.language == "c"]
MADE_OF_PROCESSES = [b for b in IN_C if b.design in ("mp", "mp-pool")]
WORKERS = ("--workers", "3")
ROUNDS = 30


def children_of(server: Server) -> dict[int, ProcessState]:
    """The living processes of a server beside the main one."""
    return {
        state.pid: state
        for state in server.tree()
        if state.pid != server.process.pid and state.state not in "ZX"
    }


def settled_children(server: Server) -> dict[int, ProcessState]:
    """Those of a pool once they are all there; none, where one is forked for each connection."""
    wanted = 3 if server.backend.design == "mp-pool" else 0
    wait_until(lambda: len(children_of(server)) == wanted, f"{server} has {wanted} children")
    return children_of(server)


def connect_and_find(server: Server) -> tuple[socket.socket, int]:
    """A connection that has been served once, and the process that has it."""
    before = children_of(server)
    connection = connect(server)
    ask_on(server, connection)
    return connection, who_has_more(server, before)


def who_has_more(server: Server, before: dict[int, ProcessState]) -> int:
    """The child that has one connection more than before, or that is new."""
    [found] = [
        pid
        for pid, state in children_of(server).items()
        if pid not in before or state.descriptors > before[pid].descriptors
    ]
    return found


def tell(pid: int, number: signal.Signals) -> None:
    """Signal a process that may have ended by itself."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_for_the_end(server: Server, pid: int) -> None:
    """Wait until a child has ended, and is no zombie either."""
    wait_until(
        lambda: all(state.pid != pid for state in server.tree()), f"{server}: a child has ended"
    )


@pytest.mark.parametrize("backend", each(*IN_C))
def test_which_servers_are_made_of_processes(start_server: Start, backend: Backend) -> None:
    """None is left out of what follows."""
    with start_server(backend, *WORKERS) as server:
        connection = connect(server)
        ask_on(server, connection)
        assert bool(children_of(server)) == (backend in MADE_OF_PROCESSES)


@pytest.mark.parametrize("number", SIGNALS, ids=name_of)
@pytest.mark.parametrize("backend", each(*MADE_OF_PROCESSES))
def test_a_child_that_is_told_to_end_ends_alone(
    start_server: Start, backend: Backend, number: signal.Signals
) -> None:
    with start_server(backend, *WORKERS) as server:
        settled_children(server)
        told, child = connect_and_find(server)
        other, _ = connect_and_find(server)
        tell(child, number)
        assert read_to_end(told).received == b""
        wait_for_the_end(server, child)
        ask_on(server, other)
        check_serves(server)
        other.close()
        assert child not in settled_children(server)
        assert server.stop() == 0
        check_nothing_is_left(server)


@pytest.mark.parametrize("number", SIGNALS, ids=name_of)
@pytest.mark.parametrize("backend", each(*MADE_OF_PROCESSES))
def test_a_child_answers_what_it_owes_before_it_ends(
    start_server: Start, backend: Backend, number: signal.Signals
) -> None:
    with start_server(backend, *WORKERS, "--io-wait", "150") as server:
        settled_children(server)
        connection, child = connect_and_find(server)
        connection.sendall(b"10\n10\n")
        tell(child, number)
        replies = 2 * right_answer(server)
        assert read_to_end(connection).received == replies
        wait_for_the_end(server, child)
        check_serves(server)
        assert server.stop() == 0


@pytest.mark.parametrize("backend", each(*MADE_OF_PROCESSES))
def test_a_child_that_computes_is_ended_after_2_s_and_alone(
    start_server: Start, backend: Backend
) -> None:
    sanitized.skip_signals_while_computing()
    with start_server(backend, *WORKERS, "--max-n", "45") as server:
        settled_children(server)
        before = children_of(server)
        connection = ask_after_a_reply(server, b"45\n" * 8)
        child = who_has_more(server, before)
        tell(child, signal.SIGTERM)
        wait_for_the_end(server, child)  # without the alarm it would compute for many minutes
        connection.close()
        check_serves(server)
        assert server.stop() == 0
        check_nothing_is_left(server)


@pytest.mark.parametrize("backend", each(*MADE_OF_PROCESSES))
def test_signals_to_children_at_any_moment_never_reach_the_others(
    start_server: Start, backend: Backend
) -> None:
    """In the midst of a fork, too: whoever appears is told to end at once."""
    with start_server(backend, *WORKERS) as server:
        kept, keeper = connect_and_find(server)
        for _ in range(ROUNDS):
            clients = [connect(server) for _ in range(3)]
            for pid in children_of(server):
                if pid != keeper:
                    tell(pid, signal.SIGTERM)
            for client in clients:
                client.close()
        ask_on(server, kept)
        check_serves(server)
        kept.close()
        settled_children(server)
        assert server.stop() == 0
        check_nothing_is_left(server)


@pytest.mark.parametrize("backend", each(*MADE_OF_PROCESSES))
def test_after_that_the_whole_is_stopped_as_ever(start_server: Start, backend: Backend) -> None:
    with start_server(backend, *WORKERS, "--io-wait", "150") as server:
        settled_children(server)
        told, child = connect_and_find(server)
        tell(child, signal.SIGTERM)
        assert read_to_end(told).received == b""
        wait_for_the_end(server, child)
        settled_children(server)
        connection, _ = connect_and_find(server)
        connection.sendall(b"10\n")
        server.send_signal(signal.SIGTERM)
        assert read_to_end(connection).received == right_answer(server)
        assert server.wait(LIMIT_S + SLACK_S) == 0
        check_nothing_is_left(server)
