# SPDX-License-Identifier: BSD-3-Clause
"""A search for the highest rate that holds a limit, on servers whose knee is known."""

import math
import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.metrics import METRICS
from fibench.plan.searching.steps import (
    CHOSEN,
    GRID,
    MOST_SEARCH_TRIALS,
    Ask,
    Bracket,
    Shown,
    Shows,
    bracket_of,
    least_place,
    next_step,
    rates_about,
    start_of,
    with_named,
)

MARGIN = 1.05
STEP = max(after / before for before, after in pairwise(GRID))
Server = Callable[[float, bool], Shows]
"""What a trial at a rate shows; the second is whether its window is short."""


def exact(knee: float) -> Server:
    """A server without noise that holds its limit below a rate."""
    return lambda rate, _: "held" if rate < knee else "exceeded"


def noisy(knee: float, chance: random.Random, spread: float, stalls: float) -> Server:
    """Its latency is off by `spread`; in a share of trials, `stalls`, something else delays it.

    Latency ÷ limit is 0.1 ÷ (1 - 0.9 × rate ÷ knee), which is 1 at the knee; above 1/0.9 of it the
    server is saturated.
    """

    def answer(rate: float, short: bool) -> Shows:
        load = 0.9 * rate / knee
        if load >= 1.0 or chance.random() < stalls:
            return "exceeded"
        wide = spread * (2.0 if short else 1.0)
        latency = 0.1 / (1.0 - load) * math.exp(chance.gauss(0.0, wide))
        if latency > MARGIN:
            return "exceeded"
        return "held" if latency * MARGIN < 1.0 else "both"

    return answer


def search(server: Server, per_s: float | None = None, least: int = 0) -> list[Shown]:
    """What a search sees of a server; `per_s` is what a closed loop gives, if it is asked for."""
    seen: list[Shown] = []
    while (ask := next_step(seen, closed_first=per_s is not None, least=least)) is not None:
        assert len(seen) < MOST_SEARCH_TRIALS
        if ask.at is None:
            seen.append(Shown(None, "unknown", short=True, per_s=per_s))
        else:
            seen.append(Shown(ask.at, server(GRID[ask.at], ask.short), short=ask.short))
    return seen


def ends_of(found: Bracket) -> tuple[float, float]:
    low = 0.0 if found.low is None else GRID[found.low]
    high = float("inf") if found.high is None else GRID[found.high]
    return low, high


def test_the_grid_has_24_rates_a_decade_each_about_a_tenth_above_the_one_before() -> None:
    assert (GRID[0], GRID[24], GRID[-1]) == (1.0, 10.0, 1_000_000.0)
    assert len(GRID) == 6 * 24 + 1
    ratios = [after / before for before, after in pairwise(GRID)]
    assert min(ratios) > 1.06
    assert STEP < 1.16


@given(knee=st.floats(1.5, 900_000.0), share=st.floats(0.5, 1.0))
def test_a_server_without_noise_is_bracketed_whatever_it_can_do(knee: float, share: float) -> None:
    """A closed loop gives at least the knee, as it keeps a server busy."""
    found = bracket_of(search(exact(knee), knee / share))
    low, high = ends_of(found)
    assert low < knee <= high
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == 1
    rates = rates_about(found, 0)
    assert rates[0] < knee <= rates[-1]


@given(knee=st.floats(1.5, 900_000.0))
def test_without_a_closed_loop_a_bracket_is_right_if_perhaps_wide(knee: float) -> None:
    found = bracket_of(search(exact(knee)))
    low, high = ends_of(found)
    assert low < knee <= high


@pytest.mark.parametrize(("spread", "stalls", "least"), [(0.1, 0.0, 0.99), (0.2, 0.03, 0.96)])
def test_of_many_noisy_servers_the_rates_that_are_chosen_reach_across_most_knees(
    spread: float, stalls: float, least: float
) -> None:
    chance, runs, reached = random.Random(11), 400, 0
    for _ in range(runs):
        knee = 10.0 ** chance.uniform(1.0, 5.0)
        seen = search(noisy(knee, chance, spread, stalls), knee / 0.9)
        rates = rates_about(bracket_of(seen), start_of(seen))
        reached += rates[0] < knee < rates[-1]
    assert reached >= least * runs


@given(
    st.lists(st.sampled_from(["held", "exceeded", "both", "beyond", "unknown"]), min_size=8),
    st.floats(1.0, 1e6) | st.none(),
)
def test_whatever_trials_show_a_search_ends_and_chooses_rates(
    outcomes: list[Shows], per_s: float | None
) -> None:
    left = iter(outcomes)
    seen = search(lambda *_: next(left), per_s)
    assert len(seen) <= MOST_SEARCH_TRIALS
    rates = rates_about(bracket_of(seen), start_of(seen))
    assert len(rates) == CHOSEN
    assert list(rates) == sorted(set(rates))
    assert set(rates) <= set(GRID)


@given(st.lists(st.sampled_from(["held", "exceeded", "both"]), min_size=8), st.floats(1.0, 1e6))
def test_no_two_trials_of_a_search_are_the_same(outcomes: list[Shows], per_s: float) -> None:
    left, asked, seen = iter(outcomes), list[Ask](), list[Shown]()
    while (ask := next_step(seen, closed_first=True)) is not None:
        asked.append(ask)
        at_rest = Shown(None, "unknown", short=True, per_s=per_s)
        seen.append(at_rest if ask.at is None else Shown(ask.at, next(left), short=ask.short))
    assert len(set(asked)) == len(asked)


def test_a_server_that_holds_its_limit_everywhere_has_no_upper_end() -> None:
    found = bracket_of(search(exact(float("inf")), 5000.0))
    assert found.high is None
    assert found.low is not None


def test_a_server_that_holds_it_nowhere_has_no_lower_end() -> None:
    found = bracket_of(search(exact(0.0), 3.0))
    assert (found.low, found.high) == (None, 0)
    assert rates_about(found, 0)[0] == 1.0


def test_rates_that_the_generator_cannot_offer_are_not_asked_for_in_blocks() -> None:
    limit = 3000.0
    seen = search(lambda rate, _: "held" if rate < limit else "beyond", 2500.0)
    found = bracket_of(seen)
    assert found.high is None
    assert found.beyond is not None
    assert rates_about(found, 0)[-1] < limit <= GRID[found.beyond]


def test_a_trial_without_a_figure_ends_a_search() -> None:
    seen = search(lambda *_: "unknown", 100.0)
    assert len(seen) == 2
    assert bracket_of(seen).lost


def test_what_was_exceeded_once_by_chance_is_looked_at_again() -> None:
    """A stall makes one trial slow; the second shows that the rate can be held."""
    stalled = {"left": 1}

    def answer(rate: float, _: bool) -> Shows:
        if 95.0 < rate < 105.0 and stalled["left"]:
            stalled["left"] -= 1
            return "exceeded"
        return "held" if rate < 140.0 else "exceeded"

    rates = rates_about(bracket_of(search(answer, 120.0)), 0)
    assert rates[-1] > 100.0


def test_rates_that_claims_name_are_added_between_those_that_were_chosen() -> None:
    assert with_named((100.0, 110.0, 120.0), (50.0, 105.0, 110.0, 500.0)) == (
        100.0, 105.0, 110.0, 120.0,
    )  # fmt: skip


@given(
    st.lists(st.sampled_from(["held", "exceeded", "both"]), min_size=8),
    st.floats(1.0, 1e6),
    st.floats(1.0, 1e5),
)
def test_no_rate_is_asked_for_or_chosen_that_is_too_slow_for_the_metric(
    outcomes: list[Shows], per_s: float, least_per_s: float
) -> None:
    left, seen, least = iter(outcomes), list[Shown](), least_place(least_per_s)
    asked = list[Ask]()
    while (ask := next_step(seen, closed_first=True, least=least)) is not None:
        asked.append(ask)
        if ask.at is None:
            seen.append(Shown(None, "unknown", short=True, per_s=per_s))
            continue
        assert GRID[ask.at] >= least_per_s
        seen.append(Shown(ask.at, next(left), short=ask.short))
    assert len(set(asked)) == len(asked)
    rates = rates_about(bracket_of(seen, least), start_of(seen, least), least)
    assert len(rates) == CHOSEN
    assert rates[0] >= least_per_s


@pytest.mark.parametrize(
    ("metric", "duration_s", "limit"), [("p99", 2.0, 0.05), ("p90", 0.9, 0.015)]
)
def test_a_search_of_a_slow_server_gives_rates_with_enough_replies(
    metric: str, duration_s: float, limit: float
) -> None:
    """A server of 700/s that takes 20 ms at least: the first rate that was asked for had too few
    replies for p99, and ended the search; the limit below 20 ms was looked for at ever slower
    ones."""
    needed = METRICS[metric].least_requests
    least = least_place((needed + 3.0 * needed**0.5) / duration_s)

    def answer(rate: float, _: bool) -> Shows:
        assert rate * duration_s >= needed
        latency = math.inf if rate >= 700.0 else 0.02 + 0.002 / (1.0 - rate / 700.0)
        return "exceeded" if latency > limit else "held"

    seen = search(answer, 700.0, least)
    found = bracket_of(seen, least)
    rates = rates_about(found, start_of(seen, least), least)
    assert not found.lost
    assert rates[0] * duration_s >= needed
    assert (found.low is None) == (limit < 0.02)
