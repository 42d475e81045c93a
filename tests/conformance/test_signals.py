# SPDX-License-Identifier: BSD-3-Clause
"""How a server ends: at once when idle, after what was asked, at most 2 s, and as a whole."""

import signal
import socket
import time

import pytest

from . import oracle, sanitized
from .backends import EVERY_PARSING, EVERY_WITH_OPTIONS, Backend
from .conftest import Start
from .ends import (
    LIMIT_S,
    SIGNALS,
    SLACK_S,
    ask_after_a_reply,
    check_nothing_is_left,
    name_of,
)
from .process import Server, frozen
from .wire import check_serves, connect, read_exactly, read_to_end, right_answer, wait_until_read

PROMPT_S = 1.2  # well below the 2 s after which a server that computes is ended


def ask_and_wait_until_read(server: Server, text: bytes) -> socket.socket:
    """Ask something over a new connection; what the server has read is 'asked'."""
    connection = connect(server)
    connection.sendall(text)
    wait_until_read(server, connection)
    return connection


ONE_SIGNAL = pytest.mark.parametrize(
    "number",
    [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)],
    ids=name_of,
)
"""Where the other signal is sent in much the same state by another test."""


@pytest.mark.long
@pytest.mark.parametrize("number", SIGNALS, ids=name_of)
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_an_idle_server_ends_at_once_with_0(
    start_server: Start, backend: Backend, number: signal.Signals
) -> None:
    """So it does that has idle connections, and never was asked, which is seen in any form."""
    with start_server(backend) as server:
        check_serves(server)
        assert server.stop(number, PROMPT_S) == 0
        check_nothing_is_left(server)


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_a_server_that_was_never_asked_ends_at_once_with_0(
    start_server: Start, backend: Backend
) -> None:
    with start_server(backend) as server:
        assert server.stop(signal.SIGTERM, PROMPT_S) == 0
        check_nothing_is_left(server)


@ONE_SIGNAL
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_idle_connections_do_not_hold_it(
    start_server: Start, backend: Backend, number: signal.Signals
) -> None:
    with start_server(backend) as server:
        connections = [connect(server) for _ in range(8 if backend.concurrent else 1)]
        for connection in connections:
            connection.sendall(b"10\n")
            reply = right_answer(server)
            assert read_exactly(connection, len(reply)) == reply
        silent = connect(server)
        assert server.stop(number, PROMPT_S) == 0
        check_nothing_is_left(server)
        for connection in connections:
            assert read_to_end(connection).received == b""
            connection.close()
        silent.close()


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_half_a_request_does_not_hold_it(start_server: Start, backend: Backend) -> None:
    with start_server(backend) as server:
        connection = ask_after_a_reply(server, b"1")
        assert server.stop(signal.SIGTERM, PROMPT_S) == 0
        check_nothing_is_left(server)
        connection.close()


@pytest.mark.parametrize(
    ("number", "framing"), [(signal.SIGTERM, "message"), (signal.SIGINT, "line")]
)
@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_what_was_asked_is_answered_before_the_end_and_nothing_after_it(
    start_server: Start, backend: Backend, number: signal.Signals, framing: oracle.Framing
) -> None:
    with start_server(backend, "--io-wait", "150", framing=framing) as server:
        with ask_and_wait_until_read(server, b"10\n") as connection:
            server.send_signal(number)
            transcript = read_to_end(connection)
        assert transcript.received == right_answer(server), transcript
        assert transcript.end == "eof"
        assert server.wait(LIMIT_S + SLACK_S) == 0
        check_nothing_is_left(server)
        with pytest.raises(ConnectionRefusedError):
            connect(server)


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_so_is_one_who_has_said_meanwhile_that_nothing_will_follow(
    start_server: Start, backend: Backend
) -> None:
    with start_server(backend, "--io-wait", "150") as server:
        with ask_and_wait_until_read(server, b"10\n") as connection:
            server.send_signal(signal.SIGTERM)
            wait_until_noticed(server, signal.SIGTERM)
            connection.shutdown(socket.SHUT_WR)
            assert read_to_end(connection).received == right_answer(server)
        assert server.wait(LIMIT_S + SLACK_S) == 0


@pytest.mark.parametrize("backend", EVERY_PARSING)
def test_a_computation_in_hand_is_finished(start_server: Start, backend: Backend) -> None:
    # Long beside the way of a signal; on a busy machine short beside the 2 s until it is ended.
    n = b"36" if backend.language == "c" and not sanitized.KINDS else b"30"
    with start_server(backend, "--max-n", "40") as server:
        with ask_after_a_reply(server, n + b"\n") as connection:
            server.send_signal(signal.SIGTERM)
            assert read_to_end(connection).received == oracle.reply(n, 40) + b"\n"
        assert server.wait(LIMIT_S + SLACK_S) == 0
        check_nothing_is_left(server)


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_ctrl_c_reaches_the_whole_group_and_the_reply_still_comes(
    start_server: Start, backend: Backend
) -> None:
    with start_server(backend, "--io-wait", "200") as server:
        with ask_after_a_reply(server, b"10\n") as connection:
            server.send_signal_to_group(signal.SIGINT)
            assert read_to_end(connection).received == right_answer(server)
        assert server.wait(LIMIT_S + SLACK_S) == 0
        check_nothing_is_left(server)
        assert "Traceback" not in server.stderr()


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)],
    ids=name_of,
)
@pytest.mark.parametrize("backend", EVERY_PARSING)
def test_a_computation_of_any_depth_is_ended_after_2_s(
    start_server: Start, backend: Backend, number: signal.Signals
) -> None:
    sanitized.skip_signals_while_computing()
    with start_server(backend, "--max-n", "45") as server:
        connections = [ask_after_a_reply(server, b"45\n" * 8), connect(server)]
        connections[1].sendall(b"45\n" * 8)
        begin = time.monotonic()
        server.send_signal(number)
        wait_until_noticed(server, number)
        with frozen(server):  # for most of the time, in which it would take the CPU from others
            server.has_ended(begin + 0.85 * LIMIT_S - time.monotonic())
        assert server.wait(LIMIT_S + SLACK_S) == 0
        took_s = time.monotonic() - begin
        assert took_s > 0.9 * LIMIT_S, "it did not try to finish what was asked"
        assert took_s < LIMIT_S + SLACK_S
        check_nothing_is_left(server)
        for connection in connections:
            connection.close()


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_a_long_wait_is_ended_after_2_s(start_server: Start, backend: Backend) -> None:
    with start_server(backend, "--io-wait", "20000") as server:
        connection = ask_and_wait_until_read(server, b"10\n")
        assert server.stop(signal.SIGINT, LIMIT_S + SLACK_S) == 0
        check_nothing_is_left(server)
        connection.close()


@ONE_SIGNAL
@pytest.mark.parametrize("backend", EVERY_PARSING)
def test_a_second_signal_ends_it_at_once(
    start_server: Start, backend: Backend, number: signal.Signals
) -> None:
    sanitized.skip_signals_while_computing()
    with start_server(backend, "--max-n", "45") as server:
        connection = ask_after_a_reply(server, b"45\n" * 8)
        server.send_signal(number)
        wait_until_noticed(server, number)
        begin = time.monotonic()
        assert server.stop(number, LIMIT_S) in (0, -number)
        assert time.monotonic() - begin < PROMPT_S
        check_nothing_is_left(server)
        connection.close()


@pytest.mark.parametrize("backend", EVERY_WITH_OPTIONS)
def test_neither_a_child_that_it_did_not_make_nor_a_parent_that_ignores_children_ends_it(
    start_server: Start, backend: Backend
) -> None:
    with start_server(backend, shell="trap '' CHLD\n: &") as server:
        for _ in range(5):
            check_serves(server)
        assert server.stop(signal.SIGTERM, PROMPT_S) == 0


def wait_until_noticed(server: Server, number: signal.Signals) -> None:
    """Wait until the first signal is handled: two of a kind at the same time are only one.

    A handler that restores the default action shows in the mask of caught signals. One that does
    not is given a moment.
    """
    deadline = time.monotonic() + 0.3
    while server.catches(number) and time.monotonic() < deadline:
        server.has_ended(0.005)
