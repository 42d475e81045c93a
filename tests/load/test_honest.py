# SPDX-License-Identifier: BSD-3-Clause
"""A server that does as it should: what is counted, when, and how long it took."""

import math
import threading
import time
from typing import Any

import pytest

from .conftest import Program
from .estimator import check_percentiles
from .geometry import highest_at, lowest_at
from .servers import ASK_30, Action, serving

# What holds only where nobody holds up the server or the generator.
UNDISTURBED = pytest.mark.serial

FRAMINGS = pytest.mark.parametrize("framing", ["message", "line"])
SHAPES = [
    ("message", []),
    ("message", ["--clients", "5", "--threads", "2"]),
    ("line", []),
    ("line", ["--clients", "5", "--threads", "3"]),
    ("line", ["--pipeline", "7"]),
    ("line", ["--requests-per-connection", "3"]),
    ("line", ["--requests-per-connection", "3", "--pipeline", "2", "--clients", "2"]),
    ("line", ["--requests-per-connection", "3", "--pipeline", "8"]),
]


@UNDISTURBED
@pytest.mark.parametrize(("framing", "options"), SHAPES)
def test_every_reply_is_right_in_every_shape(
    fibload: Program, framing: str, options: list[str]
) -> None:
    with serving(line=framing == "line") as server:
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, "--duration", "0.3", *options
        )
    assert answer.status == 0
    assert answer.counts["ok"] > 0
    # Replies that were on their way at the end are the only difference.
    assert answer.counts["started"] == answer.counts["ok"] + answer.counts["unfinished"]
    assert answer.counts["ok"] <= server.replies <= answer.counts["started"]
    assert answer.report["clients"]["answered"] == answer.report["clients"]["asked"]


@FRAMINGS
def test_a_number_of_requests_ends_the_window_to_the_unit(fibload: Program, framing: str) -> None:
    with serving(line=framing == "line") as server:
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, "--requests", "100",
            "--clients", "4", "--threads", "2",
        )  # fmt: skip
    assert answer.status == 0
    assert answer.report["window"]["ok"] == 100
    assert answer.counts["ok"] == 100
    assert answer.counts["unfinished"] <= 4


def test_one_request_is_one_request(fibload: Program) -> None:
    with serving(line=False) as server:
        answer = fibload.load(server.port, *ASK_30, "--requests", "1")
    assert answer.counts["ok"] == 1
    assert sorted(answer.report["window"]["half_ok"]) == [0, 1]


@UNDISTURBED
@FRAMINGS
def test_warm_up_is_counted_but_not_measured(fibload: Program, framing: str) -> None:
    with serving(line=framing == "line") as server:
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, "--warmup", "0.3", "--duration", "0.2"
        )
    assert answer.status == 0
    assert 0 < answer.report["window"]["ok"] < answer.counts["ok"]


def test_a_connection_is_renewed_after_its_replies(fibload: Program) -> None:
    with serving(line=True) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--requests", "30",
            "--requests-per-connection", "10",
        )  # fmt: skip
    # The reply that ends the window may or may not leave time for the next connection.
    assert 3 <= answer.report["connections_opened"] <= 4
    assert answer.report["latency"]["clock"] == "connection"


def test_a_connection_is_kept_in_line_framing(fibload: Program) -> None:
    with serving(line=True) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--requests", "50", "--clients", "3"
        )
    assert answer.report["connections_opened"] == 3
    assert answer.report["latency"]["clock"] == "service"


def test_a_message_has_a_connection_of_its_own(fibload: Program) -> None:
    with serving(line=False) as server:
        answer = fibload.load(server.port, *ASK_30, "--requests", "20")
    assert answer.report["connections_opened"] in (20, 21)
    assert answer.report["latency"]["clock"] == "connection"


@FRAMINGS
def test_a_delay_of_the_server_is_in_every_latency(fibload: Program, framing: str) -> None:
    delay_s = 0.02
    with serving(
        line=framing == "line", before_reply=lambda: time.sleep(delay_s)
    ) as server:  # the sleep is what is measured
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, "--clients", "2", "--requests", "20"
        )
    latency = answer.report["latency"]
    assert latency["min_ns"] >= delay_s * 1e9 * 0.998  # to the histogram's three digits
    assert latency["min_ns"] <= latency["p50_ns"] <= latency["p999_ns"] <= latency["max_ns"]
    assert latency["min_ns"] <= latency["mean_ns"] <= latency["max_ns"] < 5e9


def test_slow_replies_are_in_the_high_percentiles_only(fibload: Program) -> None:
    calls = iter(range(1_000_000))

    def every_twentieth() -> None:
        if next(calls) % 20 == 19:
            time.sleep(0.05)

    with serving(line=True, before_reply=every_twentieth) as server:
        answer = fibload.load(server.port, "--framing", "line", *ASK_30, "--requests", "200")
    latency = answer.report["latency"]
    assert latency["p99_ns"] >= 0.0499e9
    assert latency["p50_ns"] < latency["p99_ns"]


def test_pipelined_requests_wait_for_those_before_them(fibload: Program) -> None:
    with serving(line=True, before_reply=lambda: time.sleep(0.005)) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--pipeline", "4", "--requests", "40"
        )
    # All but the first three have four replies' time between their sending and their reply.
    assert answer.report["latency"]["p50_ns"] >= 0.0199e9


def test_percentiles_follow_from_the_counts(fibload: Program) -> None:
    with serving(line=True) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--clients", "8", "--duration", "0.4"
        )
    latency: dict[str, Any] = answer.report["latency"]
    histogram = latency["histogram"]
    assert (histogram["lowest_ns"], histogram["highest_ns"]) == (1, 60_000_000_000)
    assert histogram["significant_digits"] == 3
    counts = histogram["counts"]
    assert [index for index, _ in counts] == sorted({index for index, _ in counts})
    check_percentiles(answer)
    assert latency["min_ns"] == lowest_at(counts[0][0])
    seen = [*counts, *latency["censored"]["counts"]]
    assert latency["max_ns"] == highest_at(max(index for index, _ in seen))
    low = sum(lowest_at(index) * count for index, count in counts)
    high = sum(highest_at(index) * count for index, count in counts)
    assert low <= (latency["mean_ns"] + 1) * latency["count"]
    assert latency["mean_ns"] * latency["count"] <= high


def test_the_edges_announced_are_the_window(fibload: Program) -> None:
    before_ns = time.monotonic_ns()
    with serving(line=True) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--warmup", "0.1", "--duration", "0.25"
        )
    window = answer.report["window"]
    assert answer.edges == (f"begin {window['begin_ns']}\n", f"end {window['end_ns']}\n")
    start_ns = int(answer.start.removeprefix("start "))
    assert before_ns <= start_ns <= window["begin_ns"] - 100_000_000
    assert window["duration_ns"] == 250_000_000
    assert window["begin_ns"] >= before_ns + 100_000_000
    throughput = window["ok"] / (window["duration_ns"] / 1e9)
    assert math.isclose(window["throughput_per_s"], throughput, abs_tol=0.001)
    assert answer.report["generator"]["wall_ns"] == window["duration_ns"]


def test_the_generator_tells_its_own_cpu_time(fibload: Program) -> None:
    with serving(line=True) as server:
        answer = fibload.load(server.port, "--framing", "line", *ASK_30, "--duration", "0.3")
    generator = answer.report["generator"]
    assert 0 < generator["cpu_user_ns"] + generator["cpu_system_ns"] <= 2 * generator["wall_ns"]
    assert generator["threads"] == 1
    assert generator["run_delay_ns"] is None or generator["run_delay_ns"] >= 0


def test_a_start_in_the_future_is_waited_for(fibload: Program) -> None:
    start_ns = time.monotonic_ns() + 300_000_000
    with serving(line=False) as server:
        answer = fibload.load(server.port, *ASK_30, "--start-at", str(start_ns), "--requests", "3")
    assert answer.report["window"]["begin_ns"] >= start_ns


def test_a_start_in_the_past_is_now(fibload: Program) -> None:
    with serving(line=False) as server:
        answer = fibload.load(server.port, *ASK_30, "--start-at", "1", "--requests", "3")
    assert answer.status == 0


def test_clients_that_are_never_served_are_unfinished(fibload: Program) -> None:
    turn = threading.Lock()
    first: set[int] = set()

    def only_one_connection() -> None:
        me = threading.get_ident()
        with turn:
            first.add(me) if not first else None
        if me not in first:
            ended.wait()

    ended = threading.Event()
    with serving(line=True, before_reply=only_one_connection) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--clients", "4", "--duration", "0.4"
        )
        ended.set()
    assert answer.status == 0
    assert answer.report["clients"] == {"asked": 4, "connected": 4, "answered": 1}
    assert 3 <= answer.counts["unfinished"] <= 4


def test_any_request_and_reply_text_can_be_used(fibload: Program) -> None:
    with serving(line=True, reply=b"+PONG\r") as server:
        answer = fibload.load(
            server.port, "--framing", "line", "--request", "PING", "--expect", "+PONG",
            "--requests", "20",
        )  # fmt: skip
    assert answer.status == 0
    assert answer.counts["ok"] == 20
    settings = answer.report["settings"]
    assert (settings["request"], settings["expect"], settings["n"]) == ("PING", "+PONG", None)


def test_a_large_request_and_reply_arrive_in_pieces(fibload: Program) -> None:
    text = "x" * 60_000
    with serving(line=True, reply=text.encode()) as server:
        answer = fibload.load(
            server.port, "--framing", "line", "--request", text, "--expect", text,
            "--pipeline", "32", "--requests", "200",
        )  # fmt: skip
    assert answer.status == 0
    assert answer.report["window"]["ok"] == 200


def test_an_empty_line_is_a_request(fibload: Program) -> None:
    with serving(line=True, reply=b"error") as server:
        answer = fibload.load(
            server.port, "--framing", "line", "--request", "", "--expect", "error",
            "--requests", "5",
        )  # fmt: skip
    assert answer.status == 0


def test_settings_are_told_as_they_were_resolved(fibload: Program) -> None:
    with serving(line=True) as server:
        answer = fibload.load(
            server.port, "--framing=line", *ASK_30, "--clients", "2", "--duration", "0.05",
            "--timeout", "2.5", "--seed", "7",
        )  # fmt: skip
        port = server.port
    assert answer.report["schema"] == 2
    assert answer.report["program"] == "fibload"
    assert answer.report["settings"] == {
        "host": "127.0.0.1",
        "port": port,
        "framing": "line",
        "clients": 2,
        "threads": 1,
        "n": 30,
        "request": "30",
        "expect": "1346269",
        "asks": None,
        "ask": None,
        "duration_ns": 50_000_000,
        "requests": 0,
        "warmup_ns": 0,
        "pipeline": 1,
        "requests_per_connection": 0,
        "timeout_ns": 2_500_000_000,
        "start_at_ns": 0,
        "seed": 7,
        "rate_per_s": None,
        "arrivals": None,
        "spin": False,
        "max_overdue": None,
    }


@pytest.mark.parametrize("actions", [(Action.ANSWER,), (Action.SILENT,)])
def test_an_interrupted_run_tells_what_it_has(
    fibload: Program, actions: tuple[Action, ...]
) -> None:
    with serving(line=True, actions=actions) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--duration", "20", interrupt=True
        )
    assert answer.status == 130
    assert answer.report["interrupted"] is True
    assert answer.report["window"]["duration_ns"] < 20_000_000_000
    assert [edge.split()[0] for edge in answer.edges] == ["begin", "end"]
