# SPDX-License-Identifier: BSD-3-Clause
"""What closed loops tell of themselves: what was served does not depend on where the window's edges
fall, Little's law is exact, and what waited to be read is known.

The estimator itself is held to processes of known rates by src_c/load/count/test-throughput.c.
"""

import threading
from pathlib import Path

import pytest

from .conftest import Program, running
from .servers import ASK_30, Action, serving

LINE = ("--framing", "line")
FRAMINGS = pytest.mark.parametrize("framing", ["message", "line"])


@pytest.mark.parametrize("warmup", ["0.21", "0.27", "0.33", "0.39"])
@pytest.mark.parametrize("pipeline", ["1", "3"])
def test_clients_in_step_are_never_served_faster_than_they_can_be(
    fibload: Program, programs: Path, warmup: str, pipeline: str
) -> None:
    # No reply comes before 100 ms, so that 4 clients cannot have more than 40 in a second, whatever
    # the machine does; 7 or 8 waves of 7.5 are counted in the window.
    delay_s = 0.1
    with running(programs / "delay_server", "--delays", str(delay_s * 1000)) as (port, _):
        answer = fibload.load(
            port, *LINE, "--clients", "4", "--pipeline", pipeline, "--warmup", warmup,
            "--duration", "0.75",
        )  # fmt: skip
    window = answer.report["window"]
    most_per_s = 4 * int(pipeline) / delay_s
    # The histogram has three digits. Who stood still until the window opened is told more roughly.
    most_per_s *= 1.05 if answer.report["warmup"]["ramp"] else 1.001
    assert 0 < window["served_per_s"] <= most_per_s
    assert window["served_per_s"] == pytest.approx(window["served"] / 0.75, abs=0.01)


@FRAMINGS
def test_all_clients_are_in_flight_all_the_time(fibload: Program, framing: str) -> None:
    with serving(line=framing == "line") as server:
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, "--clients", "6", "--threads", "2",
            "--warmup", "0.2", "--duration", "0.5",
        )  # fmt: skip
    loop = answer.report["closed_loop"]
    assert 0.8 <= loop["littles_law"] <= 1
    assert loop["in_flight"] == pytest.approx(6 * loop["littles_law"], abs=0.001)


def test_requests_without_a_reply_are_in_flight_as_well(fibload: Program) -> None:
    # Nobody is answered in the window, in which no client ever pauses.
    begun = threading.Event()
    answered = iter(range(4))

    def only_at_first() -> None:
        if next(answered, None) is None:
            begun.wait()

    with serving(line=True, before_reply=only_at_first) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--clients", "4", "--warmup", "0.3", "--duration", "0.4"
        )
        begun.set()
    assert answer.report["window"]["ok"] == 0
    assert answer.report["window"]["served"] == 0
    assert answer.report["closed_loop"]["littles_law"] == pytest.approx(1, abs=1e-6)


def test_requests_that_fail_are_in_flight_until_they_do(fibload: Program) -> None:
    with serving(line=True, actions=[Action.ANSWER, Action.WRONG] * 1000) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--clients", "3", "--warmup", "0.1", "--duration", "0.3"
        )
    assert answer.counts["wrong"] > 0
    assert 0.8 <= answer.report["closed_loop"]["littles_law"] <= 1


def test_clients_that_are_never_served_serve_nothing(fibload: Program) -> None:
    first: set[int] = set()
    turn = threading.Lock()
    ended = threading.Event()

    def only_one_connection() -> None:
        me = threading.get_ident()
        with turn:
            first.add(me) if not first else None
        if me not in first:
            ended.wait()

    with serving(line=True, before_reply=only_one_connection) as server:
        answer = fibload.load(server.port, *LINE, *ASK_30, "--clients", "8", "--duration", "0.4")
        ended.set()
    window = answer.report["window"]
    assert window["ok"] - 1 <= window["served"] <= window["ok"] + 1


def test_groups_have_their_own_and_a_mixture_has_none(fibload: Program) -> None:
    with serving(line=True) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--warmup", "0.1", "--duration", "0.4",
            "--group", "name=closed,clients=3", "--group", "name=open,clients=3,rate=100",
            "--group", "name=idle,clients=2,idle",
        )  # fmt: skip
    closed, opened, idle = answer.report["groups"]
    assert answer.report["closed_loop"] is None
    assert closed["closed_loop"]["littles_law"] > 0.5
    assert opened["closed_loop"] is idle["closed_loop"] is None
    assert opened["window"]["served"] == opened["window"]["ok"]
    served = sum(group["window"]["served"] for group in answer.report["groups"])
    assert answer.report["window"]["served"] == pytest.approx(served, abs=0.002)


def test_where_a_pipeline_runs_dry_the_number_in_flight_is_not_fixed(fibload: Program) -> None:
    with serving(line=True) as server:
        answer = fibload.load(
            server.port, *LINE, *ASK_30, "--pipeline", "4", "--requests-per-connection", "6",
            "--duration", "0.3",
        )  # fmt: skip
    loop = answer.report["closed_loop"]
    assert loop["littles_law"] is None
    assert 0 < loop["in_flight"] <= 4


def test_a_number_of_requests_of_one_client_is_served_to_the_unit(fibload: Program) -> None:
    # Its window ends with a reply.
    with serving(line=True) as server:
        answer = fibload.load(server.port, *LINE, *ASK_30, "--requests", "50")
    assert answer.report["window"]["served"] == pytest.approx(50, abs=1)


@FRAMINGS
def test_what_waited_to_be_read_is_told_and_part_of_what_was_measured(
    fibload: Program, framing: str
) -> None:
    with serving(line=framing == "line") as server:
        answer = fibload.load(
            server.port, "--framing", framing, *ASK_30, "--clients", "8", "--requests", "200"
        )
    lag = answer.report["closed_loop"]["lag"]  # load() has compared it to the latencies
    assert lag["count"] >= 1  # one read of eight, and there may be eight replies in a turn
    assert lag == answer.report["groups"][0]["closed_loop"]["lag"]
