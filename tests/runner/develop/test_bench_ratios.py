# SPDX-License-Identifier: BSD-3-Clause
"""Ratios of a benchmark: round by round, with the interval of their median, held to a limit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibench.develop.bench.ratios import CONFIDENCE, Limit, Spread, confidence, ratios, spread

AT_MOST = Limit(most=1.10)
AT_LEAST = Limit(least=0.95)
FIGURES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40)


def test_each_ratio_is_of_its_own_round() -> None:
    assert ratios([2.0, 30.0], [1.0, 10.0]) == [2.0, 3.0]


def test_rounds_that_lack_a_side_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


def test_the_interval_of_few_rounds_is_from_the_smallest_to_the_largest() -> None:
    assert spread([1.3, 1.0, 1.1]) == Spread(1.1, 1.0, 1.3)


def test_one_round_has_no_width() -> None:
    assert spread([1.3]) == Spread(1.3, 1.3, 1.3)
    assert confidence(1) == 0.0


@pytest.mark.parametrize(
    ("rounds", "left_out"), [(5, 0), (6, 0), (8, 0), (9, 1), (11, 1), (12, 2), (20, 5)]
)
def test_the_interval_leaves_out_what_it_can_at_95_percent(rounds: int, left_out: int) -> None:
    """The classical table of the sign test, two-sided at 5 %."""
    found = spread([float(place) for place in range(rounds)])
    assert (found.low, found.high) == (left_out, rounds - 1 - left_out)


def test_six_rounds_are_the_fewest_that_reach_95_percent() -> None:
    assert confidence(5) < CONFIDENCE <= confidence(6) == 1 - 2 / 2**6


@given(FIGURES)
def test_the_median_is_inside_its_interval_whatever_the_order(figures: list[float]) -> None:
    found = spread(figures)
    assert min(figures) <= found.low <= found.middle <= found.high <= max(figures)
    assert found == spread(sorted(figures, reverse=True))


@pytest.mark.parametrize(
    ("limit", "found", "verdict"),
    [
        (AT_MOST, Spread(1.05, 1.01, 1.09), "kept"),
        (AT_MOST, Spread(1.10, 1.10, 1.10), "kept"),
        (AT_MOST, Spread(1.05, 1.01, 1.20), "kept, not for sure"),
        (AT_MOST, Spread(1.15, 1.01, 1.20), "MISSED, not for sure"),
        (AT_MOST, Spread(1.15, 1.12, 1.20), "MISSED"),
        (AT_LEAST, Spread(0.97, 0.95, 1.01), "kept"),
        (AT_LEAST, Spread(0.97, 0.90, 1.01), "kept, not for sure"),
        (AT_LEAST, Spread(0.90, 0.80, 0.94), "MISSED"),
    ],
)
def test_the_median_decides_and_the_interval_says_how_surely(
    limit: Limit, found: Spread, verdict: str
) -> None:
    assert limit.verdict(found) == verdict
    assert limit.keeps(found) == verdict.startswith("kept")


def test_a_limit_is_read_as_it_is_written() -> None:
    assert str(AT_MOST) == "at most x1.10"
    assert str(AT_LEAST) == "at least x0.95"
    assert str(Limit(least=0.9, most=1.1)) == "at least x0.90 and at most x1.10"
    assert Limit().holds(math.pi)
