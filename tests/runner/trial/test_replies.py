# SPDX-License-Identifier: BSD-3-Clause
"""The check of replies, against servers that answer rightly, wrongly, or not at all."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fibench.trial._replies import WrongReply, check_replies_at_once, fibonacci

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


def check_reply(port: int, expected: bytes, framing: str, timeout_s: float) -> None:
    check_replies_at_once("127.0.0.1", port, [(b"5", expected)], framing, timeout_s)


def test_a_right_message_reply_passes() -> None:
    with _server(_reply(b"8")) as port:
        check_reply(port, b"8", "message", 5)


def test_a_right_line_reply_passes_and_the_connection_may_stay_open() -> None:
    with _server(_reply_and_stay(b"8\n")) as port:
        check_reply(port, b"8", "line", 5)


@pytest.mark.parametrize(
    ("reply", "framing"),
    [(b"9", "message"), (b"", "message"), (b"8\n", "message"), (b"88", "message"),
     (b"9\n", "line"), (b"8", "line"), (b"8\n8\n", "line"), (b"", "line")],
)  # fmt: skip
def test_a_wrong_reply_is_told_with_what_was_expected(reply: bytes, framing: str) -> None:
    with _server(_reply(reply)) as port, pytest.raises(WrongReply, match=r"replied .* not '8"):
        check_reply(port, b"8", framing, 5)


LONG = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nDate: Mon, 01 Jan 2029"


@pytest.mark.parametrize("at", [0, 1, 19, 20, 21, 59, 60, 61, 64, len(LONG) - 1, len(LONG)])
@pytest.mark.parametrize("change", ["replaced", "cut", "added"])
def test_a_wrong_reply_is_shown_about_the_byte_that_differs(at: int, change: str) -> None:
    reply = {"replaced": LONG[:at] + b"\x07" + LONG[at + 1 :], "cut": LONG[:at],
             "added": LONG[:at] + b"\x07" + LONG[at:]}[change]  # fmt: skip
    if reply == LONG:
        return
    with _server(_reply(reply)) as port, pytest.raises(WrongReply) as caught:
        check_reply(port, LONG, "message", 5)
    said = re.search(r"replied (…?'.*'.*?), not (…?'.*')", str(caught.value))
    assert said is not None
    assert said[1] != said[2], "what came and what was expected look different"
    assert change == "cut" or r"\x07" in said[1]
    assert str(caught.value).isprintable()
    assert ("differ from byte" in str(caught.value)) == (at > 20)
    if at > 20:
        assert f"from byte {at} on" in str(caught.value)


def test_a_message_server_that_keeps_the_connection_is_told_apart() -> None:
    with _server(_reply_and_stay(b"8")) as port, pytest.raises(WrongReply, match="did not close"):
        check_reply(port, b"8", "message", 0.2)


def test_a_silent_server_is_told_apart() -> None:
    with _server(_reply_and_stay(b"")) as port, pytest.raises(WrongReply, match="did not answer"):
        check_reply(port, b"8", "line", 0.2)


def test_control_characters_of_a_reply_do_not_reach_the_terminal() -> None:
    with _server(_reply(b"\x1b[31m")) as port, pytest.raises(WrongReply) as caught:
        check_reply(port, b"8", "message", 5)
    assert "\x1b" not in str(caught.value)
