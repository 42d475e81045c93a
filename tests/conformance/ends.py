# SPDX-License-Identifier: BSD-3-Clause
"""How a server ends that is told to, with all that it is made of."""

import signal
import socket

from .process import Server
from .wire import connect, read_exactly, right_answer

LIMIT_S = 2.0
SLACK_S = 1.5  # for a busy machine
SLACK_OF_AN_EXIT_S = 3.0  # likewise, where much was still to be answered

SIGNALS = [signal.SIGTERM, signal.SIGINT]


def name_of(number: signal.Signals) -> str:
    """A signal as a test's id."""
    return number.name


def check_nothing_is_left(server: Server) -> None:
    """Fail if a process of the server outlives its main process by more than a moment."""
    left = server.wait_until_nothing_is_left(0.5)
    assert left == [], f"{server} left processes behind"


def ask_after_a_reply(server: Server, text: bytes) -> socket.socket:
    """Ask something in line framing behind a whole request, whose reply says that both are read."""
    connection = connect(server)
    connection.sendall(b"10\n" + text)
    reply = right_answer(server)
    assert read_exactly(connection, len(reply)) == reply
    return connection


def children(server: Server) -> list[int]:
    """The processes that the main one has started, those that have ended left out."""
    return [
        state.pid
        for state in server.tree()
        if state.parent == server.process.pid and state.state not in "ZX"
    ]


def check_exit(server: Server) -> None:
    """Fail unless it ends with 0, without a word, and nothing of it is left."""
    assert server.wait(LIMIT_S + SLACK_OF_AN_EXIT_S) == 0
    assert server.wait_until_nothing_is_left(SLACK_OF_AN_EXIT_S) == []
    assert "Traceback" not in server.stderr()
