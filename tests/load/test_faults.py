# SPDX-License-Identifier: BSD-3-Clause
"""Servers that misbehave: every request ends in exactly one count, and nothing hides."""

import socket
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Program
from .servers import ASK_30, Action, closed_port, serving, stopped_when

FRAMINGS = pytest.mark.parametrize("framing", ["message", "line"])
OK = Action.ANSWER


@FRAMINGS
def test_wrong_replies_are_counted_and_the_first_is_shown(fibload: Program, framing: str) -> None:
    with serving(line=framing == "line", actions=(OK, OK, Action.WRONG)) as server:
        answer = fibload.load(server.port, "--framing", framing, *ASK_30, "--requests", "30")
    assert answer.status == 3
    assert answer.counts["wrong"] == 10
    assert answer.counts["ok"] == 20
    assert answer.report["first_wrong"] == {
        "differs_at": 0, "shown_from": 0, "expected": "1346269", "got": "error", "cut": False,
        "reason": None,
    }  # fmt: skip
    assert 'wrong replies: 10, the first "error" instead of "1346269"' in answer.reasons


LONG = b"HTTP/1.1 200 OK; Content-Type: text/plain; charset=utf-8; Server: x; Date: Mon, 01"


@FRAMINGS
@pytest.mark.parametrize("at", [0, 1, 23, 24, 25, 63, 64, 65, len(LONG) - 1, len(LONG)])
def test_a_wrong_reply_is_shown_about_the_byte_that_differs(
    fibload: Program, framing: str, at: int
) -> None:
    reply = LONG[:at] + b"#" + LONG[at + 1 :]
    ask = ("--request", "q", "--expect", LONG.decode())
    with serving(line=framing == "line", reply=reply) as server:
        answer = fibload.load(server.port, "--framing", framing, *ask, "--requests", "3")
    first = answer.report["first_wrong"]
    assert first["differs_at"] == at
    place = at - first["shown_from"]
    assert (first["expected"] + " ")[place] == (LONG.decode() + " ")[at]
    assert first["got"][place] == "#"
    where = f"differs at byte {at}: " if at else ""
    assert f"wrong replies: 3, the first {where}" in answer.reasons
    assert answer.reasons.count("#") == 1, "the two texts in the reason differ"


def test_a_reason_has_what_a_server_sent_escaped(fibload: Program) -> None:
    with serving(line=True, reply=b'\x1b[31m"\\\xff') as server:
        answer = fibload.load(server.port, "--framing", "line", *ASK_30, "--requests", "1")
    assert r'the first "\x1b[31m\"\\\xff" instead of "1346269"' in answer.reasons


def test_bytes_of_a_wrong_reply_are_escaped_and_truncated(fibload: Program) -> None:
    with serving(line=True, reply=b"\x00\xff\\" + b"z" * 200) as server:
        answer = fibload.load(server.port, "--framing", "line", *ASK_30, "--requests", "1")
    assert answer.report["first_wrong"]["got"] == r"\x00\xff\\" + "z" * 61
    assert answer.report["first_wrong"]["cut"] is True


def test_a_wrong_line_without_an_end_does_not_fill_memory(fibload: Program) -> None:
    with serving(line=True, reply=b"z" * 1_000_000) as server:
        answer = fibload.load(server.port, "--framing", "line", *ASK_30, "--requests", "2")
    assert answer.counts["wrong"] == 2
    assert answer.report["connections_opened"] >= 2


@FRAMINGS
def test_a_reply_given_twice_is_surplus(fibload: Program, framing: str) -> None:
    with serving(line=framing == "line", actions=(OK, Action.TWICE)) as server:
        answer = fibload.load(server.port, "--framing", framing, *ASK_30, "--duration", "0.3")
    assert answer.status == 3
    assert answer.report["surplus_bytes"] > 0
    assert "nobody asked for" in answer.reasons


@FRAMINGS
@pytest.mark.parametrize(
    ("action", "outcome", "cut"),
    [
        (Action.CLOSE, "closed", False),
        (Action.RESET, "reset", False),
        (Action.CUT, "closed", True),
        (Action.CUT_RESET, "reset", True),
    ],
)
def test_a_connection_that_ends_early_is_counted_by_how(
    fibload: Program, framing: str, action: Action, outcome: str, *, cut: bool
) -> None:
    with serving(line=framing == "line", actions=(OK, OK, action)) as server:
        answer = fibload.load(server.port, "--framing", framing, *ASK_30, "--requests", "20")
    ended = answer.counts[outcome]
    assert ended in (9, 10)
    assert answer.counts["ok"] == 20
    assert answer.report["cut_short"] == (ended if cut else 0)
    assert answer.status == (3 if cut else 0)


@pytest.mark.parametrize("action", [Action.CLOSE, Action.CUT, Action.RESET])
def test_everything_in_flight_shares_the_end_of_its_connection(
    fibload: Program, action: Action
) -> None:
    with serving(line=True, actions=[action] + [OK] * 1000) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--pipeline", "5", "--requests", "40"
        )
    # Closing with requests unread resets the connection, so it may be either, but not both.
    assert sorted([answer.counts["closed"], answer.counts["reset"]]) == [0, 5]
    assert answer.counts["ok"] == 40
    assert answer.report["cut_short"] == (1 if action is Action.CUT else 0)


@FRAMINGS
def test_a_closed_port_ends_on_time_with_a_reason(fibload: Program, framing: str) -> None:
    begun = time.monotonic()
    answer = fibload.load(
        closed_port(), "--framing", framing, "--clients", "3", "--duration", "0.5"
    )
    assert time.monotonic() - begun < 10
    assert answer.status == 3
    assert answer.counts["refused"] >= 3
    assert answer.counts["refused"] <= 3 * (500 / 10 + 1)  # a client waits 10 ms
    assert answer.report["clients"]["connected"] == 0
    assert answer.report["latency"]["p50_ns"] is None
    assert "no right reply was received inside the window" in answer.reasons
    assert "refused" in answer.reasons


def test_refusals_do_not_use_the_cpu(fibload: Program) -> None:
    answer = fibload.load(closed_port(), "--duration", "0.5")
    generator = answer.report["generator"]
    assert generator["cpu_user_ns"] + generator["cpu_system_ns"] < generator["wall_ns"] / 4


@FRAMINGS
def test_a_server_that_never_answers_times_out(fibload: Program, framing: str) -> None:
    with serving(line=framing == "line", actions=(Action.SILENT,)) as server:
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, "--clients", "2",
            "--timeout", "0.1", "--duration", "0.5",
        )  # fmt: skip
    assert answer.status == 3
    assert answer.counts["started"] == answer.counts["timeout"] + answer.counts["unfinished"]
    assert answer.counts["unfinished"] <= 2 <= answer.counts["timeout"] <= 10
    assert "too old" in answer.reasons


def test_a_timeout_takes_the_whole_pipeline_with_it(fibload: Program) -> None:
    with serving(line=True, actions=(OK, OK, Action.SILENT)) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--pipeline", "4",
            "--timeout", "0.15", "--requests", "6",
        )  # fmt: skip
    assert answer.counts["timeout"] in (8, 12)
    assert answer.counts["ok"] == 6


def test_a_number_of_requests_that_never_comes_is_not_waited_for(fibload: Program) -> None:
    with serving(line=True, actions=[OK] * 5 + [Action.SILENT] * 100) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--timeout", "0.3", "--requests", "50"
        )
    assert answer.status == 3
    assert answer.report["window"]["ok"] == 5
    assert "stopped before the wanted number of replies" in answer.reasons


@FRAMINGS
def test_a_server_that_dies_during_the_run_leaves_the_identity(
    fibload: Program, framing: str
) -> None:
    enough = threading.Event()
    calls = iter(range(1_000_000))

    def count() -> None:
        if next(calls) == 200:
            enough.set()

    with (
        serving(line=framing == "line", before_reply=count) as server,
        stopped_when(enough, server),
    ):
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, "--clients", "4", "--threads", "2",
            "--duration", "1.5",
        )  # fmt: skip
    assert answer.counts["ok"] >= 100
    assert answer.counts["refused"] > 0


def test_a_server_that_stops_reading_is_not_flooded(fibload: Program) -> None:
    text = "x" * 60_000
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answer = fibload.load(
            listener.getsockname()[1], "--framing", "line", "--request", text, "--expect", "1",
            "--pipeline", "1024", "--duration", "0.4",
        )  # fmt: skip
    assert answer.status == 3
    assert answer.counts["unfinished"] == answer.counts["started"] == 1024


def test_a_banner_nobody_asked_for_is_a_wrong_reply(fibload: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"220 hello\n")
                while connection.recv(4096):
                    pass

        thread = threading.Thread(target=greet)
        thread.start()
        answer = fibload.load(
            listener.getsockname()[1], "--framing", "line", *ASK_30, "--requests", "1"
        )
        thread.join()
    assert answer.counts["wrong"] == 1
    assert answer.report["first_wrong"]["got"] == "220 hello"


shapes = st.one_of(
    st.tuples(st.just("message"), st.just(1), st.just(0)),
    st.tuples(st.just("line"), st.integers(1, 9), st.integers(0, 7)),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=shapes,
    clients=st.integers(1, 9),
    threads=st.integers(1, 3),
    rate=st.sampled_from([0, 300, 3000]),
    actions=st.lists(st.sampled_from(Action), min_size=1, max_size=12),
)
def test_every_request_has_one_outcome_whatever_the_server_does(
    fibload: Program,
    shape: tuple[str, int, int],
    clients: int,
    threads: int,
    rate: int,
    actions: list[Action],
) -> None:
    framing, pipeline, renewal = shape
    options = ["--clients", str(clients), "--threads", str(min(threads, clients))]
    if framing == "line":
        options += ["--pipeline", str(pipeline), "--requests-per-connection", str(renewal)]
    if rate > 0:
        options += ["--rate", str(rate)]
    with serving(line=framing == "line", actions=actions) as server:
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, *options,
            "--timeout", "0.05", "--warmup", "0.05", "--duration", "0.2",
        )  # fmt: skip
    # load() has checked the identity; a kind of fault that the server has not can not be counted.
    counts, kinds = answer.counts, set(actions)
    assert counts["refused"] == counts["local"] == 0
    if Action.WRONG not in kinds and (framing == "line" or Action.TWICE not in kinds):
        assert counts["wrong"] == 0
    if Action.TWICE not in kinds:
        assert answer.report["surplus_bytes"] == 0
    if Action.DROP in kinds:
        return  # what is given up may be answered late, and then nobody asked for it
    if not kinds & {Action.CUT, Action.CUT_RESET}:
        assert answer.report["cut_short"] == 0
    if kinds == {OK} or kinds == {OK, Action.WRONG}:
        assert counts["closed"] == counts["reset"] == 0
