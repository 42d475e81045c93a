# SPDX-License-Identifier: BSD-3-Clause
"""Open loops that fall behind: late generators, too few clients and saturated servers."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.documents import answer, closed_loop, cut_off, group, latency, open_loop

from fibench.metrics import LATENCIES
from fibench.record import LatencyBounds, Saturated
from fibench.trial import _gates as gates
from fibench.trial._gates import AvailableCores
from fibench.trial.answer import read_answer
from fibench.trial.overload import Spans, fell_behind, latencies, line_of, most_left

ONE = AvailableCores(server=1, load=1)
SPANS = Spans(warmup_s=0.2, window_s=1.0)


def behind(clients: int = 100, **more: Any) -> dict[str, Any]:
    """Of 2000 that were due in a second 1000 were answered, each after 1 ms."""
    loop = {"due": 2000, "sent": 1000, "offered_per_s": 2000.0, "fastest_ns": 1_000_000}
    loop |= {"waiting_at_begin": 50, "waiting_at_end": 1050}
    asked = {"clients": {"asked": clients, "connected": clients, "answered": clients}}
    return group("all", 1000, open_loop=open_loop(**loop | more), **asked)


def busy(share: float, delayed: float = 0.0) -> dict[str, Any]:
    """A generator that used so much of its core, and was ready without one for so long."""
    used = {"cpu_user_ns": round(share * 1e9), "cpu_system_ns": 0, "wall_ns": 10**9}
    return {**answer()["generator"], **used, "run_delay_ns": round(delayed * 1e9)}


def check(*groups: dict[str, Any], used: float | None = 0.0, **more: Any) -> gates.Overload:
    return gates.overload(read_answer(answer(groups=list(groups), **more)), ONE, used)


def test_an_idle_generator_and_clients_that_are_all_busy_make_a_saturated_server() -> None:
    found = check(behind(), generator=busy(0.014))
    assert found.late is None
    assert found.total == Saturated(answered_per_s=1000.0, due_per_s=2000.0)
    assert found.groups == {"all": found.total}


def test_it_is_the_group_that_fell_behind_which_is_saturated() -> None:
    kept = group("kept", 500, open_loop=open_loop(due=500))
    closed = group("closed", 9000)
    found = check(behind() | {"name": "slow"}, kept, closed, generator=busy(0.014))
    assert found.groups == {"slow": Saturated(1000.0, 2000.0)}
    assert found.total == Saturated(1500.0, 2500.0)


@pytest.mark.parametrize(("share", "delayed"), [(0.9, 0.0), (0.5, 0.4), (0.0, 0.9)])
def test_a_generator_without_a_core_of_its_own_may_be_what_is_behind(
    share: float, delayed: float
) -> None:
    document = answer(groups=[behind()], generator=busy(share, delayed))
    checked = gates.check(read_answer(document), ONE, 0.5)
    assert checked.generator_bound is not None
    assert checked.saturated is None
    assert gates.overload(read_answer(document), ONE, 0.5).groups == {}
    # A server that has no more to give is saturated, whatever the generator would have done.
    excused = gates.check(read_answer(document), ONE, 0.95)
    assert excused.generator_bound is None
    assert excused.saturated is not None


def test_without_falling_behind_a_generator_that_waited_for_a_cpu_is_no_limit() -> None:
    document = answer(open_loop=open_loop(), generator=busy(0.3, 0.7))
    assert gates.check(read_answer(document), ONE, 0.1).generator_bound is None


def test_too_few_clients_are_told_apart_from_a_server_that_is_too_slow() -> None:
    found = check(behind(clients=10, fastest_ns=10_000_000), generator=busy(0.014))
    assert found.late == (
        "10 clients are too few for 2,000/s: no reply took less than 10 ms, so that 20 are "
        "needed at least"
    )
    assert found.total is None
    assert check(behind(clients=20, fastest_ns=10_000_000)).late is None
    pipelined = answer()["settings"] | {"pipeline": 2}
    assert check(behind(clients=10, fastest_ns=10_000_000), settings=pipelined).late is None


@given(
    due=st.integers(0, 100_000),
    begin=st.integers(0, 1000),
    grown=st.integers(-1000, 100_000),
)
def test_it_fell_behind_if_more_wait_than_three_roots_of_what_was_due(
    due: int, begin: int, grown: int
) -> None:
    end = max(0, begin + grown)
    document = open_loop(due=due, waiting_at_begin=begin, waiting_at_end=end, fastest_ns=None)
    loop = read_answer(answer(open_loop=document)).groups[0].open_loop
    assert loop is not None
    assert fell_behind(loop, SPANS) == (end - begin > 3.0 * math.sqrt(due))


def test_what_has_not_been_served_yet_for_want_of_time_is_not_behind() -> None:
    # Twenty clients' worth of requests that take 50 ms are in flight at the end and not at a begin
    # without a warm-up.
    assert most_left(400, 0.05, Spans(0.0, 1.0)) >= 20 + 60
    assert most_left(400, 0.05, Spans(0.2, 1.0)) < 20 + 60
    # Where a request takes as long as the window, what is in flight varies by twice as much.
    assert most_left(400, 1.0, Spans(2.0, 1.0)) == pytest.approx(3.0 * math.sqrt(800))


def read(
    part: dict[str, Any], *, is_behind: bool
) -> tuple[dict[str, Any], dict[str, LatencyBounds]]:
    return latencies(read_answer(answer(groups=[part])).groups[0].part, is_behind)


def with_ends(at_least_ms: float, at_most_ms: float | None, seen_ms: float) -> dict[str, Any]:
    ends = cut_off(at_least_ms, at_most_ms, seen_ms)
    return behind() | {"latency": latency(20.0, **ends)}


def test_what_fell_behind_has_lower_bounds_and_no_latencies() -> None:
    known, bounds = read(with_ends(10.0, 30.0, 15.0), is_behind=True)
    assert known == dict.fromkeys(["p50_s", "p90_s", "p99_s", "p999_s", "max_s"])
    assert {name: bound.at_most for name, bound in bounds.items()} == known
    assert bounds.pop("max_s").at_least == pytest.approx(0.02)
    assert [bound.at_least for bound in bounds.values()] == [pytest.approx(0.015)] * 4


@pytest.mark.parametrize("at_most_ms", [20.0, 20.9])
def test_a_percentile_that_nothing_could_move_is_shown(at_most_ms: float) -> None:
    known, bounds = read(with_ends(20.0, at_most_ms, 15.0), is_behind=False)
    assert known["p99_s"] == 0.02
    assert bounds == {}


@pytest.mark.parametrize("at_most_ms", [21.1, 500.0, None])
def test_one_that_what_was_cut_off_could_move_has_bounds(at_most_ms: float | None) -> None:
    known, bounds = read(with_ends(20.0, at_most_ms, 15.0), is_behind=False)
    found = bounds["p99_s"]
    assert known["p99_s"] is None
    assert found.at_least == pytest.approx(0.02)
    if at_most_ms is None:
        assert found.at_most is None
    else:
        assert found.at_most == pytest.approx(at_most_ms * 1e-3)
    # The slowest that was seen is no more than that, whatever becomes of others.
    assert known["max_s"] == 0.02
    assert "max_s" not in bounds


def test_closed_loops_have_no_bounds() -> None:
    known, bounds = read(group("all", 1000, latency=latency(8.0)), is_behind=False)
    assert known["p50_s"] == 0.008
    assert bounds == {}


def first_round(name: str, of: int, ok: int = 1000) -> dict[str, Any]:
    """A closed loop of which so many replies were to first requests."""
    return group(name, ok, closed_loop=closed_loop(4) | {"first_round": of})


@pytest.mark.parametrize(("of", "is_ramp"), [(0, False), (20, False), (21, True), (1000, True)])
def test_latencies_of_a_first_round_are_lower_bounds(of: int, is_ramp: bool) -> None:
    part = read_answer(answer(groups=[first_round("all", of)])).groups[0].part
    assert part.is_ramp == is_ramp
    known, bounds = latencies(part, behind=False, is_ramp=part.is_ramp)
    if not is_ramp:
        assert known["p50_s"] == pytest.approx(0.008)
        assert bounds == {}
        return
    assert set(known.values()) == {None}
    assert bounds["p50_s"].at_least == pytest.approx(0.008)
    assert bounds["p50_s"].at_most is None
    assert set(bounds) == {f"{name}_s" for name in LATENCIES}


def test_what_waits_grows_at_the_capacity_as_a_random_walk_does() -> None:
    loop = read_answer(
        answer(open_loop=open_loop(due=2500, waiting_at_end=30, fastest_ns=None))
    ).total.open_loop
    assert loop is not None
    line = line_of(loop, Spans(0.0, 1.0), is_uniform=False)
    assert line.grown == pytest.approx(30.0 - loop.waiting_at_begin)
    assert line.at_capacity == pytest.approx(math.sqrt(2.0 * 2500.0 / math.pi))
    later = line_of(loop, Spans(1.0, 1.0), is_uniform=False)
    assert later.at_capacity == pytest.approx((math.sqrt(2.0) - 1.0) * line.at_capacity)
    assert line_of(loop, Spans(0.0, 1.0), is_uniform=True).at_capacity == 25.0


def test_what_a_short_warm_up_lacks_is_no_growth() -> None:
    loop = read_answer(
        answer(open_loop=open_loop(due=500, waiting_at_end=100, fastest_ns=200_000_000))
    ).total.open_loop
    assert loop is not None
    known, short = (line_of(loop, Spans(s, 1.0), is_uniform=False) for s in (0.2, 0.0))
    assert known.grown - short.grown == pytest.approx(100.0)
