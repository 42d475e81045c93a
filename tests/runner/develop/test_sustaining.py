# SPDX-License-Identifier: BSD-3-Clause
"""The rate that a made-up server sustains lies in its interval as often as that says."""

import pytest

from fibench.develop.bench.simulation import Noise
from fibench.develop.bench.sustaining import simulate_sustained, true_rate

RUNS = 500


@pytest.mark.parametrize("noise", ["normal", "pooled"])
@pytest.mark.parametrize(("blocks", "spread"), [(5, 0.03), (10, 0.03), (10, 0.2), (20, 0.2)])
def test_the_true_rate_is_covered_as_often_as_is_promised(
    noise: Noise, blocks: int, spread: float
) -> None:
    tally = simulate_sustained("open", noise, blocks, spread, RUNS, seed=3)
    assert 0.92 <= tally.share("sustained covered") <= 0.985
    assert tally.share("false above") <= 0.045
    assert tally.share("false below") <= 0.045


@pytest.mark.parametrize("blocks", [5, 20])
def test_near_the_capacity_the_interval_is_a_bracket_that_holds(blocks: int) -> None:
    tally = simulate_sustained("edge", "normal", blocks, 0.03, RUNS, seed=3)
    assert tally.share("sustained covered") >= 0.95
    assert tally.share("interpolated") == 0.0


def test_the_true_rate_is_where_the_made_up_curve_is_between_its_points() -> None:
    assert 350.0 < true_rate() < 375.0
