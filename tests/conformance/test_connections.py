# SPDX-License-Identifier: BSD-3-Clause
"""How connections begin, stall and end, and what is left of them."""

import signal
import socket
import time

import pytest

from .backends import (
    EVERY_CONCURRENT,
    EVERY_CONCURRENT_WITH_OPTIONS,
    EVERY_WITH_OPTIONS,
    Backend,
)
from .conftest import Start
from .process import Server
from .wire import (
    ask_on,
    check_serves,
    connect,
    is_readable,
    read_exactly,
    read_to_end,
    reset,
    right_answer,
)

# The end of a connection.


def test_a_half_close_gets_the_full_reply_then_the_end(line_server: Server) -> None:
    with connect(line_server) as connection:
        connection.sendall(b"10\n" * 500)
        connection.shutdown(socket.SHUT_WR)
        transcript = read_to_end(connection)
    assert transcript.received == right_answer(line_server) * 500
    assert transcript.end == "eof"


def test_a_half_closed_message_gets_its_reply(message_server: Server) -> None:
    check_serves(message_server)


def test_an_end_before_any_byte_is_answered_by_the_end(
    message_server: Server,
) -> None:
    with connect(message_server) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection).received == b""
    check_serves(message_server)


def test_an_end_before_any_line_is_answered_by_the_end(line_server: Server) -> None:
    with connect(line_server) as connection:
        connection.shutdown(socket.SHUT_WR)
        transcript = read_to_end(connection)
    assert (transcript.received, transcript.end) == (b"", "eof")
    check_serves(line_server)


# Resets.


def test_it_survives_a_reset_before_a_request(line_server: Server) -> None:
    for _ in range(20):
        reset(connect(line_server))
    check_serves(line_server)


def test_it_survives_a_reset_within_a_request(line_server: Server) -> None:
    for _ in range(10):
        connection = connect(line_server)
        connection.sendall(b"10\n1")
        assert read_exactly(connection, 1)  # so the half behind it has been read, too
        reset(connection)
    check_serves(line_server)


def test_it_survives_a_reset_instead_of_reading_the_reply(line_server: Server) -> None:
    for _ in range(10):
        connection = connect(line_server)
        connection.sendall(b"10\n" * 2000)
        reset(connection)
    check_serves(line_server)


def test_it_survives_a_reset_between_replies(line_server: Server) -> None:
    for _ in range(10):
        connection = connect(line_server)
        connection.sendall(b"10\n" * 2000)
        read_exactly(connection, 1)
        reset(connection)
    check_serves(line_server)


def test_it_survives_a_reset_after_the_reply(line_server: Server) -> None:
    for _ in range(10):
        connection = connect(line_server)
        ask_on(line_server, connection)
        reset(connection)
    check_serves(line_server)


def test_it_survives_resets_of_messages(message_server: Server) -> None:
    for _ in range(10):
        connection = connect(message_server)
        connection.sendall(b"10")
        reset(connection)
        connection = connect(message_server)
        connection.sendall(b"10")
        read_exactly(connection, 1)
        reset(connection)
    check_serves(message_server)


def test_it_survives_the_death_of_clients_that_do_not_read(line_server: Server) -> None:
    """SIGPIPE, in other words."""
    for _ in range(5):
        with connect(line_server) as connection:
            connection.sendall(b"10\n" * 5000)
    check_serves(line_server)
    line_server.send_signal(signal.SIGPIPE)
    check_serves(line_server)


# Many connections.


@pytest.mark.parametrize("backend", EVERY_CONCURRENT)
def test_silent_clients_hinder_nobody(start_server: Start, backend: Backend) -> None:
    with start_server(backend, framing=backend.framings[0]) as server:
        for _ in range(20):  # a pool has as many workers, and some more
            connect(server)
        check_serves(server)


@pytest.mark.parametrize("backend", EVERY_CONCURRENT_WITH_OPTIONS)
def test_connections_over_the_cap_are_closed_at_once_and_counted(
    start_server: Start, backend: Backend
) -> None:
    with start_server(backend, "--max-connections", "3", "--workers", "4") as server:
        held = [connect(server) for _ in range(3)]
        for connection in held:
            ask_on(server, connection)
        for _ in range(5):
            with connect(server) as refused:
                assert is_readable(refused, 1), f"{server} keeps a connection over its cap"
                assert read_to_end(refused).received == b""
        for connection in held:
            ask_on(server, connection)
        held.pop().close()
        refusals = 5 + refusals_until_served(server)
        for connection in held:
            ask_on(server, connection)
        assert server.stop() == 0
        assert f"refused {refusals} connections" in server.stderr()


def refusals_until_served(server: Server) -> int:
    """Connect until the server has seen that a place is free; how often it refused before."""
    deadline = time.monotonic() + 5
    refused = 0
    while time.monotonic() < deadline:
        with connect(server) as connection:
            try:
                connection.sendall(b"10\n")
                if read_exactly(connection, 1):
                    return refused
            except (ConnectionResetError, BrokenPipeError):
                pass
        refused += 1
    pytest.fail(f"{server} does not recover: stderr {server.stderr()!r}")


@pytest.mark.plain_user
@pytest.mark.parametrize("framing", [pytest.param("message", marks=pytest.mark.long), "line"])
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_out_of_descriptors_it_does_not_spin_and_recovers(
    start_server: Start, backend: Backend, framing: str
) -> None:
    with start_server(backend, framing=framing, shell="ulimit -n 32") as server:
        clients = [connect(server) for _ in range(200)]
        if not backend.busy:
            check_that_it_rests(server, clients)
        for client in clients:
            client.close()
        check_serves(server)
        assert len(server.stderr()) < 4096, server.stderr()[:500]


def check_that_it_rests(server: Server, clients: list[socket.socket]) -> None:
    """Wait until it does no more about its clients; fail if it then uses the CPU."""
    wait_until_quiet(server)
    held = sum(not is_readable(client, 0) for client in clients)
    before, begin = server.cpu_s(), time.monotonic()
    assert not server.has_ended(0.5), f"{server} ended; stderr: {server.stderr()!r}"
    share = (server.cpu_s() - before) / (time.monotonic() - begin)
    assert share < 0.05, f"{server} uses {share:.0%} of a core ({held} held)"


def wait_until_quiet(server: Server) -> None:
    """Wait until it uses next to no CPU time; fail if that takes long."""
    while True:
        before = server.cpu_s()
        server.has_ended(0.1)
        if server.cpu_s() - before < 0.01:
            break
        if server.cpu_s() > 10:
            pytest.fail(f"{server} does not come to rest")
