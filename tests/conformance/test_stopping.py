# SPDX-License-Identifier: BSD-3-Clause
"""What a stopping server owes: a reply to all that had arrived over connections it had accepted.

Clients that say nothing more are not waited for, which is for test_signals.py to see.
"""

import select
import signal
import socket
from contextlib import suppress

import pytest
from tests.processes import wait_until

from . import oracle, sanitized
from .backends import (
    EVERY_PARSING,
    EVERY_WITH_OPTIONS,
    EVERY_WITH_OPTIONS_AND_INTERPRETER,
    PLACES,
    Backend,
)
from .conftest import Start
from .ends import check_exit
from .oracle import Framing
from .process import Server, frozen
from .queues import is_accepted_by_peer, unread_by_peer
from .wire import PATIENCE_S, Transcript, connect, is_readable, read_exactly, read_to_end, short

KEPT = 20
FEW = 4
QUEUED = 10
"""Connections that a pool of threads has accepted and that wait for one."""
ROUNDS_OF_LOAD = 30
LONG_ENOUGH = {"c": b"29" if sanitized.KINDS else b"34", "python": b"27", "own": b"27"}
"""A number whose computing takes a while, and far less than the time that a stop has, also where
twenty others have the machine as well."""

OFTEN = 50


@pytest.fixture(scope="session")
def tries(request: pytest.FixtureRequest) -> int:
    """How often each is tried; the long form tries often what a race decides."""
    return OFTEN if request.config.getoption("--all") else 1


def served_at_once(backend: Backend) -> int:
    """As many connections as a test keeps, and all of them are served."""
    if sanitized.KINDS and backend.serves != 1:
        return FEW  # at its exit, each process is looked at for long
    return {1: 1, "workers": PLACES}.get(backend.serves, KEPT)


def expected(server: Server, sent: bytes, *, ended: bool = False, max_n: int = 34) -> bytes:
    """The replies to all that was sent in line framing."""
    if not server.backend.parses:
        return oracle.null(sent, "line", ended=ended).replies
    return oracle.lines(sent, ended=ended, max_n=max_n).replies


def send(server: Server, connection: socket.socket, text: bytes) -> None:
    """Send, and wait until it has arrived in the server's kernel, or was answered."""
    before = unread_by_peer(connection) or 0
    connection.sendall(text)
    wait_until(
        lambda: (
            (unread_by_peer(connection) or 0) >= before + len(text) or is_readable(connection, 0)
        ),
        f"{text!r} has arrived at {server}",
    )


def wait_until_accepted(server: Server, connection: socket.socket) -> None:
    """Wait until a connection is no longer in the kernel's queue."""
    wait_until(lambda: is_accepted_by_peer(connection), f"{server} accepts a connection")


def check_end(server: Server, connection: socket.socket, replies: bytes) -> None:
    """Fail unless a connection ends with these replies, and then in order."""
    got, wanted = read_to_end(connection), Transcript(replies, "eof")
    if got != wanted:
        pytest.fail(
            f"{server}: got {short(got.received)}, then {got.end}, not {short(replies)}, then eof;"
            f" stderr: {server.stderr()!r}"
        )


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS_AND_INTERPRETER)
def test_what_had_arrived_is_answered_and_nothing_else(
    start_server: Start, backend: Backend, tries: int
) -> None:
    """Several lines; what completes a fragment that was read before; and a fragment at the end.

    Some go on, and some half-close, in turn.
    """
    first, begun, rest = b"10\n", b"1", b"0\n7\n8\n\n9\n1"
    count = served_at_once(backend)
    for turn in range(tries if count > 1 else 2 * tries):
        half_close = [(turn + place) % 2 == 1 for place in range(count)]
        with start_server(backend) as server:
            replies = expected(server, first)
            connections = [connect(server) for _ in half_close]
            for connection in connections:
                connection.sendall(first + begun)  # one segment, and so one read
                assert read_exactly(connection, len(replies)) == replies
            with frozen(server):
                for connection, half_closes in zip(connections, half_close, strict=True):
                    send(server, connection, rest)
                    if half_closes:
                        connection.shutdown(socket.SHUT_WR)
                server.send_signal(signal.SIGTERM)
            for connection, half_closes in zip(connections, half_close, strict=True):
                check_end(server, connection, expected(server, begun + rest, ended=half_closes))
                connection.close()
            check_exit(server)


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_so_is_more_than_one_read_brings(start_server: Start, backend: Backend, tries: int) -> None:
    asked = (b"0" * 200 + b"\n") * 60  # few requests: a starved server answers them in its grace
    for _ in range(tries):
        with start_server(backend) as server:
            connections = [connect(server) for _ in range(min(3, served_at_once(backend)))]
            for connection in connections:
                ask_ten(server, connection)
            with frozen(server):
                for connection in connections:
                    send(server, connection, asked)
                server.send_signal(signal.SIGTERM)
            for connection in connections:
                check_end(server, connection, expected(server, asked))
                connection.close()
            check_exit(server)


@pytest.mark.parametrize("framing", ["message", "line"])
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_so_is_the_first_request_of_a_connection_that_was_accepted(
    start_server: Start, backend: Backend, tries: int, framing: Framing
) -> None:
    """A thread, a child or a queue has it, and may not have looked at it yet."""
    asked = {"message": b"10", "line": b"10\n11\n"}[framing]
    count = served_at_once(backend) + (QUEUED if backend.design == "mt-pool" else 0)
    for _ in range(tries):
        with start_server(backend, framing=framing) as server:
            connections = [connect(server) for _ in range(count)]
            for connection in connections:
                wait_until_accepted(server, connection)
            with frozen(server):
                for connection in connections:
                    send(server, connection, asked)
                server.send_signal(signal.SIGTERM)
            replies = expected(server, asked, ended=True)
            for connection in connections:
                check_end(server, connection, replies if framing == "line" else replies[:-1])
                connection.close()
            check_exit(server)


@pytest.mark.parametrize("backend", EVERY_PARSING)
def test_so_is_what_arrives_while_the_server_computes(
    start_server: Start, backend: Backend, tries: int
) -> None:
    """For another one, or for the same.

    It is stopped in the midst of it, so that a computation which leaves time enough on a busy
    machine is long enough.
    """
    n = LONG_ENOUGH[backend.language]
    for _ in range(tries):
        with start_server(backend, "--max-n", "40") as server:
            connections = [connect(server) for _ in range(served_at_once(backend))]
            for connection in connections[1:]:
                ask_ten(server, connection)
            # The reply says that both were read, and does not wait for what takes long.
            ask_ten(server, connections[0], behind=n + b"\n")
            with frozen(server):
                for connection in connections:
                    send(server, connection, b"7\n8\n")
                server.send_signal(signal.SIGTERM)
            for connection in connections:
                text = n + b"\n7\n8\n" if connection is connections[0] else b"7\n8\n"
                check_end(server, connection, expected(server, text, max_n=40))
                connection.close()
            check_exit(server)


@pytest.mark.parametrize("backend", EVERY_PARSING)
def test_so_is_all_of_it_where_somebody_connects_before_the_signal_is_seen(
    start_server: Start, backend: Backend, tries: int
) -> None:
    """A loop that computes finds both in the same turn: first the signal, then its listener."""
    n = LONG_ENOUGH[backend.language]
    for _ in range(tries):
        with start_server(backend, "--max-n", "40") as server:
            connections = [connect(server) for _ in range(served_at_once(backend))]
            for connection in connections[1:]:
                ask_ten(server, connection)
            ask_ten(server, connections[0], behind=n + b"\n")
            server.send_signal(signal.SIGTERM)
            wait_until(lambda: not server.has_pending(signal.SIGTERM), f"{server} has the signal")
            with frozen(server):
                for connection in connections[1:]:
                    connection.close()
                with suppress(ConnectionRefusedError):  # it has stopped listening already
                    connect(server).sendall(b"10\n")
            check_end(server, connections[0], expected(server, n + b"\n", max_n=40))
            check_exit(server)


def ask_ten(server: Server, connection: socket.socket, behind: bytes = b"") -> None:
    """Ask, with something behind it, and read the reply."""
    replies = expected(server, b"10\n")
    connection.sendall(b"10\n" + behind)
    assert read_exactly(connection, len(replies)) == replies


class Client:
    """Keeps so many requests under way, always."""

    def __init__(self, server: Server, depth: int) -> None:
        self.connection = connect(server)
        self.reply = expected(server, b"10\n")
        self.asked = 0
        self.received = b""
        self.ended = False
        ask_ten(server, self.connection)
        self.ask(depth)

    def ask(self, count: int) -> None:
        """Ask so many times more, unless the server has gone."""
        try:
            self.connection.sendall(b"10\n" * count)
            self.asked += count
        except (ConnectionResetError, BrokenPipeError):  # what came before is still to be read
            return

    def receive(self) -> int:
        """Read what there is; how many replies it completes."""
        before = self.answered
        try:
            part = self.connection.recv(1 << 16)
        except ConnectionResetError:
            part = b""
        self.ended = not part
        self.received += part
        return self.answered - before

    @property
    def answered(self) -> int:
        """How many whole replies have come; they are right."""
        assert (self.reply * self.asked).startswith(self.received), short(self.received)
        return len(self.received) // len(self.reply)


class Load:
    """Clients that ask all the time, until the server ends their connections."""

    def __init__(self, server: Server, depth: int) -> None:
        self._server = server
        self._goes_on = depth == 1
        self._clients = [Client(server, depth) for _ in range(served_at_once(server.backend))]
        self._left = ROUNDS_OF_LOAD * len(self._clients)
        self._owed: list[int] = []  # of each client, once the signal was sent

    def run(self) -> None:
        """Send the signal in the midst of it, and read what comes until all have ended."""
        poll = select.poll()
        by_fd = {client.connection.fileno(): client for client in self._clients}
        for fd in by_fd:
            poll.register(fd, select.POLLIN)
        while by_fd:
            ready = poll.poll(PATIENCE_S * 1000)
            assert ready, f"nothing comes from {self._server} for {PATIENCE_S} s"
            for fd, _ in ready:
                self._receive(by_fd[fd])
                if by_fd[fd].ended:
                    poll.unregister(fd)
                    by_fd.pop(fd).connection.close()

    def _receive(self, client: Client) -> None:
        count = client.receive()
        self._left -= count
        if self._left <= 0 and not self._owed:
            self._owed = [each.asked for each in self._clients]
            self._server.send_signal(signal.SIGTERM)
        if count and (self._goes_on or not self._owed):
            client.ask(count)

    def check(self) -> None:
        """Fail unless all was answered that had been asked."""
        pairs = zip(self._owed, self._clients, strict=True)
        lost = sum(max(0, owed - client.answered) for owed, client in pairs)
        assert lost == 0, f"{self._server} loses {lost} of {sum(self._owed)} requests"


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_under_load_nothing_is_lost_that_was_asked_before_the_signal(
    start_server: Start, backend: Backend, tries: int, depth: int
) -> None:
    """Clients that ask one by one go on asking, to which they may get no reply."""
    for _ in range(tries):
        with start_server(backend) as server:
            load = Load(server, depth)
            load.run()
            load.check()
            check_exit(server)
