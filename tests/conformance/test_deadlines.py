# SPDX-License-Identifier: BSD-3-Clause
"""What waits and deadlines there are: --io-wait, --idle-timeout, and who waits for a place."""

import socket
import time
from collections.abc import Iterator, Sequence

import pytest

from . import oracle, sanitized
from .backends import EVERY_BOUNDED, EVERY_PARSING, EVERY_WITH_OPTIONS, Backend
from .conftest import Start
from .process import Server, frozen, skip_what_burns
from .wire import (
    ask,
    ask_on,
    check_serves,
    connect,
    is_readable,
    read_exactly,
    read_to_end,
    reset,
    right_answer,
    wait_until_read,
)

IDLE_S = 0.3
SLACK_S = 1.5  # for a busy machine
WAIT_S = 0.2
MANY = 20


@pytest.fixture(scope="module", params=EVERY_WITH_OPTIONS)
def waiting_server(request: pytest.FixtureRequest, start_server: Start) -> Iterator[Server]:
    """One of each backend that waits before each reply, and serves MANY where it can."""
    options = ["--io-wait", str(WAIT_S * 1000), "--workers", str(MANY)]
    with start_server(request.param, *options) as server:
        yield server


@pytest.fixture(scope="module", params=EVERY_WITH_OPTIONS)
def impatient_server(request: pytest.FixtureRequest, start_server: Start) -> Iterator[Server]:
    """One of each backend that soon closes who stalls, in line framing."""
    with start_server(request.param, "--idle-timeout", str(IDLE_S)) as server:
        yield server


def test_it_survives_a_reset_while_the_reply_waits(waiting_server: Server) -> None:
    connection = connect(waiting_server)
    connection.sendall(b"10\n" * 3)
    assert read_exactly(connection, 1)
    reset(connection)
    check_serves(waiting_server)


def test_io_wait_delays_the_reply_without_using_the_cpu(waiting_server: Server) -> None:
    skip_what_burns(waiting_server.backend)
    with connect(waiting_server) as connection:
        ask_on(waiting_server, connection)
        before, begin = waiting_server.cpu_s(), time.monotonic()
        ask_on(waiting_server, connection)
        waited, used = time.monotonic() - begin, waiting_server.cpu_s() - before
    assert WAIT_S <= waited < WAIT_S + SLACK_S
    assert used < 0.05, f"{waiting_server} used {used} s of CPU time"


def test_waits_overlap_only_where_the_design_serves_several(waiting_server: Server) -> None:
    is_concurrent = waiting_server.backend.concurrent
    count = MANY if is_concurrent else 5
    begin = time.monotonic()
    clients = [connect(waiting_server) for _ in range(count)]
    for client in clients:
        client.sendall(b"10\n")
        client.shutdown(socket.SHUT_WR)
    for client in clients:
        assert read_to_end(client).received == right_answer(waiting_server)
    took = time.monotonic() - begin
    if is_concurrent:
        assert took < count * WAIT_S / 2, f"{waiting_server} waits for one client after the other"
    else:
        assert took >= count * WAIT_S, f"{waiting_server} claims to serve one at a time"


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_a_client_that_says_nothing_is_closed(start_server: Start, backend: Backend) -> None:
    with start_server(backend, "--idle-timeout", str(IDLE_S), framing="message") as server:
        check_closes_who_stall(server, [b""])


def test_a_client_that_stalls_is_closed(impatient_server: Server) -> None:
    check_closes_who_stall(impatient_server, [b"", b"1"])


def check_closes_who_stall(server: Server, begun: Sequence[bytes]) -> None:
    """Let clients stall who have sent so much each; fail unless they are closed, and in time."""
    begin = time.monotonic()  # the server may have accepted before this side goes on
    clients = [connect(server) for _ in begun]
    for client, sent in zip(clients, begun, strict=True):
        client.sendall(sent)
    for client in clients:
        transcript = read_to_end(client)
        waited = time.monotonic() - begin
        assert transcript.received == b""
        assert waited >= IDLE_S * 0.95
    most_s = IDLE_S * (1 if server.backend.concurrent else len(clients)) + SLACK_S
    assert waited < most_s
    check_serves(server)


def test_the_deadline_is_not_extended_byte_by_byte(impatient_server: Server) -> None:
    begin = time.monotonic()
    with connect(impatient_server) as connection:
        while not is_readable(connection, 0.1):
            late = time.monotonic() - begin >= IDLE_S + SLACK_S
            assert not late, f"{impatient_server} still waits"
            connection.send(b"1")
            if impatient_server.backend.concurrent:
                check_serves(impatient_server)
    assert time.monotonic() - begin >= IDLE_S * 0.95
    check_serves(impatient_server)


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_the_deadline_begins_anew_with_each_request(start_server: Start, backend: Backend) -> None:
    idle_s = 2 * IDLE_S  # of which it asks again so early that a busy machine may hold it up
    with (
        start_server(backend, "--idle-timeout", str(idle_s)) as server,
        connect(server) as connection,
    ):
        for _ in range(2):
            ask_on(server, connection)
            assert not is_readable(connection, idle_s * 0.6), f"{server} closed too early"
        ask_on(server, connection)


@pytest.mark.parametrize("backend", EVERY_PARSING)
def test_the_deadline_begins_when_the_reply_is_computed(
    start_server: Start, backend: Backend
) -> None:
    """It is stopped in the middle, so that a long computation takes no CPU time of others."""
    numbers = (38, 40, 43) if backend.language == "c" and not sanitized.KINDS else (29, 31, 33)
    with start_server(backend, "--idle-timeout", "0.4", "--max-n", "43") as server:
        for n in numbers:
            if is_served_when_computing_takes(server, 0.6, n):
                return
    pytest.fail(f"{server}: it cannot be stopped while it computes")


def is_served_when_computing_takes(server: Server, least_s: float, n: int) -> bool:
    """Ask for a number, and once more when it is there; False if it came before all was stopped."""
    with connect(server) as connection:
        connection.sendall(b"%d\n" % n)
        wait_until_read(server, connection)
        with frozen(server):
            if is_readable(connection, least_s):
                return False
        reply = oracle.reply(b"%d" % n, 43) + b"\n"
        assert read_exactly(connection, len(reply)) == reply
        assert not is_readable(connection, 0.05), f"{server} has closed"  # before it is asked again
        ask_on(server, connection)
    return True


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_the_deadline_does_not_run_while_the_request_waits_for_the_server(
    start_server: Start, backend: Backend
) -> None:
    with start_server(backend, "--idle-timeout", str(IDLE_S), "--io-wait", "400") as server:
        assert ask(server) == right_answer(server)
    with (
        start_server(backend, "--idle-timeout", str(IDLE_S), "--io-wait", "120") as server,
        connect(server) as connection,
    ):
        connection.sendall(b"10\n" * 3)
        replies = right_answer(server) * 3
        assert read_exactly(connection, len(replies)) == replies


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_a_client_that_waits_in_the_backlog_is_served_late_but_served(
    start_server: Start, backend: Backend
) -> None:
    wait_ms = IDLE_S * 1000 * 0.6  # with two before it, a client waits for longer than it may stall
    with start_server(backend, "--idle-timeout", str(IDLE_S), "--io-wait", str(wait_ms)) as server:
        clients = [connect(server) for _ in range(3)]
        for client in clients:
            client.sendall(b"10\n")
            client.shutdown(socket.SHUT_WR)
        for client in clients:
            assert read_to_end(client).received == right_answer(server)


@pytest.mark.parametrize("backend", EVERY_BOUNDED)
def test_a_client_that_waits_for_a_place_gets_that_of_one_that_stalls(
    start_server: Start, backend: Backend
) -> None:
    """Who has a place keeps it while it asks; --idle-timeout is what frees one."""
    places = 2 if backend.serves == "workers" else 1
    options = ["--workers", str(places), "--idle-timeout", str(IDLE_S)]
    with start_server(backend, *options) as server:
        held = [connect(server) for _ in range(places)]
        begin = time.monotonic()  # before any of them can have begun to stall
        for connection in held:
            ask_on(server, connection)
        with connect(server) as waiting:
            ask_on(server, waiting)
        assert time.monotonic() - begin >= IDLE_S * 0.5, f"{server} serves more than it claims"
