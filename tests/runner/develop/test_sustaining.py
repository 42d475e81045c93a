# SPDX-License-Identifier: BSD-3-Clause
"""The rate that a made-up server sustains lies in its interval as often as that says."""

import pytest

from fibench.develop.bench.simulation import BLOCKS, NOISES, Noise
from fibench.develop.bench.sustaining import (
    SPREADS,
    print_sustained,
    simulate_sustained,
    true_rate,
)

RUNS = 500


@pytest.mark.parametrize(
    ("blocks", "spread", "noise"),
    [
        pytest.param(blocks, spread, noise, marks=pytest.mark.long if is_long else ())
        for blocks, spread, noise, is_long in (
            (5, 0.03, "normal", False), (5, 0.03, "pooled", True),
            (10, 0.03, "normal", True), (10, 0.03, "pooled", False),
            (10, 0.2, "normal", False), (10, 0.2, "pooled", True),
            (20, 0.2, "normal", True), (20, 0.2, "pooled", True),
        )
    ],
)  # fmt: skip
def test_the_true_rate_is_covered_as_often_as_is_promised(
    blocks: int, spread: float, noise: Noise
) -> None:
    tally = simulate_sustained("open", noise, blocks, spread, RUNS, seed=3)
    assert 0.92 <= tally.share("sustained covered") <= 0.985
    assert tally.share("false above") <= 0.045
    assert tally.share("false below") <= 0.045


@pytest.mark.parametrize("blocks", [5, pytest.param(20, marks=pytest.mark.long)])
def test_near_the_capacity_the_interval_is_a_bracket_that_holds(blocks: int) -> None:
    tally = simulate_sustained("edge", "normal", blocks, 0.03, RUNS, seed=3)
    assert tally.share("sustained covered") >= 0.95
    assert tally.share("interpolated") == 0.0


def test_the_true_rate_is_where_the_made_up_curve_is_between_its_points() -> None:
    assert 350.0 < true_rate() < 375.0


def test_what_is_printed_has_a_line_for_each_setting(capsys: pytest.CaptureFixture[str]) -> None:
    print_sustained(runs=2)
    head, *lines = capsys.readouterr().out.split("\n")[1:-1]
    assert head.split()[-3:] == ["covered", "above", "below"]
    assert len(lines) == len(SPREADS) * len(NOISES[:2]) * len(BLOCKS)
    assert {line.split(",")[0] for line in lines} == set(SPREADS)
    assert all(float(cell) in (0.0, 50.0, 100.0) for line in lines for cell in line.split()[-3:])
