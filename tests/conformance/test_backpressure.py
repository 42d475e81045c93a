# SPDX-License-Identifier: BSD-3-Clause
"""A client that asks without reading: what is kept for it is bounded, and nothing is lost."""

import select
import socket
import time
from contextlib import suppress

import pytest
from tests.here import leave_out

from . import oracle, sanitized
from .backends import EVERY_CONCURRENT_WITH_OPTIONS, EVERY_WITH_OPTIONS, Backend
from .borrowed import limit_buffers
from .conftest import Start
from .flood import BLOCKED_S, MIB, MOST_SENT, ROUND, limit_buffers_if_allowed, send_until_blocked
from .process import Server
from .wire import PATIENCE_S, ask_on, check_serves, connect, is_readable, read_to_end, short


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_a_client_that_never_reads_is_no_longer_read(start_server: Start, backend: Backend) -> None:
    with start_server(backend) as server:
        limit_buffers_if_allowed(server)
        check_serves(server)
        before = server.own_bytes()
        with connect(server, receive_buffer=16384) as connection:
            sent = send_until_blocked(server, connection)
            grown = server.own_bytes() - before
            if backend.concurrent:
                check_serves(server)
            got = drain(connection, sent)
        rounds, rest = divmod(sent, len(ROUND))
        wanted = expected(server, ROUND) * rounds + expected(server, ROUND[:rest])
        assert got == wanted, f"{server}: {sent} bytes sent, got {short(got)}, not {short(wanted)}"
        check_serves(server)
    # A process of its own for the connection is no buffer, but it counts here.
    most = 24 if backend.language == "python" else 8 if backend.serves == "workers" else 2
    assert sanitized.KINDS or grown < most * MIB


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
    with start_server(backend, "--idle-timeout", "0.4") as server:
        limit_buffers_if_allowed(server)
        with connect(server, receive_buffer=16384) as connection:
            begin = time.monotonic()
            sends_until_closed(server, connection)
            assert time.monotonic() - begin >= 0.36
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
            client.sendall(ROUND * 25)
            client.shutdown(socket.SHUT_WR)
        for client in clients:
            received = b""
            while part := client.recv(1000):
                received += part
            assert received == expected(server, ROUND * 25)


@pytest.mark.plain_user
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_a_small_send_buffer_loses_nothing(start_server: Start, backend: Backend) -> None:
    """Nobody reads until the server cannot send on: its sends are short at both ends."""
    count = 4 if backend.concurrent else 1
    with start_server(backend) as server:
        try:
            limit_buffers(server, 4096)
        except OSError as error:
            leave_out(str(error))
        clients = [connect(server, receive_buffer=4096) for _ in range(count)]
        asked = [own_round(turn) * 15 for turn in range(count)]
        for client, text in zip(clients, asked, strict=True):
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
        assert is_readable(clients[0], PATIENCE_S)
        for client, text in zip(clients, asked, strict=True):
            got, wanted = read_to_end(client).received, expected(server, text)
            assert got == wanted, f"{server}: got {short(got)}, not {short(wanted)}"


def own_round(turn: int) -> bytes:
    """A round that begins elsewhere than its neighbours', so that mixed replies show."""
    lines = ROUND.splitlines(keepends=True)
    return b"".join(lines[turn:] + lines[:turn])


class Greedy:
    """A client that asks for as much as is taken, and reads little of what comes."""

    def __init__(self, server: Server, turn: int, rounds: int) -> None:
        self._connection = connect(server, receive_buffer=4096)
        self._connection.setblocking(False)
        self._asked = own_round(turn) * rounds
        self._sent = 0
        self.received = b""
        self.expected = expected(server, self._asked)

    def go_on(self, most: int) -> None:
        """Send what is taken now, and read so many bytes at most."""
        with suppress(BlockingIOError):
            while self._sent < len(self._asked):
                self._sent += self._connection.send(self._asked[self._sent :])
        with suppress(BlockingIOError):
            self.received += self._connection.recv(most)

    def finish(self) -> None:
        """Ask the rest, and read everything."""
        while len(self.received) < len(self.expected):
            if not is_readable(self._connection, PATIENCE_S):
                return
            self.go_on(1 << 16)


@pytest.mark.parametrize("backend", EVERY_CONCURRENT_WITH_OPTIONS)
def test_clients_that_ask_thousands_and_read_little_hinder_nobody(
    start_server: Start, backend: Backend
) -> None:
    """They could fill every buffer of a ring of io_uring with what they have asked."""
    count = 40 if backend.loops and backend.language == "c" else 10
    rounds = 15 if backend.language == "c" else 8
    with start_server(backend) as server:
        others = [connect(server) for _ in range(3)]
        greedy = [Greedy(server, turn, rounds) for turn in range(count)]
        for _ in range(20):
            for one in greedy:
                one.go_on(most=500)
            for other in others:
                ask_on(server, other)
        for one in greedy:
            one.finish()
            got, wanted = one.received, one.expected
            assert got == wanted, f"{server}: got {short(got)}, not {short(wanted)}"
        check_serves(server)


@pytest.mark.parametrize("backend", EVERY_CONCURRENT_WITH_OPTIONS)
def test_what_is_kept_for_each_of_many_that_never_read_is_bounded(
    start_server: Start, backend: Backend
) -> None:
    """Requests that wait are bounded like replies, in whatever a design holds them."""
    sanitized.skip_what_counts_memory()
    with start_server(backend) as server:
        limit_buffers_if_allowed(server)
        check_serves(server)
        clients = [connect(server, receive_buffer=4096) for _ in range(20)]
        for client in clients:
            ask_on(server, client)
        before = server.own_bytes()
        for client in clients:
            client.setblocking(False)
        fill(server, clients)
        kept = (server.own_bytes() - before) / len(clients)
        check_serves(server)
    # 64 KiB of requests and of replies, as Python holds them; a thread or a process has a heap.
    most = 256 if backend.loops else 512
    assert kept < most * 1024, f"{server} keeps {kept / 1024:.0f} KiB for each"


def fill(server: Server, clients: list[socket.socket]) -> None:
    """Ask on all of them until none is read any more."""
    text = b"-1\n" * (1 << 16)
    sent = dict.fromkeys(clients, 0)
    poll = select.poll()
    by_fd = {client.fileno(): client for client in clients}
    for fd in by_fd:
        poll.register(fd, select.POLLOUT)
    while ready := poll.poll(BLOCKED_S * 1000):
        for fd, _ in ready:
            client = by_fd[fd]
            with suppress(BlockingIOError):
                sent[client] += client.send(text[sent[client] % 3 :])
            assert sent[client] < MOST_SENT, f"{server} takes in requests without end"
