# SPDX-License-Identifier: BSD-3-Clause
"""null_server --replies: what another server has answered, repeated as fast as can be."""

import socket
import subprocess
from pathlib import Path

import pytest

from .asks import Ask, behind_a_password, exactly, greeting, repeat, talking, write
from .checks import check, files
from .conftest import LIMIT_S, Program, running

BYTES = ("--framing", "bytes")
HTTP = ("--framing", "http")
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
LAST = KEPT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
OLD = b"HTTP/1.0 200 OK\r\n\r\nhello"
PING = Ask("ping", b"PING\r\n", b"+PONG\r\n")


def one(request_size: int, reply: bytes, *lines: bytes) -> bytes:
    """A file with one reply."""
    step = b"reply %d %d\n" % (request_size, len(reply)) + reply + b"\n"
    return b"fibload-replies 1\nrequest a\n" + step + b"".join(lines) + b"end\n"


@pytest.mark.parametrize("pipeline", ["1", "9"])
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("reply", [KEPT, LAST, OLD], ids=["kept", "last", "old"])
def test_what_was_learned_is_repeated(
    fibload: Program, programs: Path, tmp_path: Path, pipeline: str, workers: str, reply: bytes
) -> None:
    learned, replies, options = files(tmp_path)

    def talk(connection: socket.socket) -> None:
        exactly(connection, len(GET))
        connection.sendall(reply)

    with talking(talk) as server:
        asks = write(tmp_path, Ask("get", GET, "learn"))
        assert check(fibload, server.port, asks, *HTTP, *options).status == 0
    command = ("--replies", str(replies), "--workers", workers)
    with running(programs / "null_server", *command) as (port, _):
        answer = fibload.load(
            port, *HTTP, "--asks", str(learned), "--requests", "1000", "--clients", "5",
            "--pipeline", pipeline,
        )  # fmt: skip
    assert answer.reasons == ""
    assert answer.status == 0
    assert answer.counts["ok"] == 1000
    assert answer.counts["closed"] == answer.counts["reset"] == 0


def test_openings_are_repeated_once_on_each_connection(
    fibload: Program, programs: Path, tmp_path: Path
) -> None:
    learned, replies, options = files(tmp_path)
    opening = ("expect line", ("send", b"AUTH x\r\n"), ("expect text", b"+OK\r\n"), ("send", b"-"))
    ask = Ask("ping", PING.send, b"+PONG\r\n", opening=opening)

    def talk(connection: socket.socket) -> None:
        exactly(connection, 1)
        repeat(PING.send, b"+PONG\r\n")(connection)

    guarded = behind_a_password(b"AUTH x\r\n", b"+OK\r\n", talk)
    with talking(greeting(b"220 x\r\n", guarded)) as server:
        asks = write(tmp_path, ask)
        assert check(fibload, server.port, asks, *BYTES, *options).status == 0
    with running(programs / "null_server", "--replies", str(replies)) as (port, _):
        answer = fibload.load(
            port, *BYTES, "--asks", str(learned), "--requests", "500", "--clients", "3",
            "--pipeline", "4",
        )  # fmt: skip
    assert (answer.status, answer.counts["ok"]) == (0, 500)


def test_one_of_several_replies_is_repeated(
    fibload: Program, programs: Path, tmp_path: Path
) -> None:
    _, replies, options = files(tmp_path)
    asks = write(tmp_path, Ask("one", b"1\n", b"a"), Ask("two", b"22\n", b"bb"))

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"a" if exactly(connection, 2) == b"1\n" else b"bb")

    with talking(talk) as server:
        assert check(fibload, server.port, asks, *BYTES, *options).status == 0
    for name in ("one", "two"):
        command = ("--replies", str(replies), "--ask", name)
        with running(programs / "null_server", *command) as (port, _):
            answer = fibload.load(port, *BYTES, "--asks", asks, "--ask", name, "--requests", "20")
        assert answer.status == 0


def test_a_request_is_whole_when_its_bytes_are_there(programs: Path, tmp_path: Path) -> None:
    replies = tmp_path / "replies"
    replies.write_bytes(one(4, b"yes"))
    with (
        running(programs / "null_server", "--replies", str(replies)) as (port, _),
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
    ):
        for sent, answered in ((b"1", b""), (b"23", b""), (b"4" + b"5678" + b"9", b"yesyes")):
            connection.sendall(sent)
            assert exactly(connection, len(answered)) == answered
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""  # of the third request there is but a byte


def test_a_long_reply_waits_until_the_client_reads(programs: Path, tmp_path: Path) -> None:
    reply = bytes(range(256)) * (16 << 10)  # 4 MiB
    replies = tmp_path / "replies"
    replies.write_bytes(one(1, reply))
    with (
        running(programs / "null_server", "--replies", str(replies)) as (port, _),
        socket.create_connection(("127.0.0.1", port), timeout=10) as idle,
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
    ):
        idle.sendall(b"xxxx")  # and reads nothing
        connection.sendall(b"xxx")
        assert exactly(connection, 3 * len(reply)) == 3 * reply


def test_what_follows_a_last_reply_is_not_answered(programs: Path, tmp_path: Path) -> None:
    replies = tmp_path / "replies"
    replies.write_bytes(one(2, b"bye", b"close\n"))
    with (
        running(programs / "null_server", "--replies", str(replies)) as (port, _),
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
    ):
        connection.sendall(b"123456789")
        assert exactly(connection, 100) == b"bye"


def test_more_connections_than_it_may_have_are_refused(programs: Path, tmp_path: Path) -> None:
    replies = tmp_path / "replies"
    replies.write_bytes(one(1, b"!"))
    command = ("--replies", str(replies), "--max-connections", "1", "--workers", "1")
    with (
        running(programs / "null_server", *command) as (port, _),
        socket.create_connection(("127.0.0.1", port), timeout=10) as first,
    ):
        first.sendall(b"x")
        assert first.recv(10) == b"!"
        with socket.create_connection(("127.0.0.1", port), timeout=10) as second:
            assert second.recv(10) == b""
        first.sendall(b"x")
        assert first.recv(10) == b"!"


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (None, (), "No such file or directory"),
        (b"", (), "line 1: the file ends before"),
        (b"fibload-asks 1\n", (), "no file of replies"),
        (one(1, b"x"), ("--ask", "b"), "there is no reply to request 'b'"),
        (one(1, b"x") + one(1, b"x")[18:].replace(b" a", b" b"), (), "say which: --ask"),
        (one(1, b"x"), ("--io-wait", "5"), "--io-wait"),
    ],
)
def test_a_file_that_is_none_is_one_line_and_status_2(
    programs: Path, tmp_path: Path, content: bytes | None, options: tuple[str, ...], said: str
) -> None:
    replies = tmp_path / "replies"
    if content is not None:
        replies.write_bytes(content)
    ended = subprocess.run(
        [programs / "null_server", "--replies", str(replies), *options, "0"],
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_ask_needs_replies(programs: Path) -> None:
    ended = subprocess.run(
        [programs / "null_server", "--ask", "a", "0"],
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.startswith("null_server: --ask needs --replies")
