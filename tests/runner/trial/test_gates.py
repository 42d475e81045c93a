# SPDX-License-Identifier: BSD-3-Clause
"""Was the meter the limit? The gates are those that docs/measurement.md names, to the figure."""

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.documents import NO_COUNTS, answer, closed_loop, group, open_loop

from fibench.record import Checks
from fibench.trial import _gates as gates
from fibench.trial._gates import AvailableCores, design_cores
from fibench.trial.answer import read_answer

ONE = AvailableCores(server=1, load=1)
TWO = AvailableCores(server=2, load=2)


def generator(share: float, threads: int = 1) -> dict[str, Any]:
    used_ns = round(share * 1e9)
    used = {"cpu_user_ns": used_ns, "cpu_system_ns": 0, "wall_ns": 10**9, "threads": threads}
    return {**answer()["generator"], **used}


def check(document: dict[str, Any], cores: AvailableCores, used: float | None) -> Checks:
    return gates.check(read_answer(document), cores, used)


def bound(
    document: dict[str, Any], places: AvailableCores = ONE, used: float | None = 0.5
) -> str | None:
    return check(document, places, used).generator_bound


def test_a_meter_that_keeps_up_is_not_the_limit() -> None:
    checked = check(answer(), ONE, 0.5)
    assert asdict(checked) == {
        "generator_bound": None,
        "generator_share": pytest.approx(0.2),
        "littles_law": pytest.approx(1.0),
        "flight_gate": None,
        "lag_p99_s": None,
        "read_lag_p50_s": pytest.approx(1e-6),
        "read_lag_p99_s": pytest.approx(30e-6),
        "steady": None,
        "ramp": False,
        "warmup_s": pytest.approx(0.2),
        "sent_share": None,
        "offered_per_s": None,
        "saturated": None,
        "line": None,
        # What the kernel counted is not fibload's to say.
        "listen_overflows": None,
        "listen_drops": None,
        "retransmits": None,
        # Of a server of one's own alone, and measured beside the load.
        "computing_s": None,
        "fibonacci_s": None,
        "check_s": None,
    }


def test_a_busy_generator_and_an_idle_server_are_named_with_their_figures() -> None:
    busy = answer(generator=generator(0.94))
    assert bound(busy, AvailableCores(2, 1), 0.41) == (
        "the load generator used 94 % of its core while the server used 0.41 of 2"
    )
    shared = answer(generator=generator(1.7, threads=2))
    assert bound(shared, TWO, 0.3) == (
        "the load generator used 85 % of its 2 cores while the server used 0.30 of 2"
    )


def test_what_to_do_about_unused_cores_is_said_where_there_are_several() -> None:
    busy = read_answer(answer(generator=generator(0.94)))
    for server_cores, said in (
        (2, "0.95 of 2 (write cores = 1)"),
        (4, "0.95 of 4 (write cores = 1)"),
    ):
        told = gates.check(busy, AvailableCores(server_cores, 1), 0.95, "write cores = 1")
        assert str(told.generator_bound).endswith(said)
    told = gates.check(busy, AvailableCores(1, 1), 0.41, "write cores = 1")
    assert str(told.generator_bound).endswith("0.41 of 1")
    assert gates.check(busy, AvailableCores(1, 1), 0.95).generator_bound is None, "it was busy"


@given(share=st.floats(0, 2), threads=st.integers(1, 4), cores=st.integers(1, 4))
def test_the_cpu_gate_counts_the_threads_as_far_as_there_are_cores_for_them(
    share: float, threads: int, cores: int
) -> None:
    document = answer(generator=generator(share, threads))
    checked = check(document, AvailableCores(1, cores), 0.1)
    assert checked.generator_share is not None
    assert checked.generator_share == pytest.approx(share / min(threads, cores), abs=1e-6)
    assert (checked.generator_bound is not None) == (checked.generator_share > 0.80)


@given(used=st.floats(0, 8), cores=st.integers(1, 8))
def test_a_busy_generator_is_no_limit_where_the_server_is_busy_too(used: float, cores: int) -> None:
    told = bound(answer(generator=generator(0.99)), AvailableCores(cores, 1), used)
    assert (told is None) == (used >= 0.9 * cores)


def test_a_server_whose_cpu_time_is_not_known_excuses_nothing() -> None:
    told = bound(answer(generator=generator(0.99)), ONE, None)
    assert told == "the load generator used 99 % of its core, and what the server used is not known"


def test_a_spinning_generator_is_judged_by_its_lag_and_not_by_its_cpu() -> None:
    spinning = answer(generator=generator(1.0), open_loop=open_loop())
    spinning["settings"] = spinning["settings"] | {"spin": True}
    assert bound(spinning, AvailableCores(1, 1), 0.1) is None


@given(due=st.integers(0, 10_000), unnoticed=st.integers(0, 10_000))
def test_a_generator_that_does_not_come_to_what_is_due_is_late(due: int, unnoticed: int) -> None:
    unnoticed = min(due, unnoticed)
    loop = open_loop(due=due, unnoticed=unnoticed)
    is_limit = check(answer(open_loop=loop), ONE, 0.5).generator_bound is not None
    assert is_limit == (unnoticed > 1 and unnoticed / due > 0.01 + 1e-12)


def test_what_a_late_generator_did_not_come_to_is_told() -> None:
    late = answer(open_loop=open_loop(due=1000, unnoticed=28, waiting_at_end=400))
    checked = check(late, ONE, 0.5)
    assert checked.generator_bound == "the load generator came to 97.2 % of what was due"
    assert checked.saturated is None


def test_a_late_group_does_not_hide_behind_a_busy_one() -> None:
    late = group("late", open_loop=open_loop(due=100, unnoticed=50))
    busy = group("busy", open_loop=open_loop(due=100_000))
    document = answer(open_loop=open_loop(due=100_100), groups=[busy, late])
    assert "came to 50.0 % of what was due" in str(bound(document))


def test_what_was_sent_and_the_lag_are_handed_on() -> None:
    slow = group("slow", open_loop=open_loop(due=100, sent=50))
    busy = group("busy", open_loop=open_loop(due=100_000, sent=100_000))
    document = answer(open_loop=open_loop(due=100_100, sent=100_050), groups=[busy, slow])
    checked = check(document, ONE, 0.5)
    assert checked.sent_share == 0.5
    assert checked.generator_bound is None
    assert checked.lag_p99_s == pytest.approx(90e-6)
    assert checked.offered_per_s == 1000.0
    assert checked.littles_law is None


@given(clients=st.integers(1, 1000), ratio=st.floats(0.0, 1.2))
def test_a_closed_loop_keeps_almost_all_of_its_requests_in_flight(
    clients: int, ratio: float
) -> None:
    checked = check(answer(closed_loop=closed_loop(clients, ratio)), ONE, 0.5)
    assert checked.littles_law == ratio
    assert (checked.flight_gate is None) == (0.95 <= ratio <= 1.001)
    assert checked.generator_bound is None


def test_what_was_in_flight_is_told() -> None:
    assert check(answer(closed_loop=closed_loop(8, 0.75)), ONE, 0.5).flight_gate == (
        "the load generator kept 75 % of the requests in flight that it was to: 6.00 of 8"
    )
    assert check(answer(closed_loop=closed_loop(8, 0.0)), ONE, 0.5).flight_gate == (
        "the load generator kept no request in flight"
    )


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            answer(closed_loop=closed_loop(8, 0.5), counts=NO_COUNTS | {"ok": 1000, "refused": 3}),
            id="somebody was refused, and rests before he tries again",
        ),
        pytest.param(answer(closed_loop=closed_loop(8, None)), id="fibload cannot say"),
    ],
)
def test_where_littles_law_does_not_apply_it_is_not_judged(
    document: dict[str, Any],
) -> None:
    checked = check(document, ONE, 0.5)
    assert checked.littles_law is None
    assert checked.flight_gate is None


def test_of_a_mixed_load_each_group_without_a_rate_is_judged() -> None:
    own_pace, fair = group("b", open_loop=open_loop()), group("a")
    document = answer(closed_loop=None, groups=[fair, own_pace])
    assert check(document, ONE, 0.5).littles_law == 1.0
    short = group("a", closed_loop=closed_loop(4, 0.5))
    checked = check(answer(closed_loop=None, groups=[fair, short, own_pace]), ONE, 0.5)
    assert checked.littles_law == 0.5
    assert "2.00 of 4" in str(checked.flight_gate)


def test_all_gates_that_fail_are_named() -> None:
    slow = open_loop(due=1000, unnoticed=100)
    document = answer(
        generator=generator(0.95), open_loop=slow, groups=[group("all", open_loop=slow)]
    )
    told = bound(document)
    assert told is not None
    assert [part.split()[3] for part in told.split("; ")] == ["used", "came"]


@pytest.mark.parametrize(
    ("waited_ns", "explained"),
    [(None, False), (9_000_000, False), (240_000_000, True)],
)
def test_a_generator_that_waited_for_a_cpu_is_explained_by_it(
    waited_ns: int | None, explained: bool
) -> None:
    document = answer(generator=generator(0.95) | {"run_delay_ns": waited_ns})
    assert str(bound(document)).endswith("it waited for a CPU for 24 % of the window") == explained
    assert bound(answer(generator=generator(0.1) | {"run_delay_ns": waited_ns})) is None


@pytest.mark.parametrize(
    ("count", "p50_s", "p99_s"), [(19, None, None), (20, 1e-6, None), (1000, 1e-6, 30e-6)]
)
def test_lags_of_a_closed_loop_that_rest_on_few_are_not_known(
    count: int, p50_s: float | None, p99_s: float | None
) -> None:
    loop = closed_loop(8)
    loop["lag"] |= {"count": count}
    checked = check(answer(closed_loop=loop), ONE, 0.5)
    assert checked.read_lag_p50_s == (None if p50_s is None else pytest.approx(p50_s))
    assert checked.read_lag_p99_s == (None if p99_s is None else pytest.approx(p99_s))


def test_what_the_warm_up_told_is_handed_on() -> None:
    checked = check(answer(warmup={"ns": 10**10, "steady": False, "ramp": True}), ONE, 0.5)
    assert (checked.steady, checked.ramp) == (False, True)
    assert checked.warmup_s == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("cores", "workers", "server_cores", "usable"),
    [
        (1, None, 4, 1),
        (1, 8, 4, 1),
        ("any", None, 4, 4),
        ("any", 2, 4, 4),
        ("workers", 2, 4, 2),
        ("workers", 8, 4, 4),
        ("workers", None, 4, 4),
        (3, None, 4, 3),
    ],
)
def test_a_design_can_use_the_cores_it_is_made_for_of_those_it_may_run_on(
    cores: Any, workers: int | None, server_cores: int, usable: int
) -> None:
    assert design_cores(cores, workers, server_cores) == usable
