# SPDX-License-Identifier: BSD-3-Clause
"""The check of replies, against servers that answer rightly, wrongly, or not at all."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fibench.replies import WrongReply, check_reply, fibonacci

Behaviour = Callable[[socket.socket], None]


@contextmanager
def _server(behaviour: Behaviour) -> Iterator[int]:
    """Serve one connection by a behaviour, and join the thread at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                behaviour(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def _reply(data: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(256)
        connection.sendall(data)

    return behave


def _reply_and_stay(data: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(256)
        connection.sendall(data)
        while connection.recv(256):
            pass

    return behave


def test_fibonacci_counts_as_the_course_does() -> None:
    assert [fibonacci(n) for n in (0, 1, 2, 3, 30, 34)] == [1, 1, 2, 3, 1346269, 9227465]


def test_a_right_message_reply_passes() -> None:
    with _server(_reply(b"8")) as port:
        check_reply("127.0.0.1", port, b"5", b"8", "message", 5)


def test_a_right_line_reply_passes_and_the_connection_may_stay_open() -> None:
    with _server(_reply_and_stay(b"8\n")) as port:
        check_reply("127.0.0.1", port, b"5", b"8", "line", 5)


@pytest.mark.parametrize(
    ("reply", "framing"),
    [(b"9", "message"), (b"", "message"), (b"8\n", "message"), (b"88", "message"),
     (b"9\n", "line"), (b"8", "line"), (b"8\n8\n", "line"), (b"", "line")],
)  # fmt: skip
def test_a_wrong_reply_is_told_with_what_was_expected(reply: bytes, framing: str) -> None:
    with _server(_reply(reply)) as port, pytest.raises(WrongReply, match=r"replied .* not '8"):
        check_reply("127.0.0.1", port, b"5", b"8", framing, 5)


def test_a_message_server_that_keeps_the_connection_is_told_apart() -> None:
    with _server(_reply_and_stay(b"8")) as port, pytest.raises(WrongReply, match="did not close"):
        check_reply("127.0.0.1", port, b"5", b"8", "message", 0.2)


def test_a_silent_server_is_told_apart() -> None:
    with _server(_reply_and_stay(b"")) as port, pytest.raises(WrongReply, match="did not answer"):
        check_reply("127.0.0.1", port, b"5", b"8", "line", 0.2)


def test_control_characters_of_a_reply_do_not_reach_the_terminal() -> None:
    with _server(_reply(b"\x1b[31m")) as port, pytest.raises(WrongReply) as caught:
        check_reply("127.0.0.1", port, b"5", b"8", "message", 5)
    assert "\x1b" not in str(caught.value)
