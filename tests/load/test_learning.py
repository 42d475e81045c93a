# SPDX-License-Identifier: BSD-3-Clause
"""fibload --check of HTTP: bodies that are learned, however they come."""

import itertools
import socket
from pathlib import Path

import pytest

from .asks import (
    Ask,
    Talk,
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

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\n\r\n" + HELLO
OLD = b"HTTP/1.0 200 OK\r\n\r\nhello"  # ends with its connection


def endless(connection: socket.socket) -> None:
    """Answer without an end."""
    exactly(connection, len(GET))
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


@pytest.mark.parametrize("reply", [HELLO, CHUNKED, INTERIM, OLD])
@pytest.mark.parametrize("pieces", [1, 9, 1 << 16])
def test_a_body_is_learned_however_it_comes(
    fibload: Program, tmp_path: Path, reply: bytes, pieces: int
) -> None:
    learned, replies, options = files(tmp_path)
    cut = [reply[at : at + pieces] for at in range(0, len(reply), pieces)]
    talk = once(GET, *cut) if reply == OLD else repeat(GET, reply)
    with talking(talk) as server:
        asks = write(tmp_path, LEARN)
        checked = check(fibload, server.port, asks, *HTTP, *options, "--clients", "5")
        assert checked.status == 0
        answer = fibload.load(
            server.port, *HTTP, "--asks", str(learned), "--requests", "30", "--clients", "2"
        )
    known = tmp_path / "known"
    known.mkdir()
    assert learned.read_bytes() == Path(write(known, Ask("get", GET, b"hello"))).read_bytes()
    assert reply in replies.read_bytes()
    assert (b"\nclose\n" in replies.read_bytes()) == (reply == OLD)
    assert (answer.status, answer.counts["ok"]) == (0, 30)


def test_what_is_asked_of_http_is_written_as_it_was(fibload: Program, tmp_path: Path) -> None:
    learned, _, options = files(tmp_path)
    asks = write(
        tmp_path,
        Ask("a", GET, 5, also=("status 404",)),
        Ask("b", GET, None, also=("close", "status 404")),
        Ask("c", GET, None, also=("head", "status 404")),
    )
    reply = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello"
    with talking(repeat(GET, reply)) as server:
        checked = check(fibload, server.port, asks, *HTTP, *options)
    # The reply to HEAD has no body, and here one came.
    assert [entry["outcome"] for entry in checked.entries] == ["right", "right", "surplus"]
    asks = write(tmp_path, *(Ask(name, GET, 5, also=("status 404",)) for name in "ab"))
    with talking(repeat(GET, reply)) as server:
        assert check(fibload, server.port, asks, *HTTP, *options).status == 0
    assert learned.read_bytes() == Path(asks).read_bytes()


def test_a_body_that_varies_is_shown_where_it_differs(fibload: Program, tmp_path: Path) -> None:
    learned, _, options = files(tmp_path)
    number = itertools.count()

    def talk(connection: socket.socket) -> None:
        exactly(connection, len(GET))
        body = b'{"items": ["a", "b"], "elapsed": "%d"}' % next(number)
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)

    with talking(talk) as server:
        checked = check(
            fibload, server.port, write(tmp_path, LEARN), *HTTP, *options, "--clients", "3"
        )
    assert (checked.only["outcome"], checked.only["right"]) == ("wrong", 1)
    assert checked.only["first_wrong"]["differs_at"] == 34
    assert "its body is not the same on each connection" in checked.only["reason"]
    assert not learned.exists()


@pytest.mark.parametrize(("one", "other"), [(b"", b"x"), (b"abc", b"ab"), (b"ab", b"abc")])
def test_a_body_that_is_longer_on_one_connection_differs_behind_the_shorter(
    fibload: Program, tmp_path: Path, one: bytes, other: bytes
) -> None:
    bodies = itertools.cycle([one, other])

    def talk(connection: socket.socket) -> None:
        exactly(connection, len(GET))
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + next(bodies))

    with talking(talk) as server:
        checked = check(fibload, server.port, write(tmp_path, LEARN), *HTTP, "--clients", "2")
    assert checked.only["outcome"] == "wrong"
    assert checked.only["first_wrong"]["differs_at"] == min(len(one), len(other))


@pytest.mark.parametrize(
    ("talk", "outcome", "said"),
    [
        (repeat(GET, HELLO.replace(b"200 OK", b"302 Found")), "wrong", "its status differs"),
        (repeat(GET, HELLO.replace(b"200 OK", b"503 Busy")), "wrong", "503 Busy"),
        (repeat(GET, HELLO + b"more"), "surplus", "nobody asked for it"),
        (repeat(GET, HELLO[:-1]), "timeout", "its reply was not complete"),
        (once(GET, HELLO[:-1]), "closed", "before its reply was complete"),
        (greeting(b"SSH-2.0-x\r\n", silent), "wrong", "SSH-2.0-x"),
        (greeting(HELLO + HELLO, silent), "surplus", "nobody asked for it"),
        (endless, "wrong", "longer than what can be compared byte by byte"),
    ],
    ids=["redirect", "5xx", "longer", "short", "cut", "no http", "answered before", "endless"],
)
def test_what_is_learned_must_be_right(
    fibload: Program, tmp_path: Path, talk: Talk, outcome: str, said: str
) -> None:
    with talking(talk) as server:
        checked = check(
            fibload, server.port, write(tmp_path, LEARN), *HTTP, "--clients", "2", "--timeout", "2"
        )
    assert (checked.only["outcome"], checked.only["right"]) == (outcome, 0)
    assert said in checked.only["reason"]


def test_a_body_without_an_end_is_no_longer_than_what_is_expected(
    fibload: Program, tmp_path: Path
) -> None:
    with talking(endless) as server:
        checked = check(fibload, server.port, write(tmp_path, Ask("get", GET, b"x")), *HTTP)
    assert checked.only["outcome"] == "wrong"
    assert "its body is too long" in checked.only["reason"]


def test_a_body_that_may_be_any_has_as_long_as_the_check(fibload: Program, tmp_path: Path) -> None:
    _, replies, options = files(tmp_path)
    asks = write(tmp_path, Ask("get", GET, None))
    with talking(endless) as server:
        checked = check(fibload, server.port, asks, *HTTP, *options, "--timeout", "0.3")
    assert checked.only["outcome"] == "timeout"
    assert not replies.exists()


def test_learned_files_that_cannot_be_written_are_a_failure(
    fibload: Program, tmp_path: Path
) -> None:
    nowhere = str(tmp_path / "no" / "where")
    with (
        talking(repeat(GET, HELLO)) as server,
        fibload.start(
            "--check", "--asks", write(tmp_path, LEARN), *HTTP, "--learned", nowhere,
            str(server.port),
        ) as process,
    ):  # fmt: skip
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stderr == f"fibload: cannot write {nowhere}: No such file or directory\n"
