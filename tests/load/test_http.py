# SPDX-License-Identifier: BSD-3-Clause
"""Framing http: replies as servers of the web give them, and connections that they close."""

import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from .asks import Ask, Talk, exactly, talking, write
from .conftest import Program

HTTP = ("--framing", "http")
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
LAST = HELLO.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"
)
OLD = b"HTTP/1.0 200 OK\r\n\r\nhello"  # ends with its connection
CONTINUE = b"HTTP/1.1 103 Early Hints\r\n\r\n" + HELLO
ASK = Ask("hello", GET, b"hello")


def answering(*replies: bytes, pieces: int = 1 << 16) -> Talk:
    """Answer with these in turn on each connection, in such pieces, and close behind the last.

    Requests that are unread then would have the kernel reset the connection, replies and all: they
    are read, as RFC 9112 9.6 has it.
    """

    def talk(connection: socket.socket) -> None:
        for reply in replies:
            if exactly(connection, len(GET)) != GET:
                return
            for at in range(0, len(reply), pieces):
                connection.sendall(reply[at : at + pieces])
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass

    return talk


def for_ever(reply: bytes, pieces: int = 1 << 16) -> Talk:
    """Answer with this as long as the connection is there."""
    return answering(*[reply] * 10_000, pieces=pieces)


def load(
    fibload: Program, folder: Path, talk: Talk, ask: Ask, options: Sequence[str] = ()
) -> tuple[dict[str, int], dict[str, object], str, int]:
    """Load a server that talks so; return counts, report, reasons, connections it had."""
    with talking(talk) as server:
        answer = fibload.load(server.port, *HTTP, "--asks", write(folder, ask), *options)
    return answer.counts, answer.report, answer.reasons, server.connections


@pytest.mark.parametrize("reply", [HELLO, CHUNKED, CONTINUE], ids=["length", "chunked", "interim"])
@pytest.mark.parametrize("pieces", [1, 7, 1 << 16])
@pytest.mark.parametrize("pipeline", ["1", "4"])
def test_a_connection_is_kept(
    fibload: Program, tmp_path: Path, reply: bytes, pieces: int, pipeline: str
) -> None:
    options = ("--requests", "40", "--pipeline", pipeline)
    counts, report, reasons, connections = load(
        fibload, tmp_path, for_ever(reply, pieces), ASK, options
    )
    assert reasons == ""
    assert (counts["ok"], connections) == (40, 1)
    assert report["repeated"] == 0


@pytest.mark.parametrize("pipeline", ["1", "5"])
@pytest.mark.parametrize("loop", [(), ("--rate", "500")])
@pytest.mark.parametrize("kept", [0, 1, 3])
@pytest.mark.parametrize("last", [LAST, OLD], ids=["announced", "by its end"])
def test_a_server_may_close_after_any_reply(
    fibload: Program, tmp_path: Path, pipeline: str, loop: Sequence[str], kept: int, last: bytes
) -> None:
    """What was pipelined behind the last reply is sent again."""
    talk = answering(*[HELLO] * kept, last)
    options = ("--requests", "60", "--pipeline", pipeline, "--clients", "2", *loop)
    counts, report, reasons, connections = load(fibload, tmp_path, talk, ASK, options)
    assert reasons == ""
    assert counts["ok"] == 60
    assert counts["closed"] + counts["reset"] + counts["wrong"] == 0
    assert connections >= 60 // (kept + 1)
    repeated = report["repeated"]
    assert isinstance(repeated, int)
    assert (repeated > 0) == (pipeline == "5" and not loop) or loop


def test_what_is_sent_again_is_counted(fibload: Program, tmp_path: Path) -> None:
    """Each connection answers one of four; what is behind the last of all may be sent or not."""
    options = ("--requests", "40", "--pipeline", "4")
    counts, report, _, _ = load(fibload, tmp_path, answering(LAST), ASK, options)
    assert counts["ok"] == 40
    assert counts["started"] == 40 + counts["unfinished"]
    assert report["repeated"] in (39 * 3, 40 * 3)


def test_a_connection_for_each_request(fibload: Program, tmp_path: Path) -> None:
    ask = Ask("hello", GET, b"hello", also=("close",))
    counts, report, _, connections = load(
        fibload, tmp_path, for_ever(HELLO), ask, ("--requests", "30", "--clients", "2")
    )
    latency = report["latency"]
    assert isinstance(latency, dict)
    assert counts["started"] == connections
    assert latency["clock"] == "connection"


def test_a_status_and_any_body(fibload: Program, tmp_path: Path) -> None:
    ask = Ask("missing", GET, None, also=("status 404",))
    reply = b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n"
    counts, _, reasons, _ = load(fibload, tmp_path, for_ever(reply), ask, ("--requests", "10"))
    assert (counts["ok"], reasons) == (10, "")


def test_the_reply_to_head_has_no_body(fibload: Program, tmp_path: Path) -> None:
    ask = Ask("head", GET, None, also=("head",))
    reply = HELLO.removesuffix(b"hello")
    counts, _, reasons, _ = load(fibload, tmp_path, for_ever(reply), ask, ("--requests", "10"))
    assert (counts["ok"], reasons) == (10, "")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (HELLO.replace(b"200 OK", b"500 Oh"), '"HTTP/1.1 500 Oh" instead of "HTTP/1.1 2xx"'),
        (HELLO.replace(b"hello", b"help!"), 'differs at byte 3: its body differs: "help!" instead'),
        (CHUNKED.replace(b"llo", b"lp!"), 'differs at byte 3: its body differs: "help!" instead'),
        (b"+PONG\r\n" * 10, "it does not begin with a status line of HTTP/1.1"),
        (HELLO.replace(b": 5", b": -5"), "its Content-Length is not a number"),
    ],
)
def test_a_wrong_reply_is_told_with_what_is_wrong(
    fibload: Program, tmp_path: Path, reply: bytes, said: str
) -> None:
    counts, report, reasons, _ = load(fibload, tmp_path, for_ever(reply), ASK, ("--duration", "1"))
    assert counts["wrong"] > 0
    assert counts["ok"] == 0
    assert said in reasons
    assert report["first_wrong"]


def test_a_reply_that_is_cut_short_is_closed(fibload: Program, tmp_path: Path) -> None:
    counts, report, _, _ = load(
        fibload, tmp_path, answering(HELLO[:-1]), ASK, ("--duration", "0.2")
    )
    assert counts["closed"] > 0
    assert report["cut_short"] == counts["closed"]
    assert counts["wrong"] == counts["ok"] == 0


def test_a_server_that_closes_without_a_word_loses_what_is_in_flight(
    fibload: Program, tmp_path: Path
) -> None:
    counts, report, _, _ = load(fibload, tmp_path, answering(HELLO, b""), ASK, ("--requests", "10"))
    assert counts["closed"] + counts["reset"] >= 9
    assert report["repeated"] == 0
