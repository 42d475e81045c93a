# SPDX-License-Identifier: BSD-3-Clause
"""After its window an open loop goes on until what was due in it is answered, for a bounded time:
what was in flight at the end has the latency that it took, and all other figures are the window's.

What is told of a request, whenever it ends, is held case by case by
src_c/load/drive/test-cooldown.c, and what is true of every run by conftest.py.
"""

import itertools
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from fibench.trial.answer import read_answer
from fibench.trial.overload import fell_behind, latencies, spans_of

from .conftest import Answer, Program, running, total
from .estimator import check_percentiles
from .geometry import lowest_at
from .servers import ASK_30, Action, serving

LINE = ("--framing", "line")
EVENLY = ("--arrivals", "uniform")
OK = Action.ANSWER


def loop_of(answer: Answer) -> dict[str, Any]:
    loop: dict[str, Any] = answer.report["open_loop"]
    return loop


def delayed(programs: Path, delays: str) -> Any:
    return running(programs / "delay_server", "--delays", delays, is_hurried=True)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_percentile_of_which_as_much_is_in_flight_is_known(
    hurried_fibload: Program, programs: Path, threads: str
) -> None:
    # 400 a second that take 25 ms each: ten of 1,000 are in flight at the end, which is what p99 is
    # of. One in 50 takes 60 ms, so that p99 is theirs: of those cut off nobody knew which they are.
    with delayed(programs, "25*49,60") as (port, _):
        answer = hurried_fibload.load(
            port, *LINE, *EVENLY, "--clients", "200", "--threads", threads, "--rate", "400",
            "--warmup", "0.3", "--duration", "2.5",
        )  # fmt: skip
    assert answer.status == 0
    loop, latency = loop_of(answer), answer.report["latency"]
    assert loop["due"] == pytest.approx(1000, abs=1)
    assert loop["waiting_at_end"] >= 9
    assert (loop["answered_late"], loop["unanswered"]) == (loop["waiting_at_end"], 0)
    assert latency["censored"]["count"] == 0
    assert 0 < answer.report["cooldown"]["ns"] < 250_000_000
    known, bounds = latencies(read_answer(answer.report).total, behind=False)
    assert bounds == {}
    assert known["p99_s"] == pytest.approx(0.060, rel=0.05)
    assert known["p50_s"] == pytest.approx(0.025, rel=0.05)
    check_percentiles(answer)


def test_the_load_goes_on_as_it_was(fibload: Program) -> None:
    """Who stopped asking would show requests of the window a server that has less to do."""
    asked_late = threading.Event()
    waited: list[bool] = []
    turn = threading.Lock()
    numbers = itertools.count(1)

    def keep_the_last_of_the_window() -> None:
        with turn:
            number = next(numbers)
        if number == 200:  # as many are due in the window
            waited.append(asked_late.wait(10))
        elif number > 200:
            asked_late.set()

    with serving(line=True, before_reply=keep_the_last_of_the_window) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, *EVENLY, "--clients", "30", "--rate", "100",
            "--duration", "2",
        )  # fmt: skip
    assert waited == [True]
    loop, after = loop_of(answer), answer.report["cooldown"]["counts"]
    assert loop["due"] == answer.counts["started"] == 200
    assert after["started"] > loop["waiting_at_end"] >= 1
    assert answer.report["window"]["ok"] + loop["waiting_at_end"] == 200
    check_percentiles(answer)


@pytest.mark.serial
def test_nothing_is_waited_for_where_nothing_waits(hurried_fibload: Program) -> None:
    # Of two threads one has no schedule, and the other nothing due for 300 ms, of which the first
    # 120 ms are all that could be waited for.
    with serving(line=True) as server:
        answer = hurried_fibload.load(
            server.port, *LINE, *ASK_30, "--threads", "2", "--duration", "1.2",
            "--group", "name=rare,rate=2,arrivals=uniform", "--group", "name=greedy",
        )  # fmt: skip
    rare, greedy = answer.report["groups"]
    assert rare["open_loop"]["due"] == 3
    assert rare["open_loop"]["waiting_at_end"] == 0
    assert answer.report["cooldown"]["ns"] < 120_000_000
    assert greedy["counts"]["unfinished"] == 1


def test_a_closed_loop_beside_it_goes_on_and_is_counted_up_to_the_end(
    fibload: Program, programs: Path
) -> None:
    with running(programs / "delay_server", "--delays", "20") as (port, _):
        answer = fibload.load(
            port, *LINE, "--duration", "2", "--group", "name=steady,clients=50,rate=300",
            "--group", "name=greedy,clients=5",
        )  # fmt: skip
    steady, greedy = answer.report["groups"]
    assert greedy["cooldown"]["ns"] == steady["cooldown"]["ns"] == answer.report["cooldown"]["ns"]
    # All of it is cut off at the end of the window, whatever came later: five were in flight.
    assert greedy["counts"]["unfinished"] == 5
    assert greedy["latency"]["censored"]["count"] <= 5
    assert greedy["latency"]["censored"]["max_ns"] <= greedy["latency"]["max_ns"]
    assert 0 < greedy["closed_loop"]["littles_law"] <= 1
    check_percentiles(answer)


@pytest.mark.parametrize("framing", ["message", "line"])
def test_a_server_that_stalls_for_longer_is_cut_off_later_and_keeps_nobody(
    fibload: Program, framing: str
) -> None:
    with serving(line=framing == "line", actions=[OK] * 380 + [Action.SILENT] * 1000) as server:
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, *EVENLY, "--clients", "300",
            "--rate", "400", "--duration", "1",
        )  # fmt: skip
    assert answer.status == 0, answer.reasons
    loop, latency = loop_of(answer), answer.report["latency"]
    assert answer.report["cooldown"]["ns"] == 100_000_000  # a tenth of the window
    # All that will be answered has been, but where this machine kept the server from it.
    assert loop["answered_late"] + loop["unanswered"] == loop["waiting_at_end"]
    assert latency["censored"]["count"] == loop["unanswered"] == 20
    assert latency["censored"]["max_ns"] >= 100_000_000
    assert set(latencies(read_answer(answer.report).total, behind=False)[1]) >= {"p99_s"}
    check_percentiles(answer)


def test_the_timeout_holds_then_too(fibload: Program) -> None:
    with serving(line=True, actions=[OK] * 95 + [Action.SILENT] * 1000) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, *EVENLY, "--clients", "100", "--rate", "100",
            "--timeout", "0.07", "--duration", "1",
        )  # fmt: skip
    # All have been given up by then; and the later ones after the window, which is no fault of it.
    after = answer.report["cooldown"]["counts"]
    assert after["timeout"] >= 1 or was_over(answer)
    assert answer.counts["timeout"] + loop_of(answer)["unanswered"] == 5
    assert loop_of(answer)["answered_late"] == 0
    # Given up when they were too old, and so are the ages that they were seen at.
    latency = answer.report["latency"]
    assert total(latency["censored"]["counts"]) == 5
    assert latency["censored"]["max_ns"] >= 0.069e9
    check_percentiles(answer)


# --- What happens in that time ----------------------------------------------------------------


def was_over(answer: Answer) -> bool:
    """Whether this machine was so busy that the time was over before anything could happen."""
    longest_ns: int = answer.report["settings"]["duration_ns"] // 10
    return bool(answer.report["cooldown"]["ns"] >= longest_ns)


def was_late(answer: Answer) -> bool:
    """Whether this machine was so busy that the last request was due before it, and sent after."""
    return bool(loop_of(answer)["lag"]["max_ns"] >= LAST_DUE_NS)


LAST_DUE_NS = 50_000_000
"""How long before the end the last of these is due."""
HELD = (*LINE, *ASK_30, *EVENLY, "--clients", "40", "--rate", "20", "--duration", "2")
"""Forty requests, of which a server below answers thirty."""
THIRTY = [OK] * 30


def check_window(answer: Answer) -> None:
    """Hold what was counted up to the end to what was true then, whatever came after it."""
    assert answer.report["window"]["duration_ns"] == 2_000_000_000
    assert answer.report["window"]["ok"] == answer.counts["ok"] == 30
    assert answer.counts["unfinished"] == loop_of(answer)["waiting_at_end"] == 10
    assert answer.counts["started"] == loop_of(answer)["due"] == 40
    assert loop_of(answer)["overdue_at_end"] == 0 or was_late(answer)
    check_percentiles(answer)


def test_late_replies_are_as_late_as_they_are(fibload: Program) -> None:
    numbers = itertools.count(1)
    turn, ended = threading.Lock(), threading.Event()

    def hold() -> None:
        with turn:
            number = next(numbers)
        if number > 30:
            ended.wait(10)

    with serving(line=True, before_reply=hold) as server:
        answer = fibload.load(server.port, *HELD, at_end=lambda _: ended.set())
    check_window(answer)
    assert answer.status == 0
    loop, late = loop_of(answer), answer.report["latency"]["late"]
    assert loop["unanswered"] == 0 or was_over(answer)
    # The last ten were due 50, 100, … ms before the end, and were held until then.
    steps = [lowest_at(index) for index, count in late["counts"] for _ in range(count)]
    for number, step in enumerate(sorted(steps), start=1):
        assert step >= number * 50e6 * 0.998
    assert answer.report["latency"]["max_ns"] >= 500e6 * 0.998


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_it_and_the_window_is_told(
    fibload: Program, number: signal.Signals
) -> None:
    with serving(line=True, actions=[*THIRTY, *[Action.SILENT] * 1000]) as server:
        answer = fibload.load(
            server.port, *HELD, at_end=lambda process: process.send_signal(number)
        )
    check_window(answer)
    assert answer.status == 130 or was_over(answer)
    assert loop_of(answer)["unanswered"] == 10


def test_a_server_that_ends_then_makes_no_trial_invalid(fibload: Program) -> None:
    with serving(line=True, actions=[*THIRTY, *[Action.SILENT] * 1000]) as server:
        answer = fibload.load(server.port, *HELD, at_end=lambda _: server.stop())
    check_window(answer)
    assert answer.status == 0, answer.reasons
    assert loop_of(answer)["unanswered"] == 10
    after = answer.report["cooldown"]["counts"]
    assert after["closed"] + after["reset"] >= 10 or was_over(answer)
    assert "p99_s" in latencies(read_answer(answer.report).total, behind=False)[1]


def test_a_wrong_reply_is_wrong_whenever_it_comes(fibload: Program) -> None:
    ended = threading.Event()
    numbers = itertools.count(1)
    turn = threading.Lock()

    def hold() -> None:
        with turn:
            number = next(numbers)
        if number > 30:
            ended.wait(10)

    actions = [*THIRTY, *[Action.WRONG] * 1000]
    with serving(line=True, actions=actions, before_reply=hold) as server:
        answer = fibload.load(server.port, *HELD, at_end=lambda _: ended.set())
    check_window(answer)
    assert answer.counts["wrong"] == 0
    if not was_over(answer):
        assert answer.status == 3
        assert "wrong replies after the window: " in answer.reasons
        assert answer.report["first_wrong"]["got"] == "error"


def test_a_saturated_server_is_so_and_its_figures_are_those_of_the_window(
    fibload: Program, programs: Path
) -> None:
    with running(programs / "delay_server", "--delays", "10", "--serial") as (port, _):
        answer = fibload.load(
            port, *LINE, *EVENLY, "--clients", "64", "--rate", "200", "--duration", "2"
        )
    assert answer.status == 0
    told, loop, after = read_answer(answer.report), loop_of(answer), answer.report["cooldown"]
    assert after["ns"] == 200_000_000
    # At most 100 a second are answered, and no reply of later is one of the window.
    assert answer.report["window"]["ok"] == answer.counts["ok"] <= 201
    assert loop["waiting_at_end"] == 400 - answer.counts["ok"]
    assert loop["unanswered"] >= 400 - 221
    assert told.groups[0].open_loop is not None
    assert fell_behind(told.groups[0].open_loop, spans_of(told))
    check_percentiles(answer)


def test_a_window_that_replies_end_or_that_is_closed_has_none(
    fibload: Program, programs: Path
) -> None:
    with running(programs / "delay_server", "--delays", "5") as (port, _):
        shapes = (("--rate", "200", "--requests", "20"), ("--duration", "0.2"))
        answers = [fibload.load(port, *LINE, "--clients", "8", *shape) for shape in shapes]
    assert [answer.report["cooldown"] for answer in answers] == [None, None]
