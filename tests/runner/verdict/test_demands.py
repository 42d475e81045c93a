# SPDX-License-Identifier: BSD-3-Clause
"""What a request needs alone, from where that is known; and where it is not, why."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runner.trials import CATALOGUE

from fibench.backends.catalogue import known_backends
from fibench.experiment import Cell, KnownBackend
from fibench.parameters import Parameters
from fibench.parameters.groups import parse
from fibench.verdict.asymptotic.asymptotes import Demand, Possible
from fibench.verdict.asymptotic.demands import LATENCY_S, MeasuredCell, possible_among

KNOWN = known_backends(CATALOGUE)
OWN = KnownBackend(("line",), 1, "own", 1)


def measured(  # noqa: PLR0913 - each is something that a test may vary
    backend: str = "c-mt",
    clients: int = 8,
    rate_per_s: float = 90.0,
    cpu_s: float | None = 0.021,
    *,
    cpus: float | None = 2.0,
    computing_s: float | None = None,
    serves: int | None = None,
    one_gil: bool = False,
    spread: float = 0.0,
    **parameters: Any,
) -> MeasuredCell:
    """What a cell gave, its intervals as wide as `spread` says."""
    asked = Parameters(backend=backend, clients=clients, **{"n": 27, **parameters})
    key = f"{backend}-{clients}-{sorted(parameters.items())}"
    return MeasuredCell(
        Cell(backend, asked, (), key, key),
        rate_per_s,
        rate_per_s * (1 - spread),
        rate_per_s * (1 + spread),
        cpu_s,
        None if cpu_s is None else cpu_s * (1 - spread),
        cpus,
        computing_s,
        serves,
        one_gil,
        fewest=int(rate_per_s) if rate_per_s else 0,
    )


def possible(one: MeasuredCell, *others: MeasuredCell) -> Possible:
    """Of the first of some cells."""
    return possible_among([one, *others], {**KNOWN, "own": OWN})[one.cell.key]


def alone(
    backend: str = "c-mt", rate_per_s: float = 48.0, cpu_s: float | None = 0.02, **more: Any
) -> MeasuredCell:
    return measured(backend, 1, rate_per_s, cpu_s, **more)


def test_a_cell_with_one_client_says_what_a_request_takes_alone() -> None:
    found = possible(measured(), alone())
    assert found.per_s == pytest.approx(2 / 0.02)
    assert (found.source, found.limit, found.cell) == ("one client", "cpus", alone().cell.key)


def test_of_its_interval_the_end_counts_that_leaves_most() -> None:
    found = possible(measured(), alone(spread=0.1))
    assert found.per_s == pytest.approx(2 / 0.018)


@pytest.mark.parametrize(
    "other",
    [
        alone("c-mp"),
        alone(n=26),
        alone(io_wait=0.1),
        alone(framing="line"),
        alone(workers=3),
        alone(rate=40.0),
        alone(others=(("size", 3),)),
        alone(pipeline=4, framing="line"),
    ],
)
def test_one_that_asks_for_something_else_says_nothing(other: MeasuredCell) -> None:
    assert possible(measured(), other).absent == "no cell with one client asks for the same"


def test_how_long_it_is_measured_makes_no_other_request_of_it() -> None:
    longer = alone(duration=9.0, warmup=3.0, threads=2)
    assert possible(measured(), longer).source == "one client"


def test_more_clients_that_take_less_cpu_time_each_are_bounded_by_that() -> None:
    """A loop that always finds work: alone it sleeps and wakes for each request."""
    busy = measured("c-epoll", 32, 90_000.0, 11e-6, cpus=1.0, n=1)
    found = possible(busy, alone("c-epoll", 15_000.0, 30e-6, cpus=1.0, n=1))
    assert found.per_s == pytest.approx(1 / 11e-6)
    assert (found.source, found.limit) == ("this load", "cpus")


def test_without_such_a_cell_it_is_what_computing_alone_takes() -> None:
    found = possible(measured(computing_s=0.019))
    assert found.per_s == pytest.approx(2 / 0.019)
    assert (found.source, found.cell) == ("computing", None)


def test_the_cell_with_one_client_is_believed_first() -> None:
    assert possible(measured(computing_s=0.019), alone(computing_s=0.019)).source == "one client"


def test_where_computing_is_little_beside_a_request_nothing_is_known() -> None:
    absent = possible(measured(computing_s=3e-8)).absent
    assert absent is not None
    assert absent.endswith("and what is computed takes 30.0 ns: a request costs more than that")


@pytest.mark.parametrize(("serves", "at_once"), [(None, 16), (1, 1), (2, 2), (40, 16)])
def test_a_wait_bounds_as_many_as_are_served_at_once(serves: int | None, at_once: int) -> None:
    one = measured("py-sync", 16, 15.0, 1e-4, io_wait=0.05, n=1, serves=serves, computing_s=1e-8)
    found = possible(one)
    assert found.per_s == pytest.approx(at_once / 0.05)
    assert found.at_once == at_once
    assert (found.source, found.limit) == ("io_wait", "clients")


def test_one_gil_is_had_by_one_thread_at_a_time() -> None:
    """However many CPUs there seem to be for what releases it."""
    turns: dict[str, Any] = {"cpus": 1.56, "computing_s": 0.76e-3, "one_gil": True, "n": 20}
    one = measured("py-mt", 4, 913.0, 1.1e-3, **turns)
    found = possible(one)
    assert found.per_s == pytest.approx(1 / 0.76e-3)
    assert (found.source, found.limit) == ("computing", "gil")
    beside = possible(one, alone("py-mt", 900.0, 1.0e-3, **turns))
    assert (beside.source, beside.limit) == ("one client", "gil")
    assert beside.per_s == pytest.approx(1 / 0.76e-3)


def test_computing_that_takes_longer_alone_than_here_bounds_no_gil() -> None:
    """It was found out when others had the CPU."""
    one = measured("py-mt", 4, 913.0, 1.1e-3, cpus=1.05, computing_s=1.2e-3, one_gil=True)
    assert possible(one).limit == "cpus"
    assert possible(one).source == "this load"


def test_by_a_wait_alone_no_bound_is_shown_that_is_none_of_the_wait() -> None:
    one = measured("py-async", 1000, 900.0, 1e-3, io_wait=0.05, n=1, cpus=1.0)
    assert possible(one).absent == (
        "no cell with one client asks for the same, and its wait is not what bounds it"
    )


def test_a_wait_and_what_is_computed_follow_each_other() -> None:
    one = measured("py-sync", 8, 9.0, 0.021, cpus=1.0, serves=1, io_wait=0.05, computing_s=0.02)
    assert possible(one).per_s == pytest.approx(1 / 0.07)


def test_work_that_goes_on_when_the_reply_has_gone_bounds_no_client() -> None:
    """A fork for each request: while one child ends, the next has begun."""
    forks = alone("py-mp", 940.0, 1.5e-3, n=1)
    found = possible(measured("py-mp", 8, 1100.0, 1.6e-3, n=1), forks)
    assert found.per_s == pytest.approx(2 / 1.5e-3)
    assert found.limit == "cpus"
    assert found.demand is not None
    assert found.demand.until_reply_s == 0.0
    absent = possible(forks).absent
    assert absent is not None
    assert absent.startswith("one request keeps more than one CPU busy")


def test_what_is_computed_comes_before_the_reply_all_the_same() -> None:
    forks = alone("py-mp", 940.0, 1.5e-3, computing_s=0.4e-3)
    assert possible(measured("py-mp", 8, 1100.0, 1.6e-3), forks).demand == Demand(1.5e-3, 0.4e-3)
    waits = alone("py-mp", 19.9, 1.5e-3, io_wait=0.05, computing_s=0.4e-3)
    found = possible(measured("py-mp", 4, 60.0, 1.5e-3, io_wait=0.05), waits)
    assert found.per_s == pytest.approx(4 / 0.0504)


def test_a_server_of_ones_own_waits_for_what_one_client_waited_for() -> None:
    """Nobody has told us of it; a millisecond of it may be the way, and waking up."""
    one = alone("own", 19.5, 1e-3, n=None, request="wait")
    found = possible(measured("own", 8, 150.0, 1.1e-3, n=None, request="wait"), one)
    assert found.per_s == pytest.approx(8 / (1 / 19.5 - LATENCY_S))
    assert found.limit == "clients"


def test_a_quick_one_is_not_bounded_by_the_way_there_and_back() -> None:
    one = alone("own", 15_000.0, 15e-6, n=None, request="page")
    found = possible(measured("own", 2, 31_000.0, 15e-6, n=None, request="page"), one)
    assert found.per_s == pytest.approx(2 / 15e-6)


def test_what_a_file_says_of_its_server_bounds_nothing() -> None:
    """`serves = 1` of a server that serves two."""
    one = alone("own", 49.0, 0.02, n=None, request="page")
    found = possible(measured("own", 8, 95.0, 0.0201, n=None, request="page"), one)
    assert found.per_s == pytest.approx(2 / 0.02)
    assert found.at_once == 8


def test_requests_in_flight_are_those_of_a_pipeline() -> None:
    one = measured("c-epoll", 2, 300.0, 1e-4, framing="line", pipeline=4, io_wait=0.02, n=1)
    assert possible(one).per_s == pytest.approx(8 / 0.02)


def test_a_server_that_spins_has_no_demand() -> None:
    spins = alone("c-nonblocking", 12_000.0, 1 / 12_000, n=1, cpus=1.0)
    absent = possible(measured("c-nonblocking", 8, 9e4, 1 / 9e4, n=1, cpus=1.0), spins).absent
    assert absent == "its server keeps a CPU busy while it waits: CPU time says nothing"
    computes = measured("c-nonblocking", 8, 70.0, 1 / 70, computing_s=0.013, cpus=1.0)
    assert possible(computes).source == "computing"


ABSENT = [
    (measured(rate=100.0), "an open loop is asked for its rate, and no more"),
    (measured(kind="process"), "client_bench.sh starts a client for each request"),
    (
        measured(groups=parse("name=a,clients=4,n=1;name=b,clients=4,n=27")),
        "its client groups ask for different things",
    ),
    (
        measured(groups=parse("name=a,clients=8,n=27,rate=5,arrivals=poisson")),
        "an open loop is asked for its rate, and no more",
    ),
    (measured(cpus=None), "its trials do not say how many CPUs its server could use"),
    (replace(measured(), rate_per_s=None), "its throughput is not known"),
]


@pytest.mark.parametrize(("one", "why"), ABSENT)
def test_where_it_cannot_be_known_it_is_said_why(one: MeasuredCell, why: str) -> None:
    found = possible(replace(one, computing_s=0.02), alone())
    assert (found.per_s, found.absent) == (None, why)
    assert found.as_document(90.0) == {"per_s": None, "absent": why}


def test_groups_that_ask_for_the_same_are_clients_like_others() -> None:
    groups = parse("name=a,clients=4,n=27;name=b,clients=4,n=27;name=idle,clients=90,idle")
    found = possible(measured(groups=groups, computing_s=0.02))
    assert found.per_s == pytest.approx(100.0)
    assert found.at_once == 8


def test_a_cell_whose_own_cpu_time_is_not_known_is_bounded_by_that_of_one_client() -> None:
    assert possible(measured(cpu_s=None), alone()).per_s == pytest.approx(100.0)
    absent = possible(measured(), alone(cpu_s=None)).absent
    assert absent == "the CPU time of a request is not known of the cell with one client"


def test_what_more_was_measured_than_is_possible_shows_that_it_is_no_bound() -> None:
    found = possible(measured(rate_per_s=130.0, cpu_s=None, spread=0.02), alone())
    assert found.per_s is None
    assert found.absent is not None
    assert found.absent.startswith("more was measured than 100/s")


def test_a_window_that_begins_between_replies_is_no_such_proof() -> None:
    """Sixteen clients that wait together: a window has all of their replies or none."""
    found = possible(measured("py-async", 16, 330.0, 1e-4, io_wait=0.05, n=1))
    assert found.per_s == pytest.approx(320.0)


def test_it_is_told_with_what_it_is_made_of() -> None:
    told = possible(measured(), alone()).as_document(75.0)
    assert told == {
        "per_s": pytest.approx(100.0), "absent": None, "share": pytest.approx(0.75),
        "limit": "cpus", "at_once": 8, "cpus": 2.0, "cpu_s": 0.02, "until_reply_s": 0.02,
        "wait_s": 0.0, "gil_s": 0.0, "from": "one client", "one_client": alone().cell.key,
    }  # fmt: skip


positive = st.floats(1e-6, 1.0)


@given(
    clients=st.integers(1, 64),
    busy=st.floats(0.01, 1.0),
    cpus=st.integers(1, 16),
    cpu_s=positive,
    alone_s=positive,
    rate=st.floats(0.1, 0.99),
)
def test_by_the_utilisation_law_no_figure_exceeds_what_cpus_allow(
    clients: int, busy: float, cpus: int, cpu_s: float, alone_s: float, rate: float
) -> None:
    """Whatever the cell with one client gave: a throughput times its CPU time is the CPUs that were
    busy, of which there are no more. Nor then is a figure taken for a proof against the bound."""
    clients = max(clients, cpus)
    one = measured(clients=clients, rate_per_s=busy * cpus / cpu_s, cpu_s=cpu_s, cpus=float(cpus))
    found = possible(one, alone(rate_per_s=rate / alone_s, cpu_s=alone_s, cpus=float(cpus)))
    if one.cell.parameters.clients > 1:
        assert found.per_s is not None
        assert one.rate_per_s is not None
        assert found.per_s >= one.rate_per_s * (1 - 1e-9)
