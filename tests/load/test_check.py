# SPDX-License-Identifier: BSD-3-Clause
"""fibload --check: each request asked once on several connections, and what is learned by it."""

import itertools
import socket
import threading
from pathlib import Path

import pytest

from .asks import (
    Ask,
    Talk,
    behind_a_password,
    exactly,
    greeting,
    once,
    repeat,
    silent,
    talking,
    write,
)
from .checks import GET, HTTP, LEARN, check, files
from .conftest import Program
from .servers import closed_port, reset

BYTES = ("--framing", "bytes")
PING = Ask("ping", b"PING\r\n", b"+PONG\r\n")
PONG = b"+PONG\r\n"
PONGS = repeat(PING.send, PONG)


def test_each_request_is_asked_on_each_connection_at_the_same_time(
    fibload: Program, tmp_path: Path
) -> None:
    everyone = threading.Barrier(6, timeout=10)  # nobody is answered before all have asked

    def talk(connection: socket.socket) -> None:
        asked = exactly(connection, 6)
        everyone.wait()
        connection.sendall(b"1" if asked == b"FIRST\n" else b"22")

    asks = write(tmp_path, Ask("first", b"FIRST\n", b"1"), Ask("other", b"OTHER\n", b"22"))
    with talking(talk) as server:
        checked = check(fibload, server.port, asks, *BYTES, "--clients", "3")
    assert [entry["request"] for entry in checked.entries] == ["first", "other"]
    assert [entry["right"] for entry in checked.entries] == [3, 3]
    assert server.connections == 6


def test_a_server_that_serves_one_connection_at_a_time_is_not_waited_for_in_vain(
    fibload: Program, tmp_path: Path
) -> None:
    one = threading.Lock()

    def talk(connection: socket.socket) -> None:
        with one:
            behind_a_password(b"AUTH\n", b"+OK\n", PONGS)(connection)

    opening = (("send", b"AUTH\n"), ("expect text", b"+OK\n"))
    asks = write(tmp_path, Ask("ping", PING.send, PONG, opening=opening))
    with talking(talk) as server:
        assert check(fibload, server.port, asks, *BYTES, "--clients", "4").status == 0


def test_a_server_that_does_not_close_is_right_all_the_same(
    fibload: Program, tmp_path: Path
) -> None:
    over = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(PONG if exactly(connection, 6) == PING.send else b"")
        over.wait(10)

    with talking(talk) as server:
        checked = check(fibload, server.port, write(tmp_path, PING), *BYTES, "--clients", "2")
        over.set()
    assert checked.status == 0


@pytest.mark.parametrize("size", [1, 100, 1 << 20])
def test_requests_and_replies_of_any_length(fibload: Program, tmp_path: Path, size: int) -> None:
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    asks = write(tmp_path, Ask("same", body, body), Ask("long", body, size))
    with talking(repeat(body, body)) as server:
        assert check(fibload, server.port, asks, *BYTES).status == 0


def closing(connection: socket.socket) -> None:
    """Close at once."""


def resetting(connection: socket.socket) -> None:
    """Reset the connection when the request is there."""
    exactly(connection, len(PING.send))
    reset(connection)


@pytest.mark.parametrize(
    ("talk", "outcome", "said"),
    [
        (silent, "timeout", "its reply was not complete within 0.3"),
        (resetting, "reset", "the server reset the connection before its reply was complete"),
        (once(PING.send), "closed", "closed the connection before its reply was complete (0 bytes"),
        (once(PING.send, b"+PO"), "closed", "(3 bytes had come)"),
        (once(PING.send, b"-ERR\r\n"), "wrong", r'"-ERR\x0d\x0a" instead of "+PONG\x0d\x0a"'),
        (repeat(PING.send, b"-ERR\r\n"), "wrong", r'"-ERR\x0d\x0a" instead of'),
        (repeat(PING.send, b"+PING\r\n"), "wrong", "differs at byte 2"),
        (repeat(PING.send, PONG + b"+OK\r\n"), "surplus", r'nobody asked for it: "+OK\x0d\x0a"'),
        (greeting(b"220 hello\r\n", PONGS), "wrong", r"220 hello\x0d"),
        (greeting(PONG + PONG, silent), "surplus", "nobody asked for it"),
    ],
    ids=[
        "silent", "reset", "closed", "cut", "wrong and closed", "wrong and short", "wrong",
        "longer", "greeting", "answered before",
    ],
)  # fmt: skip
def test_what_is_not_right_has_an_outcome_and_a_reason(
    fibload: Program, tmp_path: Path, talk: Talk, outcome: str, said: str
) -> None:
    learned, replies, options = files(tmp_path)
    with talking(talk) as server:
        checked = check(
            fibload, server.port, write(tmp_path, PING), *BYTES, *options, "--clients", "3",
            "--timeout", "0.3",
        )  # fmt: skip
    assert (checked.only["outcome"], checked.only["right"]) == (outcome, 0)
    assert said in checked.only["reason"]
    assert not learned.exists()
    assert not replies.exists()


@pytest.mark.parametrize(
    ("talk", "speaks_first"),
    [
        (greeting(b"220 hello\r\n", PONGS), True),
        (greeting(PONG + PONG, silent), True),
        (repeat(PING.send, b"+PING\r\n"), False),
        (repeat(PING.send, PONG + PONG), False),
    ],
)
def test_a_server_that_speaks_before_it_is_asked_is_told_of(
    fibload: Program, tmp_path: Path, talk: Talk, speaks_first: bool
) -> None:
    with talking(talk) as server:
        checked = check(fibload, server.port, write(tmp_path, PING), *BYTES, "--clients", "2")
    said = "; the server speaks before it is asked, as an opening can say"
    assert checked.only["reason"].endswith(said) == speaks_first


def test_a_server_that_closes_at_once(fibload: Program, tmp_path: Path) -> None:
    """The request may come before the end or behind it, which resets."""
    with talking(closing) as server:
        checked = check(fibload, server.port, write(tmp_path, PING), *BYTES, "--clients", "8")
    assert checked.only["outcome"] in ("closed", "reset")


def test_nobody_listens(fibload: Program, tmp_path: Path) -> None:
    checked = check(fibload, closed_port(), write(tmp_path, PING), *BYTES)
    assert checked.only["outcome"] == "refused"
    assert checked.only["reason"] == "no connection: Connection refused"


@pytest.mark.parametrize(
    ("talk", "said"),
    [
        (once(b"AUTH\n", b"-NO\n"), r'"-NO\x0a" instead of "+OK\x0a"'),
        (once(b"AUTH\n", b"+OK\nmore"), r'differs at byte 4: "+OK\x0amore" instead of "+OK\x0a"'),
    ],
)
def test_an_opening_must_be_right(fibload: Program, tmp_path: Path, talk: Talk, said: str) -> None:
    opening = (("send", b"AUTH\n"), ("expect text", b"+OK\n"))
    asks = write(tmp_path, Ask("ping", PING.send, PONG, opening=opening))
    with talking(talk) as server:
        checked = check(fibload, server.port, asks, *BYTES)
    assert checked.only["outcome"] == "opening"
    assert checked.only["reason"] == said
    assert checked.only["first_wrong"]["expected"] == r"+OK\x0a"


def test_an_opening_that_does_not_come(fibload: Program, tmp_path: Path) -> None:
    asks = write(tmp_path, Ask("ping", PING.send, PONG, opening=("expect line",)))
    with talking(silent) as server:
        checked = check(fibload, server.port, asks, *BYTES, "--timeout", "0.2")
    assert checked.only["outcome"] == "timeout"
    assert checked.only["reason"].startswith("its opening was not complete within 0.2")


def test_the_outcome_is_the_one_that_says_most_of_the_server(
    fibload: Program, tmp_path: Path
) -> None:
    """Of four connections one is answered, one closed, one reset and one answered wrongly."""
    talks = itertools.cycle([PONGS, once(PING.send), once(PING.send, b"+P0NG\r\n"), resetting])
    with talking(lambda connection: next(talks)(connection)) as server:
        checked = check(fibload, server.port, write(tmp_path, PING), *BYTES, "--clients", "4")
    assert (checked.only["outcome"], checked.only["right"]) == ("wrong", 1)
    assert checked.only["took_ns"] > 0


def test_one_line_whatever_it_says(fibload: Program, tmp_path: Path) -> None:
    asks = write(tmp_path, Ask("flush", b"FLUSH\r\n", "line"))
    with talking(repeat(b"FLUSH\r\n", b"OK 17\r\n")) as server:
        assert check(fibload, server.port, asks, *BYTES).status == 0
    with talking(repeat(b"FLUSH\r\n", b"OK 17\r\nmore")) as server:
        assert check(fibload, server.port, asks, *BYTES).only["outcome"] == "surplus"
    with talking(repeat(b"FLUSH\r\n", b"x" * (1 << 17))) as server:
        checked = check(fibload, server.port, asks, *BYTES)
    assert checked.only["outcome"] == "wrong"
    assert "its line does not end" in checked.only["reason"]
    with talking(repeat(b"FLUSH\r\n", b"OK")) as server:
        checked = check(fibload, server.port, asks, *BYTES, "--timeout", "0.2")
    assert checked.only["outcome"] == "timeout"


def test_what_is_not_learned_is_written_as_it_was(fibload: Program, tmp_path: Path) -> None:
    learned, _, options = files(tmp_path)
    opening = ("expect line", ("send", b"A\n"), ("expect text", b"B\n"), ("send", b"C\n"))
    asks = write(
        tmp_path,
        Ask("a", b"X", b"Y", opening=opening, also=("close",)),
        Ask("b", b"X", 1, opening=opening),
    )

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"hello\n")
        exactly(connection, 2)
        connection.sendall(b"B\n")
        exactly(connection, 3)
        connection.sendall(b"Y")

    with talking(talk) as server:
        assert check(fibload, server.port, asks, *BYTES, *options).status == 0
    assert learned.read_bytes() == Path(asks).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "--asks"),
        ((*BYTES,), "--asks"),
        ((*BYTES, "--asks", "{asks}", "--ask", "ping"), "--ask"),
        ((*BYTES, "--asks", "{asks}", "--group", "name=a"), "--group"),
        ((*BYTES, "--asks", "{asks}", "--rate", "5"), "--rate"),
        ((*BYTES, "--asks", "{asks}", "--pipeline", "2"), "--pipeline"),
        ((*BYTES, "--asks", "{asks}", "--requests", "2"), "--requests"),
        ((*BYTES, "--asks", "{asks}", "--clients", "4097"), "4097"),
        ((*BYTES, "--asks", "{asks}", "--n", "1"), "--n"),
        ((*HTTP, "--asks", "{line}"), "line 5"),
        ((*BYTES, "--asks", "{learn}"), "line 8"),
    ],
)
def test_what_does_not_go_together_with_a_check(
    fibload: Program, tmp_path: Path, arguments: tuple[str, ...], named: str
) -> None:
    places = {}
    for word, ask in (
        ("asks", PING), ("line", Ask("flush", b"FLUSH", "line")), ("learn", LEARN),
    ):  # fmt: skip
        (tmp_path / word).mkdir()
        places[f"{{{word}}}"] = write(tmp_path / word, ask)
    argv = [places.get(argument, argument) for argument in arguments]
    status, stderr = fibload.fails("--check", *argv, "2999")
    assert (status, stderr.count("\n")) == (2, 1)
    assert named in stderr


@pytest.mark.parametrize(("framing", "word"), [(BYTES, "line"), (HTTP, "learn")])
def test_a_load_learns_nothing(
    fibload: Program, tmp_path: Path, framing: tuple[str, str], word: str
) -> None:
    asks = write(tmp_path, Ask("get", GET, word))
    status, stderr = fibload.fails(*framing, "--asks", asks, "2999")
    assert status == 2
    assert f"request get has 'expect {word}', which needs --check" in stderr
    for option in ("--learned", "--replies"):
        status, stderr = fibload.fails(*BYTES, "--asks", write(tmp_path, PING), option, "x", "2999")
        assert (status, "needs --check" in stderr) == (2, True)
