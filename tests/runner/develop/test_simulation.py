# SPDX-License-Identifier: BSD-3-Clause
"""The statistics on made-up runs: a short, seeded form of `invoke bench --statistics`.

The limits are those of docs/statistics.md with room for the few runs; the seed makes them exact.
"""

import numpy as np
import pytest

from fibench.develop.bench.simulation import (
    BLOCKS,
    NOISES,
    NUMBERS,
    Noise,
    advantage,
    draw,
    file_of_ten,
    residuals,
    simulate,
    simulate_crossover,
    true_crossing,
)
from fibench.verdict.crossover import crossing

RUNS = 500


@pytest.mark.parametrize("noise", ["normal", "pooled"])
@pytest.mark.parametrize(
    "blocks", [pytest.param(n, marks=pytest.mark.long if n > 10 else ()) for n in BLOCKS]
)
def test_intervals_cover_and_verdicts_are_right_as_often_as_they_say(
    noise: Noise, blocks: int
) -> None:
    tally = simulate(noise, blocks, RUNS, seed=3)
    assert 0.93 <= tally.share("ratio covered") <= 0.97
    assert 0.93 <= tally.share("value covered") <= 0.97
    assert tally.share("false alone") <= 0.045
    assert tally.share("false in ten") <= 0.008
    assert tally.share("any false in ten") <= 0.06
    assert 0.75 <= tally.share("seen") <= 0.85
    assert tally.share("A/A alarm") <= 0.025
    assert tally.share("not steady") <= 0.02


@pytest.mark.parametrize("spread", [0.03, 0.25])
def test_crossovers_are_covered_too(spread: float) -> None:
    tally = simulate_crossover("pooled", 10, spread, RUNS, seed=3)
    assert 0.92 <= tally.share("crossover covered") <= 0.975
    assert tally.share("false crossover") <= 0.045


@pytest.mark.parametrize("noise", NOISES)
def test_noise_has_mean_0_and_variance_1(noise: Noise) -> None:
    drawn = draw(noise, np.random.default_rng(1), 400, 20, 6)
    assert drawn.shape == (400, 20, 6)
    assert abs(drawn.mean()) < 0.02
    assert drawn.var() == pytest.approx(1.0, abs=0.03)


def test_residuals_are_those_of_twelve_blocks_and_every_row_is_standardised() -> None:
    rows = residuals()
    assert rows.shape[1] == 12
    assert len(rows) > 50
    assert np.abs(rows.mean(axis=1)).max() < 1e-9
    assert (rows**2).mean(axis=1) == pytest.approx(np.ones(len(rows)))


def test_the_file_of_ten_has_ten_claims_that_share_cells() -> None:
    claims = file_of_ten()
    sides = [cell.key for claim in claims for cell in (claim.left, claim.right) if cell]
    assert len(claims) == 10
    assert len(set(sides)) < len(sides) / 2


def test_the_line_between_the_points_crosses_where_the_curve_nearly_does() -> None:
    fine = [15.0 + step / 1000.0 for step in range(15_001)]
    curve = crossing(fine, [advantage(n) for n in fine])
    assert not isinstance(curve, str)
    assert true_crossing() - curve == pytest.approx(0.04, abs=0.01)
    assert NUMBERS[0] < curve < NUMBERS[-1]
