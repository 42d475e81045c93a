# SPDX-License-Identifier: BSD-3-Clause
"""The open loop against servers that misbehave: nothing hides, and the identity holds."""

from pathlib import Path

import pytest

from .conftest import Program, running
from .estimator import check_percentiles
from .servers import ASK_30, Action, closed_port, serving

# What holds only where nobody holds up the server or the generator.
UNDISTURBED = pytest.mark.serial

LINE = ("--framing", "line")
FRAMINGS = pytest.mark.parametrize("framing", ["message", "line"])
OPEN = ("--clients", "8", "--rate", "500", "--duration", "1")


@FRAMINGS
def test_every_hundredth_request_dropped(fibload: Program, framing: str) -> None:
    with serving(line=framing == "line", actions=[Action.ANSWER] * 99 + [Action.DROP]) as server:
        answer = fibload.load(server.port, "--framing", framing, *ASK_30, *OPEN, "--timeout", "0.2")
    assert answer.status == 3
    # Each of them was given up, or the window ended before it could be.
    assert server.requests // 100 <= answer.counts["timeout"] + answer.counts["unfinished"]
    assert answer.counts["timeout"] >= 1
    assert answer.counts["ok"] <= server.replies
    assert "given up as too old" in answer.reasons
    check_percentiles(answer)


@FRAMINGS
def test_one_wrong_reply_in_a_hundred(fibload: Program, framing: str) -> None:
    with serving(line=framing == "line", actions=[Action.ANSWER] * 99 + [Action.WRONG]) as server:
        answer = fibload.load(server.port, "--framing", framing, *ASK_30, *OPEN)
    assert answer.status == 3
    # The last one may still have been on its way when the window ended.
    assert 0 <= server.requests // 100 - answer.counts["wrong"] <= 1
    assert f"wrong replies: {answer.counts['wrong']}" in answer.reasons
    assert answer.report["first_wrong"]["expected"] == "1346269"


def test_replies_that_come_twice(fibload: Program) -> None:
    with serving(line=True, actions=[Action.ANSWER] * 9 + [Action.TWICE]) as server:
        answer = fibload.load(server.port, *LINE, *ASK_30, *OPEN)
    assert answer.status == 3
    assert answer.report["surplus_bytes"] > 0 or answer.counts["wrong"] > 0


@FRAMINGS
@pytest.mark.parametrize(
    ("action", "outcomes"),
    [
        (Action.CLOSE, ("closed", "reset")),
        (Action.CUT, ("closed",)),
        (Action.RESET, ("reset",)),
    ],
)
def test_connections_that_end_early(
    fibload: Program, framing: str, action: Action, outcomes: tuple[str, ...]
) -> None:
    with serving(line=framing == "line", actions=[Action.ANSWER] * 19 + [action]) as server:
        answer = fibload.load(server.port, "--framing", framing, *ASK_30, *OPEN)
    ended = sum(answer.counts[outcome] for outcome in outcomes)
    # Of those that were on their way when the window ended nobody has seen how they end, and after
    # it the load went on until it was answered, which on a busy machine takes a while.
    unfinished = answer.counts["unfinished"]
    seen = answer.counts["started"] - unfinished
    assert seen // 20 - unfinished <= ended <= server.requests // 20
    others = answer.counts["ok"] + answer.counts["unfinished"]
    assert answer.counts["started"] == ended + others
    assert answer.status == (3 if action is Action.CUT else 0)


def test_a_server_that_stops_reading(fibload: Program) -> None:
    actions = [Action.ANSWER] * 100 + [Action.SILENT] * 10_000
    with serving(line=True, actions=actions) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--clients", "8", "--rate", "500", "--duration", "1"
        )
    assert answer.status == 0
    assert answer.counts["ok"] == 100
    # Those sent wait for a reply, the others for a client.
    assert answer.counts["unfinished"] == answer.counts["started"] - 100
    assert answer.report["open_loop"]["overdue_at_end"] == answer.counts["unfinished"] - 8


@FRAMINGS
def test_nobody_listens(fibload: Program, framing: str) -> None:
    answer = fibload.load(closed_port(), "--framing", framing, *OPEN)
    assert answer.status == 3
    assert answer.counts["refused"] > 0
    assert answer.counts["started"] == answer.counts["refused"] + answer.counts["unfinished"]
    assert answer.report["latency"]["p50_ns"] is None


@UNDISTURBED
def test_connections_are_renewed_in_an_open_loop(fibload: Program) -> None:
    with serving(line=True) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--clients", "8", "--rate", "500", "--duration", "0.5",
            "--requests-per-connection", "10",
        )  # fmt: skip
    assert answer.status == 0
    assert answer.counts["started"] == answer.counts["ok"] + answer.counts["unfinished"]
    assert answer.report["connections_opened"] >= answer.counts["ok"] / 10


@UNDISTURBED
def test_a_pipeline_takes_several_requests_at_once(fibload: Program, programs: Path) -> None:
    with running(programs / "delay_server", "--delays", "50") as (port, _):
        answer = fibload.load(
            port, *LINE, "--clients", "2", "--pipeline", "10", "--rate", "200",
            "--arrivals", "uniform", "--duration", "0.5",
        )  # fmt: skip
    assert answer.status == 0
    assert answer.report["open_loop"]["overdue_at_end"] == 0
    assert answer.report["latency"]["p50_ns"] < 0.1e9


@UNDISTURBED
def test_without_a_pipeline_each_client_has_one_request_at_a_time(fibload: Program) -> None:
    with serving(line=True, actions=(Action.SILENT,)) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--clients", "3", "--rate", "300", "--duration", "0.2"
        )
    assert server.requests == 3
    assert answer.report["open_loop"]["sent"] == 3
    assert answer.counts["unfinished"] == answer.counts["started"]
