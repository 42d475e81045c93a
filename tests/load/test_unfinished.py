# SPDX-License-Identifier: BSD-3-Clause
"""What is in flight when the window ends: nobody has given it up, so it is no timeout."""

import threading

import pytest

from .conftest import Program
from .estimator import check_percentiles, survival_percentile
from .servers import ASK_30, Action, serving

FRAMINGS = pytest.mark.parametrize("framing", ["message", "line"])
LOOPS = pytest.mark.parametrize("loop", [(), ("--rate", "100")], ids=["closed", "open"])
OK = Action.ANSWER


@FRAMINGS
@LOOPS
def test_clients_that_had_been_answered_and_then_wait_make_no_trial_invalid(
    fibload: Program, framing: str, loop: tuple[str, ...]
) -> None:
    # Long after the slowest reply, and long before anybody gives up.
    with serving(line=framing == "line", actions=[OK] * 40 + [Action.SILENT] * 1000) as server:
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, "--clients", "4", "--duration", "1.2", *loop
        )
    assert answer.status == 0, answer.reasons
    assert answer.counts["ok"] == 40
    assert answer.counts["timeout"] == 0
    assert answer.counts["unfinished"] == answer.counts["started"] - 40 >= 4
    check_percentiles(answer)


def test_one_slow_request_in_many_hides_no_more_than_what_it_hides(fibload: Program) -> None:
    slow = [*[OK] * 499, Action.SILENT, *[OK] * 100_000]
    with serving(line=True, actions=slow) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--clients", "8", "--duration", "1"
        )
    assert answer.status == 0, answer.reasons
    latency = answer.report["latency"]
    assert latency["censored"]["count"] <= 8
    assert latency["max_ns"] > latency["p50_ns"] > 0
    assert latency["p50_ns"] == survival_percentile(latency, 50)
    check_percentiles(answer)


def test_a_closed_loop_does_not_look_fast_for_what_its_end_cuts_off(fibload: Program) -> None:
    # Of eight clients seven are never answered, and the eighth a few times: of most requests
    # nothing is known but that they take longer.
    turn = threading.Lock()
    first: set[int] = set()
    ended = threading.Event()
    replies = iter(range(6))

    def a_few_times_on_one_connection() -> None:
        me = threading.get_ident()
        with turn:
            first.add(me) if not first else None
            more = me in first and next(replies, None) is not None
        if not more:
            ended.wait()

    with serving(line=True, before_reply=a_few_times_on_one_connection) as server:
        answer = fibload.load(
            server.port, "--framing", "line", *ASK_30, "--clients", "8", "--duration", "0.6"
        )
        ended.set()
    assert answer.counts["ok"] == 6
    latency = answer.report["latency"]
    assert latency["censored"]["count"] == 8
    assert [latency[name] for name in ("p50_ns", "p90_ns", "p99_ns", "p999_ns")] == [None] * 4
    assert latency["max_ns"] == latency["censored"]["max_ns"] > latency["mean_ns"]


@FRAMINGS
def test_only_the_time_that_was_set_makes_a_timeout(fibload: Program, framing: str) -> None:
    with serving(line=framing == "line", actions=[OK] * 9 + [Action.SILENT]) as server:
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, "--timeout", "0.1", "--duration", "1"
        )
    assert answer.status == 3
    assert answer.counts["timeout"] >= 1
    assert answer.counts["unfinished"] <= 1
    censored = answer.report["latency"]["censored"]
    assert censored["count"] >= answer.counts["timeout"]
    check_percentiles(answer)
