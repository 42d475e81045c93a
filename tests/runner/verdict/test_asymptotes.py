# SPDX-License-Identifier: BSD-3-Clause
"""Asymptotic bounds, beside closed networks whose throughput is known."""

import heapq
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.verdict.asymptotic.asymptotes import Asymptotes, Demand, asymptotes

ROUNDING = 1.0 + 1e-9
at_once = st.integers(1, 40)
cpus = st.integers(1, 12)
times_s = st.floats(1e-6, 10.0)
waits_s = st.one_of(st.just(0.0), times_s)


def demand(cpu_s: float, wait_s: float = 0.0) -> Demand:
    return Demand(cpu_s, cpu_s, wait_s)


def exact_per_s(clients: int, servers: int, cpu_s: float, wait_s: float) -> float:
    """The machine repair model: clients that wait, and ask for what any of the CPUs computes, each
    for an exponential time. Its states are how many are at the CPUs, by balance between them."""
    if wait_s == 0.0:
        return min(clients, servers) / cpu_s
    logs = [0.0]
    for there in range(clients):
        arrive, leave = (clients - there) / wait_s, min(there + 1, servers) / cpu_s
        logs.append(logs[-1] + math.log(arrive / leave))
    most = max(logs)
    weights = [math.exp(log - most) for log in logs]
    busy = math.fsum(w * min(there, servers) for there, w in enumerate(weights))
    return busy / math.fsum(weights) / cpu_s


@given(at_once, cpus, times_s, waits_s)
def test_no_bound_is_below_what_the_exact_model_answers(
    clients: int, servers: int, cpu_s: float, wait_s: float
) -> None:
    bounds = asymptotes(clients, servers, demand(cpu_s, wait_s))
    assert exact_per_s(clients, servers, cpu_s, wait_s) <= bounds.per_s * ROUNDING


@given(at_once, cpus, times_s, times_s)
def test_where_one_is_far_below_the_other_the_model_comes_near_it(
    clients: int, servers: int, cpu_s: float, wait_s: float
) -> None:
    """So that it is the bound and no other number: with few clients, and with very many."""
    few = asymptotes(1, servers, demand(cpu_s, wait_s))
    assert exact_per_s(1, servers, cpu_s, wait_s) == pytest.approx(few.by_clients_per_s)
    many = clients + math.ceil(servers * 50 * (1.0 + min(wait_s / cpu_s, 20.0)))
    wait_s = min(wait_s, 20.0 * cpu_s)
    full = asymptotes(many, servers, demand(cpu_s, wait_s))
    assert exact_per_s(many, servers, cpu_s, wait_s) == pytest.approx(full.by_cpus_per_s, rel=0.05)
    assert full.limit == "cpus"


def played_per_s(clients: int, servers: int, requests: Sequence[tuple[float, float]]) -> float:
    """What clients are answered that ask one request after the other, each with a wait and a time
    at one of the CPUs, in whatever order they come."""
    asking, free = [0.0] * clients, [0.0] * servers
    last = 0.0
    for wait_s, cpu_s in requests:
        arrives = heapq.heappop(asking) + wait_s
        ends = max(arrives, heapq.heappop(free)) + cpu_s
        heapq.heappush(free, ends)
        heapq.heappush(asking, ends)
        last = max(last, ends)
    return len(requests) / last


@given(at_once, cpus, st.lists(st.tuples(waits_s, times_s), min_size=1, max_size=60))
def test_no_distribution_is_assumed(
    clients: int, servers: int, requests: list[tuple[float, float]]
) -> None:
    """Whatever the requests are like, their means bound it: that is what operational means."""
    wait_s, cpu_s = (math.fsum(side) / len(requests) for side in zip(*requests, strict=True))
    bounds = asymptotes(clients, servers, demand(cpu_s, wait_s))
    assert played_per_s(clients, servers, requests) <= bounds.per_s * ROUNDING


@given(at_once, at_once, cpus, cpus, times_s, waits_s)
def test_more_clients_and_more_cpus_never_lower_it(
    clients: int, more: int, servers: int, others: int, cpu_s: float, wait_s: float
) -> None:
    needs = demand(cpu_s, wait_s)
    least = asymptotes(clients, servers, needs).per_s
    assert least <= asymptotes(clients + more, servers, needs).per_s
    assert least <= asymptotes(clients, servers + others, needs).per_s
    assert least <= asymptotes(clients + more, servers + others, needs).per_s


@given(at_once, cpus, times_s, waits_s, st.floats(0.0, 1.0))
def test_less_that_is_needed_never_lowers_it(
    clients: int, servers: int, cpu_s: float, wait_s: float, part: float
) -> None:
    """So a demand that is told too low is safe: one that is told too high is not."""
    whole = asymptotes(clients, servers, demand(cpu_s, wait_s)).per_s
    for less in (
        Demand(cpu_s, part * cpu_s, wait_s),
        Demand(cpu_s, cpu_s, part * wait_s),
        Demand(part * cpu_s, part * cpu_s, wait_s),
    ):
        assert asymptotes(clients, servers, less).per_s >= whole


def test_it_is_said_by_which_of_the_two() -> None:
    assert asymptotes(8, 2, demand(0.02)) == Asymptotes(400.0, 100.0)
    assert asymptotes(8, 2, demand(0.02)).limit == "cpus"
    assert asymptotes(16, 2, demand(0.0001, 0.05)).limit == "clients"
    assert asymptotes(16, 2, Demand(0.0, 0.0, 0.05)) == Asymptotes(320.0, math.inf)
    assert asymptotes(1, 2, Demand(0.01, 0.0)) == Asymptotes(math.inf, 200.0)
    turns = asymptotes(8, 2, Demand(0.02, 0.02, gil_s=0.018))
    assert turns.limit == "gil"
    assert turns.per_s == pytest.approx(1 / 0.018)
