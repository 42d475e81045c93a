# SPDX-License-Identifier: BSD-3-Clause
"""A client that asks without reading: what is kept for it is bounded, and nothing is lost."""

import select
import socket
import time

import pytest

from . import oracle
from .backends import EVERY_CONCURRENT_WITH_OPTIONS, EVERY_WITH_OPTIONS, Backend
from .conftest import Start
from .process import Server
from .wire import PATIENCE_S, check_serves, connect, read_to_end, short

MIB = 1 << 20
BLOCKED_S = 0.6
MOST_SENT = 8 * MIB
# Most replies are long ones, so that buffers fill soon; the others tell one place from another.
ROUND = b"".join(b"%d\n" % n + b"-1\n" * 6 for n in range(10)) + b"x\n"


def send_until_blocked(server: Server, connection: socket.socket) -> int:
    """Send rounds of requests, reading nothing; how many bytes the two ends took in."""
    connection.setblocking(False)
    text = ROUND * (MIB // len(ROUND))
    sent = 0
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    while poll.poll(BLOCKED_S * 1000):
        try:
            sent += connection.send(text[sent % len(ROUND) :])
        except BlockingIOError:
            continue
        assert sent < MOST_SENT, f"{server} takes in requests without end"
    connection.setblocking(True)
    connection.settimeout(PATIENCE_S)
    return sent


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_a_client_that_never_reads_is_no_longer_read(start_server: Start, backend: Backend) -> None:
    with start_server(backend) as server:
        check_serves(server)
        before = sum(state.resident_bytes for state in server.tree())
        with connect(server, receive_buffer=16384) as connection:
            sent = send_until_blocked(server, connection)
            grown = sum(state.resident_bytes for state in server.tree()) - before
            if backend.concurrent:
                check_serves(server)
            got = drain(connection, sent)
        rounds, rest = divmod(sent, len(ROUND))
        wanted = expected(server, ROUND) * rounds + expected(server, ROUND[:rest])
        assert got == wanted, f"{server}: {sent} bytes sent, got {short(got)}, not {short(wanted)}"
        # A process of its own for the connection is no buffer, but it counts here.
        assert grown < (24 if backend.language == "python" else 2) * MIB
        check_serves(server)


def drain(connection: socket.socket, sent: int) -> bytes:
    """Ask nothing more and read what is due."""
    connection.shutdown(socket.SHUT_WR)
    return read_to_end(connection).received


def expected(server: Server, requests: bytes) -> bytes:
    """All the replies."""
    if not server.backend.parses:
        return oracle.null(requests, "line", ended=True).replies
    return oracle.lines(requests, ended=True).replies


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_a_client_that_never_reads_is_closed_in_the_end(
    start_server: Start, backend: Backend
) -> None:
    with start_server(backend, "--idle-timeout", "0.5") as server:
        with connect(server, receive_buffer=16384) as connection:
            begin = time.monotonic()
            sends_until_closed(server, connection)
            assert time.monotonic() - begin >= 0.45
        check_serves(server)


def sends_until_closed(server: Server, connection: socket.socket) -> None:
    """Send without reading until the connection fails: so the other side's close shows."""
    connection.setblocking(False)
    text = ROUND * 1000
    sent = 0
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        poll.poll((deadline - time.monotonic()) * 1000)
        try:
            sent += connection.send(text[sent % len(ROUND) :])
        except BlockingIOError:
            continue
        except (ConnectionResetError, BrokenPipeError):
            return
    pytest.fail(f"{server} keeps a client that does not read, after {sent} bytes")


@pytest.mark.parametrize("backend", EVERY_CONCURRENT_WITH_OPTIONS)
def test_clients_that_read_slowly_get_everything(start_server: Start, backend: Backend) -> None:
    """The server's sends are short ones, many times over."""
    with start_server(backend) as server:
        clients = [connect(server, receive_buffer=4096) for _ in range(5)]
        for client in clients:
            client.sendall(ROUND * 100)
            client.shutdown(socket.SHUT_WR)
        for client in clients:
            received = b""
            while part := client.recv(1000):
                received += part
            assert received == expected(server, ROUND * 100)
            client.close()
