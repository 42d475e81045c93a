# SPDX-License-Identifier: BSD-3-Clause
"""Requests of any bytes, by name: framing bytes, openings, a connection for each request."""

import socket
import struct
from pathlib import Path

import pytest

from .asks import (
    Ask,
    behind_a_password,
    echo,
    exactly,
    greeting,
    length_prefixed,
    repeat,
    talking,
    write,
)
from .conftest import Program

BYTES = ("--framing", "bytes")
PING = Ask("ping", b"PING\r\n", b"+PONG\r\n")
PONGS = repeat(PING.send, b"+PONG\r\n")


@pytest.mark.parametrize("pipeline", ["1", "7"])
@pytest.mark.parametrize("clients", ["1", "5"])
def test_a_reply_is_complete_when_its_bytes_are_there(
    fibload: Program, tmp_path: Path, clients: str, pipeline: str
) -> None:
    ask = ("--asks", write(tmp_path, PING), "--clients", clients, "--pipeline", pipeline)
    with talking(PONGS) as server:
        answer = fibload.load(server.port, *BYTES, *ask, "--requests", "300")
    assert answer.status == 0
    assert answer.counts["ok"] == 300
    assert server.connections == int(clients)
    assert answer.report["settings"]["framing"] == "bytes"
    assert answer.report["settings"]["request"] is None
    assert answer.report["latency"]["clock"] == "service"
    (group,) = answer.report["groups"]
    assert (group["framing"], group["ask"], group["n"]) == ("bytes", "ping", None)


@pytest.mark.parametrize("size", [1, 4096, 1 << 20])
def test_every_byte_may_be_any(fibload: Program, tmp_path: Path, size: int) -> None:
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    asks = write(tmp_path, Ask("same", body, body))
    with talking(echo) as server:
        answer = fibload.load(
            server.port, *BYTES, "--asks", asks, "--requests", "8", "--pipeline", "2"
        )
    assert (answer.status, answer.counts["ok"]) == (0, 8)


def test_a_reply_may_be_any_bytes_of_a_length(fibload: Program, tmp_path: Path) -> None:
    request = struct.pack(">I", 5) + b"\0abc\n"
    any_nine = Ask("any", request, 9)
    reverse = Ask("reverse", request, struct.pack(">I", 5) + b"\ncba\0")
    asks = write(tmp_path, any_nine, reverse)
    with talking(length_prefixed) as server:
        answer = fibload.load(
            server.port, *BYTES, "--asks", asks, "--requests", "40",
            "--group", "name=a,clients=2,ask=any", "--group", "name=b,clients=2,ask=reverse",
        )  # fmt: skip
    assert (answer.status, answer.counts["ok"]) == (0, 40)
    assert [group["ask"] for group in answer.report["groups"]] == ["any", "reverse"]


def test_a_wrong_reply_is_shown_with_the_byte_that_differs(
    fibload: Program, tmp_path: Path
) -> None:
    asks = write(tmp_path, Ask("get", b"GET\n", b"\0\1\2\3\4"))
    with talking(repeat(b"GET\n", b"\0\1\2\xff\4")) as server:
        answer = fibload.load(
            server.port, *BYTES, "--asks", asks, "--requests", "10", "--pipeline", "3"
        )
    assert answer.status == 3
    assert answer.counts["wrong"] == 10
    assert answer.report["first_wrong"] == {
        "differs_at": 3, "shown_from": 0, "expected": r"\x00\x01\x02\x03\x04",
        "got": r"\x00\x01\x02\xff\x04", "cut": False, "reason": None,
    }  # fmt: skip
    assert "differs at byte 3" in answer.reasons


def test_a_wrong_reply_that_is_too_short_is_wrong_when_it_is_given_up(
    fibload: Program, tmp_path: Path
) -> None:
    asks = write(tmp_path, Ask("get", b"GET\n", b"VALUE 1234567890\r\n"))
    with talking(repeat(b"GET\n", b"END\r\n")) as server:
        answer = fibload.load(
            server.port, *BYTES, "--asks", asks, "--timeout", "0.05", "--duration", "0.5"
        )
    assert answer.counts["wrong"] >= 1
    # Of those whose bytes have come none: on a busy machine some have none in time.
    assert answer.counts["timeout"] <= answer.counts["started"] - answer.counts["wrong"]
    assert r'"END\x0d\x0a" instead of "VALUE 1234567890\x0d\x0a"' in answer.reasons


def test_bytes_behind_a_reply_are_surplus(fibload: Program, tmp_path: Path) -> None:
    with talking(repeat(PING.send, b"+PONG\r\n+OK\r\n")) as server:
        answer = fibload.load(
            server.port, *BYTES, "--asks", write(tmp_path, PING), "--requests", "10"
        )
    assert answer.status == 3
    assert answer.report["surplus_bytes"] >= 5 * 9
    assert "nobody asked for" in answer.reasons


def test_a_reply_before_its_request_is_surplus(fibload: Program, tmp_path: Path) -> None:
    """Connections of an open loop stand before there is anything to ask."""
    with talking(greeting(b"+PONG\r\n", PONGS)) as server:
        answer = fibload.load(
            server.port, *BYTES, "--asks", write(tmp_path, PING), "--rate", "20", "--clients", "2"
        )
    assert answer.status == 3
    assert answer.report["surplus_bytes"] > 0 or answer.counts["wrong"] > 0


def test_a_connection_for_each_request(fibload: Program, tmp_path: Path) -> None:
    asks = write(tmp_path, Ask("ping", b"PING\r\n", b"+PONG\r\n", also=("close",)))
    with talking(PONGS) as server:
        answer = fibload.load(
            server.port, *BYTES, "--asks", asks, "--requests", "50", "--clients", "3",
            "--pipeline", "4",
        )  # fmt: skip
    assert answer.status == 0
    assert answer.counts["started"] == server.connections
    assert answer.report["latency"]["clock"] == "connection"


def test_kept_and_closed_connections_in_one_run(fibload: Program, tmp_path: Path) -> None:
    closing = Ask("each", PING.send, b"+PONG\r\n", also=("close",))
    with talking(PONGS) as server:
        answer = fibload.load(
            server.port, *BYTES, "--asks", write(tmp_path, PING, closing), "--requests", "60",
            "--group", "name=kept,ask=ping", "--group", "name=each,ask=each",
        )  # fmt: skip
    clocks = [group["latency"]["clock"] for group in answer.report["groups"]]
    assert clocks == ["service", "connection"]
    assert answer.report["latency"]["clock"] == "mixed"
    assert answer.report["latency"]["p50_ns"] is None
    each = answer.report["groups"][1]["counts"]["started"]
    assert server.connections == 1 + each


@pytest.mark.parametrize("loop", [(), ("--rate", "200")])
def test_a_connection_that_the_server_closes_between_requests_is_no_loss(
    fibload: Program, tmp_path: Path, loop: tuple[str, ...]
) -> None:
    """One after every reply: the end comes with the reply, or shortly after it."""
    asks = write(tmp_path, Ask("ping", PING.send, b"+PONG\r\n", also=("close",)))
    with talking(repeat(PING.send, b"+PONG\r\n", 1)) as server:
        answer = fibload.load(server.port, *BYTES, "--asks", asks, "--requests", "100", *loop)
    assert answer.status == 0
    lost = answer.counts["closed"] + answer.counts["reset"]
    assert (answer.counts["ok"], lost) == (100, 0)


def test_a_server_that_closes_after_some_replies_is_counted_only_for_what_it_left(
    fibload: Program, tmp_path: Path
) -> None:
    """Nothing in this protocol says that it will: a request on its way then is closed or reset."""
    with talking(repeat(PING.send, b"+PONG\r\n", 5)) as server:
        answer = fibload.load(
            server.port, *BYTES, "--asks", write(tmp_path, PING), "--requests", "50"
        )
    assert answer.status == 0
    assert answer.counts["ok"] == 50
    assert answer.counts["closed"] + answer.counts["reset"] <= 10
    assert server.connections >= 10


AUTH = (("send", b"AUTH x\r\n"), ("expect text", b"+OK\r\n"))
OPEN = behind_a_password(b"AUTH x\r\n", b"+OK\r\n", PONGS)


@pytest.mark.parametrize("close", [(), ("close",)])
@pytest.mark.parametrize("loop", [(), ("--rate", "300")])
@pytest.mark.parametrize("pipeline", ["1", "3"])
def test_what_comes_first_is_said_on_every_connection(
    fibload: Program, tmp_path: Path, loop: tuple[str, ...], close: tuple[str, ...], pipeline: str
) -> None:
    opening = ("expect line", *AUTH)
    asks = write(tmp_path, Ask("ping", PING.send, b"+PONG\r\n", opening, close))
    with talking(greeting(b"220 hello\r\n", OPEN)) as server:
        answer = fibload.load(
            server.port, *BYTES, "--asks", asks, "--requests", "60", *loop, "--clients", "2",
            "--pipeline", pipeline,
        )  # fmt: skip
    assert (answer.status, answer.counts["ok"]) == (0, 60)
    assert answer.report["wrong_openings"] == 0
    assert answer.report["first_wrong_opening"] is None
    if close:
        assert server.connections >= 60
    else:
        assert 1 <= answer.report["connections_opened"] <= server.connections <= 2


def test_an_opening_may_send_and_expect_nothing(fibload: Program, tmp_path: Path) -> None:
    """Two that are sent on end, and one greeting in two expectations."""
    opening = (
        ("expect text", b"hel"), ("expect text", b"lo\n"), ("send", b"AUTH"), ("send", b" x\r\n"),
        ("expect text", b"+OK\r\n"), ("send", b"PING\r\n"), ("expect text", b"+PONG\r\n"),
    )  # fmt: skip
    asks = write(tmp_path, Ask("ping", PING.send, b"+PONG\r\n", opening))
    with talking(greeting(b"hello\n", OPEN)) as server:
        answer = fibload.load(server.port, *BYTES, "--asks", asks, "--requests", "20")
    assert (answer.status, answer.counts["ok"]) == (0, 20)


@pytest.mark.parametrize("loop", [(), ("--rate", "100")])
def test_a_wrong_opening_has_a_count_and_words_of_its_own(
    fibload: Program, tmp_path: Path, loop: tuple[str, ...]
) -> None:
    asks = write(tmp_path, Ask("ping", PING.send, b"+PONG\r\n", AUTH))
    with talking(behind_a_password(b"AUTH x\r\n", b"-ERR no\r\n", PONGS)) as server:
        answer = fibload.load(server.port, *BYTES, "--asks", asks, "--duration", "0.3", *loop)
    assert answer.status == 3
    assert answer.counts["opening"] > 0
    assert answer.counts["wrong"] == answer.counts["ok"] == 0
    assert answer.report["wrong_openings"] >= answer.counts["opening"]
    assert answer.report["connections_opened"] == 0
    assert answer.report["first_wrong_opening"]["expected"] == r"+OK\x0d\x0a"
    assert answer.report["first_wrong_opening"]["got"].startswith("-")
    assert "began in another way than the opening says" in answer.reasons


def test_more_than_an_opening_says_is_wrong(fibload: Program, tmp_path: Path) -> None:
    asks = write(tmp_path, Ask("ping", PING.send, b"+PONG\r\n", (("expect text", b"hello\n"),)))
    with talking(greeting(b"hello\nworld\n", PONGS)) as server:
        answer = fibload.load(server.port, *BYTES, "--asks", asks, "--duration", "0.2")
    assert answer.status == 3
    first = answer.report["first_wrong_opening"]
    assert first["differs_at"] == 6
    assert first["got"] == r"hello\x0aworld\x0a"


@pytest.mark.parametrize("action", ["close", "cut", "silent"])
def test_a_connection_that_ends_in_its_opening_is_counted_by_how(
    fibload: Program, tmp_path: Path, action: str
) -> None:
    def talk(connection: socket.socket) -> None:
        exactly(connection, 8)
        if action == "cut":
            connection.sendall(b"+O")
        if action == "silent":
            connection.recv(1)

    asks = write(tmp_path, Ask("ping", PING.send, b"+PONG\r\n", AUTH))
    with talking(talk) as server:
        answer = fibload.load(
            server.port, *BYTES, "--asks", asks, "--duration", "0.4", "--timeout", "0.05"
        )
    outcome = "timeout" if action == "silent" else "closed"
    assert answer.counts[outcome] > 0
    # What a busy machine answers too late for that has timed out.
    ended = {outcome, "timeout"}
    assert answer.counts["started"] - sum(answer.counts[one] for one in ended) <= 1
    assert answer.report["cut_short"] == (answer.counts["closed"] if action == "cut" else 0)
    assert answer.report["connections_opened"] == 0


def test_silent_clients_open_as_the_others_do(fibload: Program, tmp_path: Path) -> None:
    opening = ("expect line", *AUTH)
    asks = write(tmp_path, Ask("ping", PING.send, b"+PONG\r\n", opening))
    with talking(greeting(b"hello\n", OPEN)) as server:
        answer = fibload.load(
            server.port, *BYTES, "--asks", asks, "--requests", "20",
            "--group", "name=a", "--group", "name=b,clients=3,idle",
        )  # fmt: skip
    assert answer.status == 0
    idle = answer.report["groups"][1]
    assert (idle["lost"], idle["clients"]["connected"]) == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--framing", "bytes"], "--asks"),
        (["--framing", "http"], "--asks"),
        (["--asks", "ASKS"], "--framing"),
        (["--ask", "ping"], "--framing"),
        (["--framing", "line", "--asks", "ASKS"], "--framing"),
        ([*BYTES, "--asks", "ASKS", "--n", "1"], "--n"),
        ([*BYTES, "--asks", "ASKS", "--request", "a", "--expect", "b"], "--request"),
        ([*BYTES, "--asks", "ASKS"], "2 requests"),
        ([*BYTES, "--asks", "ASKS", "--ask", "pin"], "'pin'"),
        ([*BYTES, "--asks", "ASKS", "--group", "name=a"], "2 requests"),
        ([*BYTES, "--asks", "ASKS", "--group", "name=a,ask=pong"], "'pong'"),
        ([*BYTES, "--asks", "ASKS", "--group", "name=a,ask="], "ask ''"),
        ([*BYTES, "--asks", "ASKS", "--group", "name=a,n=1"], "--asks"),
        (["--group", "name=a,ask=ping"], "--asks"),
        ([*BYTES, "--asks", "/nowhere/asks"], "No such file"),
        ([*BYTES, "--asks", "/dev/null"], "line 1"),
    ],
)
def test_what_is_asked_is_said_once(
    fibload: Program, tmp_path: Path, arguments: list[str], named: str
) -> None:
    path = write(tmp_path, PING, Ask("get", b"GET\n", 3))
    given = [path if word == "ASKS" else word for word in arguments]
    status, stderr = fibload.fails(*given, "2999")
    assert status == 2
    assert stderr.count("\n") == 1
    assert named in stderr


def test_a_file_that_is_wrong_is_told_with_its_line(fibload: Program, tmp_path: Path) -> None:
    path = tmp_path / "asks"
    path.write_bytes(b"fibload-asks 1\nrequest a\nsend 3\na\nb\n\x1b[31m\n")
    status, stderr = fibload.fails(*BYTES, "--asks", str(path), "2999")
    assert status == 2
    assert stderr == f"fibload: --asks {path}: line 6: '?[31m' is not possible here; try --help\n"
