# SPDX-License-Identifier: BSD-3-Clause
"""Many clients: at once, one after the other, and one in the place of another that has gone."""

import resource
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from tests.here import leave_out

from . import oracle, sanitized
from .backends import EVERY_LOOP, EVERY_WITH_OPTIONS, Backend, all_backends, each
from .conftest import Start
from .process import Server, frozen
from .wire import (
    Transcript,
    check_serves,
    connect,
    is_any_readable,
    read_exactly,
    read_to_end,
    reset,
    right_answer,
    wait_until_read,
)

KIB = 1 << 10
CROWD = 100  # more than any queue of a kernel's or a pool's
FEW_DESCRIPTORS = 48  # of a server
SPARE_DESCRIPTORS = 200  # what else a test has open
DISTINCT = 16  # numbers that are quick to compute, so that one reply tells itself from another


@contextmanager
def room_for(clients: int) -> Iterator[None]:
    """Let this process open so many connections, which the server may as well."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = clients + SPARE_DESCRIPTORS
    if hard < wanted:
        leave_out(f"a crowd needs more descriptors than `ulimit -Hn` allows, {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ask_on_all(server: Server, clients: Sequence[socket.socket]) -> None:
    """Ask on connections that stay, on all of them before the first reply is read."""
    for turn, client in enumerate(clients):
        client.sendall(own_number(turn) + b"\n")
    for turn, client in enumerate(clients):
        reply = own_reply(server, turn)
        assert read_exactly(client, len(reply)) == reply


def own_number(turn: int) -> bytes:
    """What a client asks, so that its reply is not that of its neighbour."""
    return b"%d" % (turn % DISTINCT)


def own_reply(server: Server, turn: int) -> bytes:
    """The reply to it."""
    if not server.backend.parses:
        return right_answer(server)
    return oracle.reply(own_number(turn)) + (b"\n" if server.framing == "line" else b"")


# At once.


@pytest.mark.plain_user
@pytest.mark.parametrize("framing", ["message", "line"])
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_a_crowd_that_asks_at_once_is_answered(
    start_server: Start, backend: Backend, framing: oracle.Framing
) -> None:
    """There are more requests than buffers in a ring of io_uring (-ENOBUFS)."""
    is_whole = framing == "line" or backend.needs == "liburing"
    count = backend.bears if is_whole else min(backend.bears, CROWD)
    with room_for(count), start_server(backend, framing=framing) as server:
        clients = [connect(server) for _ in range(count)]
        if framing == "line" and backend.serves == "any":
            ask_on_all(server, clients)  # so that all are accepted, and wait to be read
        with frozen(server):
            for turn, client in enumerate(clients):
                client.sendall(own_number(turn) + b"\n")
                client.shutdown(socket.SHUT_WR)
        for turn, client in enumerate(clients):
            assert read_to_end(client).received == own_reply(server, turn)
        check_serves(server)


@pytest.mark.plain_user
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_a_crowd_that_there_are_no_descriptors_for_is_answered_one_after_the_other(
    start_server: Start, backend: Backend
) -> None:
    """Who is not accepted yet waits until another has gone: nobody is closed, or forgotten."""
    count = 4 * FEW_DESCRIPTORS
    with room_for(count), start_server(backend, shell=f"ulimit -n {FEW_DESCRIPTORS}") as server:
        with frozen(server):
            clients = [connect(server) for _ in range(count)]
            for turn, client in enumerate(clients):
                client.sendall(own_number(turn) + b"\n")
                client.shutdown(socket.SHUT_WR)
        for turn, client in enumerate(clients):
            got = read_to_end(client)
            assert got == Transcript(own_reply(server, turn), "eof"), f"number {turn} of {count}"
        check_serves(server)
        assert server.stop() == 0


@pytest.mark.parametrize("backend", EVERY_LOOP)
def test_a_loop_waits_for_a_thousand_as_long_as_for_one(
    start_server: Start, backend: Backend
) -> None:
    wait_s = 1.0
    count = min(1000, backend.bears)
    options = ["--io-wait", str(wait_s * 1000)]
    with room_for(count), start_server(backend, *options) as server:
        clients = [connect(server) for _ in range(count)]
        begin = time.monotonic()
        for client in clients:
            client.sendall(b"-1\n")  # which takes nobody's time
        reply = b"out of range\n" if backend.parses else right_answer(server)
        for client in clients:
            assert read_exactly(client, len(reply)) == reply
        took_s = time.monotonic() - begin
    assert wait_s <= took_s < 3 * wait_s, f"{server}: {count} waits took {took_s:.2f} s"


# With few descriptors.

EVERY_PYTHON = each(*(b for b in all_backends() if b.language == "python"))


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("backend", EVERY_PYTHON)
def test_whoever_says_ready_has_descriptors_to_serve(
    start_server: Start, backend: Backend, step: int
) -> None:
    """From as few as an interpreter starts with; a crowd comes, and goes."""
    for limit in range(8, 29, step):
        few = f"ulimit -n {limit}"
        with start_server(backend, "--workers", "2", shell=few, may_fail=True) as server:
            if server.port == 0:
                assert server.wait(5.0) == 1, f"{server}: {limit} descriptors"
                assert server.stderr().count("\n") in range(1, 5), server.stderr()
            else:
                for client in [connect(server) for _ in range(3 * limit)]:
                    client.close()
                check_serves(server)
                assert server.stop() == 0
            assert "Traceback" not in server.stderr()


# One after the other.


@pytest.mark.parametrize("framing", ["message", pytest.param("line", marks=pytest.mark.long)])
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_thousands_of_short_connections_leave_nothing_behind(
    request: pytest.FixtureRequest, start_server: Start, backend: Backend, framing: str
) -> None:
    in_c, is_long = backend.language == "c", request.config.getoption("--all")
    count = 30000 if is_long else 1500 if in_c else 300
    with start_server(backend, "--workers", "2", framing=framing) as server:
        # Until each buffer that it keeps has been used: io_uring's are used in turn.
        for _ in range(2500 if backend.needs == "liburing" else 500 if in_c else 200):
            check_serves(server)
        before = settled(server, None)
        resident = server.own_bytes()
        for _ in range(count):
            check_serves(server)
        assert settled(server, before) == before
        grown = server.own_bytes() - resident
    most = (256 if in_c else 1024) if is_long else (128 if in_c else 640)
    assert sanitized.KINDS or grown < most * KIB, (
        f"{server} grew by {grown} bytes in {count} connections"
    )


Inventory = tuple[int, int, int, int]


def settled(server: Server, wanted: Inventory | None) -> Inventory:
    """Processes, zombies, threads and descriptors, once the server is done with its clients.

    What is left of a connection goes just after its reply. So the server is asked again until
    its inventory is what is wanted, or the same a few times in a row.
    """
    deadline = time.monotonic() + 5
    last, same = inventory(server), 0
    while time.monotonic() < deadline and last != wanted and (wanted or same < 5):
        server.has_ended(0.02)
        now = inventory(server)
        last, same = now, same + 1 if now == last else 0
    return last


def inventory(server: Server) -> Inventory:
    """How many processes, zombies, threads and descriptors there are now."""
    tree = server.tree()
    zombies = sum(state.state == "Z" for state in tree)
    threads = sum(state.threads for state in tree)
    return len(tree), zombies, threads, sum(state.descriptors for state in tree)


# In the place of another.


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_the_reply_to_a_client_that_has_gone_reaches_nobody(
    start_server: Start, backend: Backend
) -> None:
    """Whoever connects next gets the same descriptor while the request is still in hand."""
    long = b"30\n" if backend.language == "c" else b"21\n"
    kept: list[socket.socket] = []
    with start_server(backend) as server:
        for turn in range(24):
            gone = connect(server)
            gone.sendall(long)
            wait_until_read(server, gone)
            reset(gone)
            client = connect(server)
            client.sendall(own_number(turn) + b"\n")
            reply = own_reply(server, turn)
            got = read_exactly(client, len(reply))
            assert got == reply, f"{server}: asked {own_number(turn)!r}, got {got!r}"
            if backend.concurrent and len(kept) < DISTINCT:
                kept.append(client)
            else:
                check_that_nothing_more_comes(client)
        for client in kept:
            check_that_nothing_more_comes(client)


def check_that_nothing_more_comes(client: socket.socket) -> None:
    """Half-close, and fail unless all that comes is the end."""
    client.shutdown(socket.SHUT_WR)
    assert read_to_end(client).received == b""


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_the_wait_of_a_client_that_has_gone_is_nobody_elses(
    start_server: Start, backend: Backend
) -> None:
    wait_s = 0.4
    count = DISTINCT if backend.concurrent else 1
    with start_server(backend, "--io-wait", str(wait_s * 1000)) as server:
        gone = [connect(server) for _ in range(count)]
        for client in gone:
            client.sendall(b"10\n")
            wait_until_read(server, client)
        is_any_readable(gone, wait_s / 2)  # half of the wait is over
        for client in gone:
            reset(client)
        begin = time.monotonic()
        clients = [connect(server) for _ in range(count)]
        for turn, client in enumerate(clients):
            client.sendall(own_number(turn) + b"\n")
        early = is_any_readable(clients, begin + wait_s * 0.95 - time.monotonic())
        # A poll that is woken late looks once more at what came meanwhile.
        early = early and time.monotonic() < begin + wait_s * 0.95
        assert not early, f"{server} replied too early"
        for turn, client in enumerate(clients):
            client.shutdown(socket.SHUT_WR)
            assert read_to_end(client).received == own_reply(server, turn)
